"""The street side: programs that our house stands in, each in a room of its own."""
