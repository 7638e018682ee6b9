"""The WebUI's face restorers and upscalers, as what sharpens a redrawn face."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadRequest
from easyphoto_video.faces.cast import Restorer
from easyphoto_video.host.webui import common
from easyphoto_video.request import NONE

PLAIN = ("None", "Lanczos", "Nearest")
"""The host's upscalers that know nothing of pictures: with them a face is as it was."""
FACTOR = 2


def names() -> list[str]:
    """What can be chosen: the face restorers, then the upscalers."""
    return [*_restorers(), *_upscalers()]


def restorer(name: str) -> Restorer | None:
    """The one of that name, None for none. Its model is loaded with the first face, by the host.

    Raises BadRequest for a name that the host does not have.
    """
    if name in (NONE, ""):
        return None
    if name in _restorers():
        model = _restorers()[name]
        return lambda picture: np.asarray(model.restore(picture), np.uint8)
    if name in _upscalers():
        return lambda picture: _larger(_upscalers()[name], picture)
    known = ", ".join(names()) or "nothing"
    raise BadRequest("Face restorer", name, "is not there", f"The WebUI has {known}; or give none.")


def _restorers() -> dict[str, Any]:
    return {each.name(): each for each in common.face_restorers()}


def _upscalers() -> dict[str, Any]:
    return {each.name: each for each in common.upscalers() if each.name not in PLAIN}


def _larger(upscaler: Any, picture: Frames) -> Frames:
    image = Image.fromarray(picture)
    larger = upscaler.scaler.upscale(image, FACTOR, upscaler.data_path)
    return np.asarray(larger.convert("RGB"), np.uint8)
