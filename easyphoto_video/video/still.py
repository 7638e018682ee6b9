"""One picture out of a file, and pictures fitted to a size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile
from easyphoto_video.files import check_file
from easyphoto_video.video.pictures import composited, opened, pixels

RULES = ("cover", "contain", "stretch")
"""How a picture of another shape becomes a frame: see `fitted`."""
GIVE_PICTURE = "Give a picture, such as a .png, .jpg or .webp."

Colour = tuple[int, int, int]
"""Red, green and blue, 0..255."""


def read_picture(path: Path | str) -> Frames:
    """(H, W, 3) uint8 RGB of a picture file, upright as its EXIF says, the first of an animation.

    What is transparent lies on white; 16 bits are rounded to 8. Raises BadFile when there is no
    picture, a damaged one, or one of more than 128 megapixels.
    """
    path = Path(path)
    check_file(path, GIVE_PICTURE)
    try:
        with opened(path) as picture:
            return composited(pixels(ImageOps.exif_transpose(picture) or picture))
    except BadFile as error:
        if isinstance(error.__cause__, Image.UnidentifiedImageError):
            reason = "it is no picture that can be read"
            raise BadFile(path, reason, GIVE_PICTURE) from error.__cause__
        raise


def fitted(
    picture: Frames, width: int, height: int, rule: str = "cover", pad: Colour | None = None
) -> Frames:
    """(height, width, 3) uint8 RGB of an (H, W, 3) picture, by one of RULES.

    `cover` fills the frame and cuts off what sticks out, half on each side; `contain` shows all
    of the picture in the middle and fills the rest with `pad`, or with the picture's edge;
    `stretch` changes its proportions. Scaling is Lanczos', which averages where it shrinks. A
    picture of the right size comes back as it is.
    """
    if rule not in RULES:
        raise ValueError(f"no such rule: {rule}")
    high, wide = picture.shape[:2]
    if (wide, high) == (width, height):
        return picture
    if rule == "contain":
        return _contained(picture, width, height, pad)
    box = (0.0, 0.0, float(wide), float(high))
    if rule == "cover":
        part = min(wide / width, high / height)
        left, top = (wide - part * width) / 2, (high - part * height) / 2
        box = (max(left, 0), max(top, 0), min(wide - left, wide), min(high - top, high))
    return _resized(picture, width, height, box)


def _contained(picture: Frames, width: int, height: int, pad: Colour | None) -> Frames:
    high, wide = picture.shape[:2]
    scale = min(width / wide, height / high)
    inner_width = min(max(round(wide * scale), 1), width)
    inner_height = min(max(round(high * scale), 1), height)
    inner = _resized(picture, inner_width, inner_height, (0, 0, wide, high))
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    right, bottom = width - inner_width - left, height - inner_height - top
    if pad is None:
        return np.pad(inner, ((top, bottom), (left, right), (0, 0)), mode="edge")
    whole = np.empty((height, width, 3), np.uint8)
    whole[:] = pad
    whole[top : top + inner_height, left : left + inner_width] = inner
    return whole


def _resized(
    picture: Frames, width: int, height: int, box: tuple[float, float, float, float]
) -> Frames:
    resized = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS, box=box)
    return np.array(resized)
