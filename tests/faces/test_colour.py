"""Colour: taken on as far as asked, steadily, and never out of nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easyphoto_video.faces.colour import match_colour, to_lab, to_rgb, tone, toned, tones
from easyphoto_video.faces.level import levelled

RNG = np.random.default_rng(0)
CROPS = RNG.integers(60, 180, (12, 32, 32, 3), np.uint8)
MASKS = np.zeros((12, 32, 32), np.float32)
MASKS[:, 8:24, 8:24] = 1


def darker(pictures: np.ndarray, by: float) -> np.ndarray:
    return (pictures * by).astype(np.uint8)


def test_by_nothing_it_is_the_same_array() -> None:
    assert match_colour(CROPS, darker(CROPS, 0.5), MASKS, 0) is CROPS


def test_by_all_it_has_the_target_s_mean_and_spread() -> None:
    targets = darker(CROPS, 0.7)
    matched = match_colour(CROPS, targets, MASKS, 1, smoothing=0)
    assert tones(matched, MASKS) == pytest.approx(tones(targets, MASKS), abs=0.7)


@settings(max_examples=30)
@given(st.floats(0.05, 1))
def test_half_is_half_way(amount: float) -> None:
    targets = darker(CROPS[:1], 0.8)
    own, wanted = tone(CROPS[0], MASKS[0]), tone(targets[0], MASKS[0])
    got = tone(toned(CROPS[0], own, wanted, amount), MASKS[0])
    assert got[0] == pytest.approx(own[0] + amount * (wanted[0] - own[0]), abs=0.6)


def test_one_odd_frame_does_not_flicker() -> None:
    targets = CROPS.copy()
    targets[6] = darker(targets[6], 0.6)

    def jump(smoothing: float) -> float:
        matched = match_colour(CROPS, targets, MASKS, 1, smoothing)
        return float(np.abs(np.diff(tones(matched, MASKS)[:, 0, 0])).max())

    assert jump(4.0) < 0.2 * jump(0)


def test_flat_and_empty_pictures_stay_finite() -> None:
    flat = np.full((2, 32, 32, 3), 90, np.uint8)
    matched = match_colour(flat, CROPS[:2], MASKS[:2], 1, smoothing=0)
    assert (matched == matched[:, :1, :1]).all()
    assert tone(matched[0], MASKS[0])[0, 0] == pytest.approx(
        tone(CROPS[0], MASKS[0])[0, 0], abs=0.5
    )
    nothing = np.zeros_like(MASKS)
    assert (match_colour(CROPS, flat[:1].repeat(12, 0), nothing, 1) == CROPS).all()


def test_lab_and_back_is_the_same() -> None:
    assert np.abs(to_rgb(to_lab(CROPS[0])).astype(int) - CROPS[0]).max() <= 1


def test_levelling_keeps_what_is_steady_and_fills_what_is_not_known() -> None:
    values = np.full((20, 2), 3.0)
    values[5] = np.nan
    assert levelled(values, 2.0) == pytest.approx(3)
    assert levelled(values, 0) is values
    ramp = np.arange(40.0)
    assert levelled(ramp, 2.0)[10:-10] == pytest.approx(ramp[10:-10])
    assert np.isnan(levelled(np.full(30, np.nan), 1.0)).all()
