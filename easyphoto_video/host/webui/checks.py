"""What the host's present state rules out; each check raises before any work."""

from __future__ import annotations

from typing import Any

from easyphoto_video.errors import BadRequest, Missing
from easyphoto_video.host.webui import common

FAMILIES = {"is_sdxl": "SDXL", "is_sd2": "SD2", "is_sd3": "SD3", "is_ssd": "SSD-1B"}


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
                common.option(common.CHOSEN),
                f"is {family}, which cannot be used yet",
                "Choose a Stable Diffusion 1.x checkpoint.",
            )
