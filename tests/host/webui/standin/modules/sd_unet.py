"""Another UNet instead of the model's."""

from typing import Any

from modules import shared

current_unet: Any = None
unet_options: list[Any] = []


def get_unet_option(option: str | None = None) -> Any:
    """The one that the options name."""
    name = option or shared.opts.sd_unet
    return next((one for one in unet_options if one.label == name), None)
