"""Frames brought to the network's size, as the official demo does with scikit-image.

In plain numpy, since not every host has scikit-image, and OpenCV keeps other borders.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_REACH = 4.0
"""Of the Gaussian, in deviations, as scipy's filter has it."""


def squashed(
    frame: npt.NDArray[np.uint8], height: int, width: int, anti_aliasing: bool = True
) -> Floats:
    """A frame (H, W, 3) uint8 as (height, width, 3) in 0..1, whatever its shape: bilinear.

    `anti_aliasing` blurs first what is made smaller, as scikit-image does since 0.15 by itself.
    """
    picture = frame / 255.0
    for axis, side in enumerate((height, width)):
        times = frame.shape[axis] / side
        if anti_aliasing and times > 1:
            picture = _along(axis, _gaussian(frame.shape[axis], (times - 1) / 2), picture)
        picture = _along(axis, _bilinear(frame.shape[axis], side), picture)
    return np.clip(picture, frame.min() / 255.0, frame.max() / 255.0)


def _along(axis: int, weights: Floats, picture: Floats) -> Floats:
    return np.moveaxis(np.tensordot(weights, picture, (1, axis)), 0, axis)


def _gaussian(side: int, sigma: float) -> Floats:
    """(side, side): each row is the Gaussian about its pixel."""
    reach = int(_REACH * sigma + 0.5)
    offsets = np.arange(-reach, reach + 1)
    hill = np.exp(-0.5 * (offsets / sigma) ** 2)
    return _rows(side, np.arange(side)[:, None] + offsets, lambda _: hill / hill.sum())


def _bilinear(side: int, made: int) -> Floats:
    """(made, side): each row holds the two neighbours of a pixel's middle."""
    places = (np.arange(made) + 0.5) * (side / made) - 0.5
    first = np.floor(places).astype(int)
    share = places - first
    both = np.stack([first, first + 1], axis=1)
    return _rows(side, both, lambda row: np.array([1 - share[row], share[row]]))


def _rows(side: int, columns: npt.NDArray[np.int_], weights: Callable[[int], Floats]) -> Floats:
    """A matrix with these weights in these columns, mirrored at the pixels of the edges."""
    inside = np.abs(columns) if side > 1 else np.zeros_like(columns)
    if side > 1:
        turn = inside % (2 * side - 2)
        inside = np.where(turn < side, turn, 2 * side - 2 - turn)
    matrix = np.zeros((len(columns), side))
    for row, places in enumerate(inside):
        np.add.at(matrix[row], places, weights(row))
    return matrix
