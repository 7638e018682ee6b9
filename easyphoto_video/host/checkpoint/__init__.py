"""What a checkpoint is, told by its keys, its shapes and the yaml beside it."""
