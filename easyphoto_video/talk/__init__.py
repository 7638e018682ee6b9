"""A portrait that speaks: EchoMimic's networks, landmarks and windows (arXiv 2407.08136)."""
