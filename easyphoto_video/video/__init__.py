"""Files and frames: clips are written here, and notes read back."""
