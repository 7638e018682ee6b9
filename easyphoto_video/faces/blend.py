"""Blending: a redrawn crop back into its frame, seen through a soft mask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.crop import Views, cut, finer, inverse, resample, to_frame
from easyphoto_video.faces.face import Floats

ALIKE = 6.0
"""Grey levels of change at which a frame's finer detail is given up by 40 %."""
NEAR = 0.02
"""Sides of the crop, the neighbourhood in which the change is measured."""


def blend(
    frames: Iterable[Frames],
    crops: Iterable[Frames],
    path: Views,
    masks: Iterable[Floats],
) -> Iterator[Frames]:
    """Each frame with its crop pasted in; a frame without the face (NaN in `path`) as it is.

    All four run in step, frame by frame; nothing is held.
    """
    for frame, crop, view, mask in zip(frames, crops, path, masks, strict=True):
        yield paste(frame, crop, view, mask) if np.isfinite(view).all() else frame


def paste(picture: Frames, crop: Frames, view: Views, mask: Floats) -> Frames:
    """(H, W, 3) uint8: the picture with the crop laid over it where the mask is.

    `mask` (h, w) 0..1 belongs to the view; `crop` is as large, or a multiple of it. Outside of the
    mask every bit stays. Inside, what is laid on is the change: the crop less what was cut out, so
    that a crop in which nothing changed gives the picture back, finer detail than a crop can hold
    included. That detail belongs to the old face, so it is given up where the crop changed.
    """
    inner = finer(view, crop.shape[1] / mask.shape[1])
    corner, size = _window(picture, inner, crop)
    if min(size) < 1:
        return picture
    rows = slice(corner[1], corner[1] + size[1]), slice(corner[0], corner[0] + size[0])
    back = _from_corner(inverse(inner), corner)
    weight = _spread(mask, _from_corner(inverse(view), corner), size)
    old = resample(cut(picture, inner, (crop.shape[1], crop.shape[0])), back, size)
    new = resample(crop, back, size)
    under = picture[rows].astype(np.float32)
    change = new.astype(np.float32) - old
    alike = _alike(change, NEAR * max(size))
    laid = under + weight[..., None] * (change + (1 - alike[..., None]) * (old - under))
    out = picture.copy()
    out[rows] = np.clip(np.rint(laid), 0, 255).astype(np.uint8)
    return out


def spread(mask: Floats, view: Views, size: tuple[int, int]) -> Floats:
    """A crop's mask (h, w) in its frame: (H, W) float32 of `size` (W, H), 0 outside of the crop."""
    return _spread(mask, inverse(view), size)


def _spread(mask: Floats, back: Views, size: tuple[int, int]) -> Floats:
    # Not Lanczos: a mask must stay between 0 and 1, and 0 where it is 0.
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(mask, back, size, flags=flags, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(out, np.float32)


def _from_corner(matrix: Views, corner: tuple[int, int]) -> Views:
    """A matrix from the picture's pixels, from those of a window of it instead."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ np.array(corner)
    return moved


def _window(picture: Frames, view: Views, crop: Frames) -> tuple[tuple[int, int], tuple[int, int]]:
    """Corner (x, y) and size (w, h) of the part of the picture that the crop touches."""
    right, below = crop.shape[1] - 0.5, crop.shape[0] - 0.5
    corners = np.array([[-0.5, -0.5], [right, -0.5], [right, below], [-0.5, below]], np.float32)
    there = to_frame(corners, view)
    low = np.maximum(np.floor(there.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(there.max(axis=0)).astype(int) + 1, (picture.shape[1::-1]))
    return (int(low[0]), int(low[1])), (int(high[0] - low[0]), int(high[1] - low[1]))


def _alike(change: np.ndarray[Any, np.dtype[np.float32]], reach: float) -> Floats:
    """(h, w) 1 where nothing changed near by, 0 where much did."""
    side = 2 * round(reach) + 1
    energy = cv2.blur(cv2.blur(np.square(change).mean(axis=2), (side, side)), (side, side))
    return np.exp(-energy / (2 * ALIKE**2)).astype(np.float32)
