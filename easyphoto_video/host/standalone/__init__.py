"""The stand-alone program: an engine on diffusers' parts, and the command line."""
