"""EasyPhoto Video: portrait videos from text, pictures and clips."""

__version__ = "0.1.0"
