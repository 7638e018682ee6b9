"""The size of a clip that begins from a picture or a film."""

from __future__ import annotations

from typing import Any

from easyphoto_video.errors import BadRequest
from easyphoto_video.family import Family
from easyphoto_video.request import Request

LEAST, MOST = 64, 2048
"""px of a side that is chosen by us."""


def size_like(request: Request, width: int, height: int, family: Family) -> dict[str, Any]:
    """Width and height to render at: those asked for, or the shape of what is given with its
    shorter side as the family's, both multiples of its factor."""
    factor = family.factor
    scale = family.side / min(width, height)
    chosen = {
        "width": request.width or _rounded(width * scale, family),
        "height": request.height or _rounded(height * scale, family),
    }
    for label, value in (("Width", chosen["width"]), ("Height", chosen["height"])):
        if value % factor:
            below = value - value % factor
            step = f"Give {below or factor} or {below + factor}."
            reason = f"is not a multiple of {factor}, as it is rendered"
            raise BadRequest(label, value, reason, step)
    return chosen


def _rounded(side: float, family: Family) -> int:
    return min(MOST, max(LEAST, family.rounded(side)))
