"""Prompts in the WebUI's manner: from text to what the UNet sees of it."""
