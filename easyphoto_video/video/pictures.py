"""Frames out of picture files: stills, animated GIF, WEBP and PNG, and folders of pictures."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile
from easyphoto_video.video.note import BROKEN

GIVE_ANOTHER = "Give a video, a picture, or a folder of .png pictures of one size."
HEADS = (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"BM")
"""First bytes of the pictures that Pillow reads; WEBP's lie further in."""


def is_picture(head: bytes) -> bool:
    """Whether a file that begins with these 12 bytes is a picture."""
    return head.startswith(HEADS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def pictures_in(folder: Path) -> list[Path]:
    """The .png files of a folder by name, as they are written there. Raises BadFile."""
    found = sorted(folder.glob("*.png"))
    if not found:
        raise BadFile(folder, "there are no .png files in this folder", GIVE_ANOTHER)
    return found


def pages(path: Path) -> tuple[int, Fraction | None]:
    """How many frames a picture has, and how many play in a second on average; None for a still.

    Raises BadFile.
    """
    with _opened(path) as picture:
        count = int(getattr(picture, "n_frames", 1))
        if count < 2:
            return 1, None
        total = Fraction(0)
        for page in range(count):
            picture.seek(page)
            picture.load()
            # A delay of 0 is played as a tenth of a second.
            total += Fraction(str(picture.info.get("duration", 0))) or 100
        return count, (count * 1000 / total).limit_denominator(1001)


def of_picture(path: Path, start: int, stop: int | None) -> Generator[Frames, None, None]:
    """(H, W, 3) uint8 RGB of the frames from `start` to before `stop`. Raises BadFile."""
    with _opened(path) as picture:
        count = int(getattr(picture, "n_frames", 1))
        for page in range(start, count if stop is None else min(stop, count)):
            picture.seek(page)
            turned = ImageOps.exif_transpose(picture) if count == 1 else picture
            yield np.array(turned.convert("RGB"))


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


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        # Pillow warns of damaged EXIF and of huge pictures; what it cannot read, it raises.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                yield picture
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise BadFile(path, f"the picture is damaged ({error})", GIVE_ANOTHER) from error
