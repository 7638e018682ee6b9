"""Figures over time, levelled: the mean around each frame, to both sides."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

REACH = 3
"""Radius of the window in standard deviations."""


def levelled(values: npt.NDArray[np.float64], sigma: float) -> npt.NDArray[np.float64]:
    """(F, ...) averaged with Gaussian weights of `sigma` frames to both sides, so without lag.

    Rows of NaN take no part, and get the mean of those around, NaN where there are none. 0 gives
    the same values. Unlike `smoothed` it takes out what is slow too: for sizes and colours.
    """
    if sigma <= 0 or len(values) < 2:
        return values
    flat = values.reshape(len(values), -1)
    known = np.isfinite(flat.sum(axis=1)).astype(np.float64)
    reach = math.ceil(REACH * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(np.where(known[:, None] == 1, flat, 0), ((reach, reach), (0, 0)))
    sums = np.stack([np.convolve(column, weights, "valid") for column in padded.T], axis=1)
    shares = np.convolve(np.pad(known, reach), weights, "valid")
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums / shares[:, None]).reshape(values.shape)
