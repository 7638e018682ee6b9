"""Models from files: what a file is, how large its networks are, and the networks themselves."""
