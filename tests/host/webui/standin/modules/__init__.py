"""The WebUI's package, in small."""
