"""Splines through points, as scipy's `interp1d` has them for `quadratic` and `cubic`.

A cubic spline does not bend anew at its second and last but one point ("not a knot"); a quadratic
one changes its piece midway between points.
"""

from __future__ import annotations

import itertools

import numpy as np


def through(x: np.ndarray, y: np.ndarray, at: np.ndarray, method: str) -> np.ndarray:
    """Values at `at` of the curve through points; too few points bend less."""
    degree = min(len(x) - 1, {"step": 0, "linear": 1, "quadratic": 2, "cubic": 3}[method])
    with np.errstate(all="ignore"):
        if degree > 1:
            return spline(x, y, at, degree)
        if method == "step":
            return y[np.maximum(np.searchsorted(x, at, "right") - 1, 0)]
        return np.interp(at, x, y)


def spline(x: np.ndarray, y: np.ndarray, at: np.ndarray, degree: int) -> np.ndarray:
    """Values (M,) at `at` of the smooth curve through (N,) points; ends hold beyond them.

    `x` ascends strictly; there are at least degree + 1 points; `degree` is 2 or 3.
    """
    knots = _knots(x, degree)
    first, rows = _basis(knots, x, degree)
    weights = _solved(first, rows, y)
    inside = np.clip(at, x[0], x[-1])
    first, rows = _basis(knots, inside, degree)
    found = (rows * weights[first[:, None] + np.arange(degree + 1)]).sum(axis=1)
    # A point is met exactly, so that an end of 0 does not fall a rounding below it.
    near = np.searchsorted(x, inside)
    return np.where(x[near] == inside, y[near], found)


def _knots(x: np.ndarray, degree: int) -> np.ndarray:
    """Where pieces meet (N + degree + 1,), the ends repeated."""
    between = x[2:-2] if degree == 3 else ((x[1:] + x[:-1]) / 2)[1:-1]
    return np.concatenate([[x[0]] * (degree + 1), between, [x[-1]] * (degree + 1)])


def _basis(knots: np.ndarray, at: np.ndarray, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """The B-splines that are not 0 at `at`: number of the first (M,), values (M, degree + 1)."""
    last = len(knots) - degree - 2
    piece = np.clip(np.searchsorted(knots, at, "right") - 1, degree, last)
    values = np.ones((len(at), 1))
    for order in range(1, degree + 1):
        # Cox and de Boor: each value goes in two parts to its neighbours of the next order.
        near = piece[:, None] + np.arange(1 - order, 1)
        left, right = knots[near], knots[near + order]
        share = (at[:, None] - left) / (right - left)
        grown = np.zeros((len(at), order + 1))
        grown[:, :-1] += values * (1 - share)
        grown[:, 1:] += values * share
        values = grown
    return piece - degree, values


def _solved(first: np.ndarray, rows: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights (N,) with `rows` times weights equal to `y`; row n is near the diagonal.

    The matrix is totally positive, so elimination needs no pivots and keeps the band.
    """
    count, width = rows.shape
    band = np.zeros((count, 2 * width - 1))
    for n, (start, row) in enumerate(zip(first.tolist(), rows, strict=True)):
        place = start - n + width - 1
        band[n, place : place + width] = row
    right = y.astype(np.float64)
    middle = width - 1
    for n, step in itertools.product(range(count), range(1, width)):
        below = n + step
        if below < count and band[below, middle - step]:
            factor = band[below, middle - step] / band[n, middle]
            band[below, middle - step : 2 * width - 1 - step] -= factor * band[n, middle:]
            right[below] -= factor * right[n]
    weights = np.zeros(count + width)
    for n in reversed(range(count)):
        known = band[n, middle + 1 :] @ weights[n + 1 : n + width]
        weights[n] = (right[n] - known) / band[n, middle]
    return weights[:count]
