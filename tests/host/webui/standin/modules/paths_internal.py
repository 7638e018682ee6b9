"""Where the host's data lies."""

data_path = ""
