"""The size of a clip that begins from a picture or a film."""

from __future__ import annotations

from typing import Any

from easyphoto_video.errors import BadRequest
from easyphoto_video.request import Request

LEAST, MOST = 64, 2048
"""px of a side that is chosen by us."""


def size_like(request: Request, width: int, height: int, side: int) -> dict[str, Any]:
    """Width and height to render at: those asked for, or the shape of what is given with its
    shorter side as the checkpoint's, both multiples of 8."""
    scale = side / min(width, height)
    chosen = {
        "width": request.width or _rounded(width * scale),
        "height": request.height or _rounded(height * scale),
    }
    for label, value in (("Width", chosen["width"]), ("Height", chosen["height"])):
        if value % 8:
            step = f"Give {value // 8 * 8 or 8} or {value // 8 * 8 + 8}."
            raise BadRequest(label, value, "is not a multiple of 8, as it is rendered", step)
    return chosen


def _rounded(side: float) -> int:
    return min(MOST, max(LEAST, 8 * round(side / 8)))
