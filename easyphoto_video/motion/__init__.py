"""Time inside a UNet: AnimateDiff's motion modules, read from any file and attached by hooks."""
