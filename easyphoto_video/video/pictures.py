"""Frames out of picture files: stills, animated GIF, WEBP and PNG, and folders of pictures."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from itertools import accumulate
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile
from easyphoto_video.files import check_file
from easyphoto_video.video.ffmpeg import GIVE_ANOTHER, LARGEST, SMALLER
from easyphoto_video.video.note import BROKEN
from easyphoto_video.video.timing import Timing, timing_of

HEADS = (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"BM")
"""First bytes of the pictures that Pillow reads; WEBP's lie further in."""
FORMATS = ("AVIF", "BMP", "GIF", "HEIF", "ICO", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "QOI")
FORMATS += ("TGA", "TIFF", "WEBP")
"""What is read; PostScript, under whatever name, is a program that Pillow would have run."""

WHITE = 255
"""What lies behind transparent pixels, in each channel."""


def is_picture(head: bytes) -> bool:
    """Whether a file that begins with these 12 bytes is a picture."""
    return head.startswith(HEADS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def pictures_in(folder: Path) -> list[Path]:
    """The .png files of a folder by name, as they are written there. Raises BadFile."""
    found = sorted(folder.glob("*.png"))
    if not found:
        raise BadFile(folder, "there are no .png files in this folder", GIVE_ANOTHER)
    return found


def pages(path: Path) -> Timing | None:
    """When each frame of a picture is shown; None for a still. Raises BadFile."""
    with opened(path) as picture:
        count = int(getattr(picture, "n_frames", 1))
        if count < 2:
            return None
        # A GIF's delays are hundredths of a second; one of 0 is played as a tenth.
        unit = 10 if picture.format == "GIF" else 1
        delays: list[int] = []
        for page in range(count):
            picture.seek(page)
            picture.load()
            delays.append(round(picture.info.get("duration", 0) / unit) or 100 // unit)
    moments = [0, *accumulate(delays[:-1])]
    return timing_of(moments, Fraction(unit, 1000), delays[-1])


def of_picture(path: Path, start: int, stop: int | None) -> Generator[Frames, None, None]:
    """(H, W, 3 or 4) uint8 RGB or RGBA of the frames from `start` to before `stop`.

    Raises BadFile.
    """
    with opened(path) as picture:
        count = int(getattr(picture, "n_frames", 1))
        for page in range(start, count if stop is None else min(stop, count)):
            picture.seek(page)
            turned = ImageOps.exif_transpose(picture) if count == 1 else picture
            yield pixels(turned or picture)


def of_folder(folder: Path, start: int, stop: int | None) -> Generator[Frames, None, None]:
    """See of_picture, of the pictures of a folder. Raises BadFile, also when sizes differ."""
    files = pictures_in(folder)
    size = next(of_picture(files[0], 0, 1)).shape
    for file in files[start:stop]:
        frame = next(of_picture(file, 0, 1))
        if frame.shape != size:
            reason = f"it has another size than {files[0].name}"
            raise BadFile(file, reason, GIVE_ANOTHER)
        yield frame


def pixels(picture: Image.Image) -> Frames:
    """(H, W, 3) uint8 RGB of a picture in any mode of Pillow's, (H, W, 4) where it has alpha.

    16 bits are rounded to 8. Raises ValueError for floating point values.
    """
    if picture.mode.startswith("I"):
        deep = np.asarray(picture).astype(np.int64).clip(0, 65535)
        return np.repeat(((deep + 128) // 257).astype(np.uint8)[..., None], 3, axis=2)
    if picture.mode == "F":
        raise ValueError("it holds floating point values")
    return np.array(picture.convert("RGBA" if _has_alpha(picture) else "RGB"))


def composited(layer: Frames) -> Frames:
    """(H, W, 3) of (H, W, 3 or 4): what is transparent lies on white, as in the WebUI's img2img."""
    if layer.shape[2] == 3:
        return layer
    colour, alpha = layer[..., :3].astype(np.uint16), layer[..., 3:].astype(np.uint16)
    return ((colour * alpha + WHITE * (255 - alpha) + 127) // 255).astype(np.uint8)


def _has_alpha(picture: Image.Image) -> bool:
    return "transparency" in picture.info or picture.mode in {"RGBA", "LA", "PA", "La", "RGBa"}


@cache
def _formats() -> tuple[str, ...]:
    """Those of FORMATS that this Pillow knows."""
    Image.init()
    return tuple(format for format in FORMATS if format in Image.OPEN)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """A picture file; what goes wrong with it inside the `with` too is raised as BadFile."""
    check_file(path, GIVE_ANOTHER)
    try:
        # Pillow warns of damaged EXIF and of huge pictures; what it cannot read, it raises.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=_formats()) as picture:
                _check_size(picture)
                yield picture
    except Image.DecompressionBombError as error:
        reason = f"the picture is too large ({error})"
        raise BadFile(path, reason, SMALLER) from error
    except BROKEN as error:
        raise BadFile(path, f"the picture is damaged ({error})", GIVE_ANOTHER) from error


def _check_size(picture: Image.Image) -> None:
    if picture.width * picture.height > LARGEST:
        raise Image.DecompressionBombError(f"{picture.width}x{picture.height} px")
