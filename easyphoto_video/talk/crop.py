"""What EchoMimic sees of a picture: a square around the face, and the mask of the face itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from easyphoto_video.clip import Frames

MASK, CROP = 0.1, 0.5
"""Shares of the face's sides by which the mask and the crop are wider, on each side."""


class Rectangle(NamedTuple):
    """px, the last two exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def wider(self, share: float, size: tuple[int, int]) -> Rectangle:
        """On each side by a share of its own sides, within a picture of width and height `size`."""
        x, y = (int(share * side) for side in (self.right - self.left, self.bottom - self.top))
        return Rectangle(
            max(self.left - x, 0),
            max(self.top - y, 0),
            min(self.right + x, size[0]),
            min(self.bottom + y, size[1]),
        )


def rounded(box: tuple[float, float, float, float]) -> Rectangle:
    """A detector's box (left, top, right, bottom) in whole px."""
    return Rectangle(*(round(side) for side in box))


def face_square(box: Rectangle, size: tuple[int, int]) -> Rectangle:
    """The square that is cut out: of the face, wider by CROP, the middle of the longer side."""
    wide = box.wider(CROP, size)
    width, height = wide.right - wide.left, wide.bottom - wide.top
    side = min(width, height)
    left = _inside((wide.left + wide.right) // 2 - side // 2, side, size[0])
    top = _inside((wide.top + wide.bottom) // 2 - side // 2, side, size[1])
    return Rectangle(left, top, left + side, top + side)


def _inside(start: int, length: int, whole: int) -> int:
    return min(max(start, 0), whole - length)


def face_mask(box: Rectangle | None, size: tuple[int, int]) -> Frames:
    """(H, W) uint8: 1 on the face, wider by MASK; all 1 without a face.

    The official code's mask is empty where the wider face reaches beyond the upper or left border;
    ours ends there.
    """
    mask = np.zeros((size[1], size[0]), np.uint8)
    left, top, right, bottom = box.wider(MASK, size) if box else (0, 0, *size)
    mask[top:bottom, left:right] = 1
    return mask
