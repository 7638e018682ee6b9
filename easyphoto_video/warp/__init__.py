"""Networks that move a picture without diffusion; pure torch."""
