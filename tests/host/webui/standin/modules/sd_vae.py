"""A VAE of its own instead of the checkpoint's: here a factor on its colours."""

from __future__ import annotations

from pathlib import Path

from modules import shared

vae_path = ""
vae_dict: dict[str, str] = {}
FACTORS = {"warm.safetensors": 0.5}


def refresh_vae_list() -> None:
    """As new, from nothing: for a moment it knows none."""
    vae_dict.clear()
    for path in sorted(Path(vae_path).glob("*.safetensors")):
        vae_dict[path.name] = str(path)


def reload_vae_weights() -> None:
    """By the options."""
    shared.sd_model.colour = FACTORS.get(shared.opts.sd_vae, 1.0)
