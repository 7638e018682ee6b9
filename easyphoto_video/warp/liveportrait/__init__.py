"""LivePortrait (Guo et al., 2024, arXiv 2407.03168), by the official key names."""
