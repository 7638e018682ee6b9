"""Paths over time: laws of smoothing and of filling gaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.faces.smooth import filled, smoothed

COUNTS, SIGMAS = st.integers(2, 40), st.floats(0.5, 5)
NUMBERS = st.floats(-3, 3)


@given(COUNTS, SIGMAS, NUMBERS, NUMBERS, st.floats(-0.1, 0.1))
def test_steady_even_and_accelerated_motion_stays(
    count: int, sigma: float, start: float, speed: float, bend: float
) -> None:
    time = np.arange(count)
    path = (start + speed * time + bend * time**2).astype(np.float32)[:, None]
    order = min(2, count - 1)
    expected = path if order == 2 or bend == 0 else None
    found = smoothed(path, sigma)
    if expected is not None:
        assert np.allclose(found, expected, atol=2e-3 * max(1, float(np.abs(path).max())))


def test_off_gives_the_same_array() -> None:
    path = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    assert smoothed(path, 0) is path


@given(st.integers(20, 60), st.integers(0, 1000))
def test_jitter_falls_to_less_than_half(count: int, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=(count, 2)).astype(np.float32)
    before, after = (np.diff(path, 2, axis=0).std() for path in (noise, smoothed(noise, 1.5)))
    assert after < before / 2


@given(st.integers(0, 8), st.booleans())
def test_gaps_are_filled_up_to_a_length_and_never_over_a_cut(gap: int, is_cut: bool) -> None:
    path = np.arange(20, dtype=np.float32)[:, None].repeat(2, axis=1)
    path[6 : 6 + gap] = np.nan
    cuts = np.zeros(20, bool)
    cuts[6 + gap // 2] = is_cut
    found = filled(path, 5, cuts)
    if gap <= 5 and not is_cut:
        assert np.allclose(found[:, 0], np.arange(20))
    else:
        assert np.isnan(found).sum() == np.isnan(path).sum()
