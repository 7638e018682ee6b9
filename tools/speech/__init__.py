"""Made-up speech that the talking networks learn from: synthesised, and what a mouth does to it."""
