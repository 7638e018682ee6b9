"""What the host's present state rules out; each check raises before any work."""

from __future__ import annotations

from typing import Any

from modules import sd_models, sd_unet, shared

from easyphoto_video.errors import BadRequest, Missing

FAMILIES = {"is_sdxl": "SDXL", "is_sd2": "SD2", "is_sd3": "SD3", "is_ssd": "SSD-1B"}


def check_unet() -> None:
    """Motion goes into the host's own UNet; one that replaces it would not hear of it."""
    active = sd_unet.current_unet
    if active is None and sd_models.model_data.sd_model is not None:
        active = sd_unet.get_unet_option()  # which asks the model
    if active is not None:
        label = getattr(active, "label", None) or getattr(active.option, "label", "another")
        raise BadRequest(
            "SD Unet",
            label,
            "replaces the WebUI's own UNet, and motion cannot go into it",
            "Choose None in Settings, Stable Diffusion, SD Unet.",
        )


def check_model(model: Any) -> None:
    """Only Stable Diffusion 1.x has motion modules that we can use."""
    if model is None:
        raise Missing(
            "A checkpoint in the WebUI",
            "Put a Stable Diffusion 1.5 checkpoint into models/Stable-diffusion and choose it.",
        )
    for flag, family in FAMILIES.items():
        if getattr(model, flag, False):
            raise BadRequest(
                "Checkpoint",
                shared.opts.sd_model_checkpoint,
                f"is {family}, which cannot be used yet",
                "Choose a Stable Diffusion 1.x checkpoint.",
            )
