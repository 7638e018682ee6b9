"""A VAE of its own instead of the checkpoint's: here a factor on its colours."""

from __future__ import annotations

from modules import shared

vae_path = "models/VAE"
vae_dict: dict[str, str] = {"warm.safetensors": "warm.safetensors"}
FACTORS = {"warm.safetensors": 0.5}


def refresh_vae_list() -> None:
    """Nothing new."""


def reload_vae_weights() -> None:
    """By the options."""
    shared.sd_model.colour = FACTORS.get(shared.opts.sd_vae, 1.0)
