"""Splines meet their points and follow every curve of their own degree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.spline import spline

PLACES = st.lists(st.integers(0, 200), min_size=4, max_size=40, unique=True).map(sorted)


@given(PLACES, st.sampled_from([2, 3]), st.integers(0, 2**32 - 1))
def test_points_are_met_and_ends_hold(places: list[int], degree: int, seed: int) -> None:
    x = np.array(places, np.float64)
    y = np.random.default_rng(seed).normal(size=len(x))
    assert spline(x, y, x, degree).tolist() == y.tolist()
    beyond = spline(x, y, np.array([x[0] - 5, x[-1] + 5]), degree)
    assert beyond.tolist() == [y[0], y[-1]]


@given(PLACES, st.sampled_from([2, 3]))
def test_a_polynomial_of_the_degree_is_followed(places: list[int], degree: int) -> None:
    x = np.array(places, np.float64)
    at = np.linspace(x[0], x[-1], 50)
    curve = np.polynomial.Polynomial([1, -2, 3, -4][: degree + 1], domain=[0, 200])
    assert spline(x, curve(x), at, degree) == pytest.approx(curve(at), abs=1e-8)


def test_a_spline_is_smooth_at_its_points() -> None:
    x = np.array([0.0, 3, 6, 11, 12, 20])
    y = np.array([0.0, 3, 0, 2, -1, 4])
    step = 1e-4
    for degree in (2, 3):
        near = [spline(x, y, x[1:-1] + n * step, degree) for n in (-2, -1, 0, 1, 2)]
        slopes = np.diff(near, axis=0) / step
        assert np.abs(np.diff(slopes, axis=0)).max() < 50 * step
