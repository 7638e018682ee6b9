"""Paths over time: gaps filled, jitter taken out to both sides, so that nothing lags."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from easyphoto_video.faces.face import Floats

REACH = 3
"""Radius of the window in standard deviations."""
ORDER = 2
COLUMNS = 64
"""Values beside each other that are smoothed at once."""


def smoothed(path: Floats, sigma: float) -> Floats:
    """(F, ...) float32, each value the middle of a parabola fitted around it.

    Gaussian weights of `sigma` frames to both sides (Savitzky and Golay's filter with soft ends),
    so that a steady, an even and an evenly accelerated motion stay as they are, at the ends too.
    0 gives the same array back.
    """
    count = len(path)
    if sigma <= 0 or count < 2:
        return path
    offsets, weights = _weights(count, sigma)
    flat = path.reshape(count, -1)
    # Summed in float64, but never a copy of the whole path in it: dense points are many.
    middle = np.zeros(flat.shape, np.float32)
    for column in range(0, flat.shape[1], COLUMNS):
        part = slice(column, column + COLUMNS)
        total = np.zeros(flat[:, part].shape)
        for offset, weight in zip(offsets, weights, strict=True):
            rows = slice(max(0, -offset), max(0, min(count, count - offset)))
            moved = slice(max(0, offset), max(0, min(count, count + offset)))
            total[rows] += weight[rows, None] * flat[moved, part]
        middle[:, part] = total
    return middle.reshape(path.shape)


def _weights(count: int, sigma: float) -> tuple[list[int], npt.NDArray[np.float64]]:
    """Offsets in frames, and (offsets, count): how much a value so far from each frame weighs."""
    reach = int(np.ceil(REACH * sigma))
    offsets = np.arange(-reach, reach + 1)
    there = np.add.outer(offsets, np.arange(count))
    soft = np.exp(-0.5 * (offsets[:, None] / sigma) ** 2) * ((there >= 0) & (there < count))
    powers = offsets ** np.arange(min(ORDER, count - 1) + 1)[:, None].astype(np.float64)
    system = np.einsum("pk,qk,kf->fpq", powers, powers, soft)
    # A whole window of few frames cannot hold a parabola; a little stiffness keeps it solvable.
    inverse = np.linalg.inv(system + 1e-9 * np.eye(len(powers)))
    return offsets.tolist(), np.einsum("fp,pk,kf->kf", inverse[:, 0], powers, soft)


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
