"""EasyPhoto Video inside stable-diffusion-webui (AUTOMATIC1111) and its relatives."""
