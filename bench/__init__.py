"""How fast and how large it is, against diffusers' AnimateDiff: `python3 launch.py bench`."""
