"""What can be made: one file a mode, found by its name in registry.py."""
