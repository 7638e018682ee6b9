"""The stages of the recipe: vae, text, unet, motion, export."""
