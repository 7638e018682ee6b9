"""Masks over frames, out of a film or a still picture."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames
from easyphoto_video.video.cut import Cut
from easyphoto_video.video.read import Video, open_video

Mask = npt.NDArray[np.float32]
"""(H, W) float32, 0..1."""
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32) / np.float32(255)
"""BT.709: how bright red, green and blue are, of 0..255."""


def masks_of(
    path: Path | str, cut: Cut, start: int = 0, stop: int | None = None
) -> Generator[Mask, None, None]:
    """(H, W) float32 0..1 in the cut's size, one for each of its frames from `start` to `stop`.

    A picture's grey is its luma; its alpha counts instead where it has one that is not opaque
    everywhere at the first mask. The mask's time is the film's, so the cut's start time holds for
    both; a mask that ends earlier holds its last frame, a still holds for all. It is stretched to
    the cut's size. A mask that is shown several times comes as the same array. Raises BadFile.
    """
    path = Path(path)
    video, by_alpha = _looked_at(path, _state(path))
    shown = replace(cut, video=video)
    size = (cut.width, cut.height)
    last, mask = -1, None
    with closing(shown.layers(start, stop)) as layers:
        for number, layer in layers:
            if mask is None or number != last:
                last, mask = number, _scaled(_grey(layer, by_alpha), size)
            yield mask


@lru_cache(maxsize=4)
def _looked_at(path: Path, state: tuple[int, int]) -> tuple[Video, bool]:
    """A mask, and whether its alpha counts; once for all spans of a file in the same state."""
    video = open_video(path)
    with closing(video.layers(0, 1)) as layers:
        first = next(layers, None)
    return video, first is not None and first.shape[2] == 4 and bool((first[..., 3] < 255).any())


def _state(path: Path) -> tuple[int, int]:
    try:
        told = path.stat()
    except OSError:  # open_video tells why
        return 0, 0
    return told.st_mtime_ns, told.st_size


def _grey(layer: Frames, by_alpha: bool) -> Mask:
    if by_alpha and layer.shape[2] == 4:
        return np.divide(layer[..., 3], 255, dtype=np.float32)
    return np.matmul(layer[..., :3], LUMA, dtype=np.float32)


def _scaled(mask: Mask, size: tuple[int, int]) -> Mask:
    if mask.shape == (size[1], size[0]):
        return mask.clip(0, 1)
    shrinks = mask.shape[1] > size[0] or mask.shape[0] > size[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(mask, size, interpolation=way).clip(0, 1).astype(np.float32)
