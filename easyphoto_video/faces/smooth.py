"""Paths over time: gaps filled, jitter taken out to both sides, so that nothing lags."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from easyphoto_video.faces.face import Floats

REACH = 3
"""Radius of the window in standard deviations."""
ORDER = 2


def smoothed(path: Floats, sigma: float) -> Floats:
    """(F, ...) float32, each value the middle of a parabola fitted around it.

    Gaussian weights of `sigma` frames to both sides (Savitzky and Golay's filter with soft ends),
    so that a steady, an even and an evenly accelerated motion stay as they are, at the ends too.
    0 gives the same array back.
    """
    count = len(path)
    if sigma <= 0 or count < 2:
        return path
    flat = path.reshape(count, -1).astype(np.float64)
    order = min(ORDER, count - 1)
    moments = np.zeros((2 * order + 1, count))
    sums = np.zeros((order + 1, *flat.shape))
    for offset in range(-int(np.ceil(REACH * sigma)), int(np.ceil(REACH * sigma)) + 1):
        rows = np.arange(max(0, -offset), min(count, count - offset))
        weight = np.exp(-0.5 * (offset / sigma) ** 2)
        for power in range(2 * order + 1):
            moments[power, rows] += weight * offset**power
        for power in range(order + 1):
            sums[power, rows] += weight * offset**power * flat[rows + offset]
    index = np.add.outer(np.arange(order + 1), np.arange(order + 1))
    # A whole window of few frames cannot hold a parabola; a little stiffness keeps it solvable.
    system = moments[index].transpose(2, 0, 1) + 1e-9 * np.eye(order + 1)
    middle = np.linalg.solve(system, sums.transpose(1, 0, 2))[:, 0]
    return middle.reshape(path.shape).astype(np.float32)


def filled(path: Floats, most: int, cuts: npt.NDArray[np.bool_]) -> Floats:
    """(F, ...) with gaps (rows of NaN) of up to `most` frames filled on a straight line.

    `cuts` (F,) tells which frames begin a new scene; no gap is filled over one.
    """
    known = np.flatnonzero(np.isfinite(path.reshape(len(path), -1)).all(axis=1))
    out = path.copy()
    for before, after in pairwise(known):
        gap = after - before - 1
        if 0 < gap <= most and not cuts[before + 1 : after + 1].any():
            share = (np.arange(1, gap + 1) / (gap + 1)).reshape(-1, *[1] * (path.ndim - 1))
            out[before + 1 : after] = path[before] + share * (path[after] - path[before])
    return out
