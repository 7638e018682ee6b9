"""Whatever enters somebody else's UNet, by one way: see attachment.py."""
