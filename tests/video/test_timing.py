"""Moments become rates and frames on screen, exactly."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.video.timing import timing_of

MILLISECOND = Fraction(1, 1000)
RATES = [Fraction(8), Fraction(24000, 1001), Fraction(25, 2), Fraction(30000, 1001), Fraction(60)]


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("tick", [MILLISECOND, Fraction(1, 15360), Fraction(1, 1200000)], ids=str)
@pytest.mark.parametrize("first", [0, 23, -80])
def test_a_steady_rate_comes_out_of_rounded_moments(
    rate: Fraction, tick: Fraction, first: int
) -> None:
    moments = [first + round(frame / rate / tick) for frame in range(300)]
    timing = timing_of(moments, tick, round(1 / rate / tick))
    assert (timing.fps, timing.is_steady) == (rate, True)
    assert timing.seconds == 300 / rate
    assert [timing.at(frame / rate) for frame in range(300)] == list(range(300))


@given(
    st.lists(st.integers(min_value=1, max_value=200), min_size=2, max_size=40),
    st.fractions(min_value=-1, max_value=9, max_denominator=997),
)
def test_the_frame_on_screen_is_the_last_that_began(lengths: list[int], moment: Fraction) -> None:
    tick = Fraction(1, 100)  # so coarse that moments are not rounded
    starts = [sum(lengths[:frame]) for frame in range(len(lengths))]
    timing = timing_of(starts[::-1], tick, lengths[-1])
    began = [frame for frame, start in enumerate(starts) if start * tick <= moment]
    if timing.is_steady:  # within a tick
        near = {timing.at(moment + shift * tick) for shift in (-1, 0, 1)}
        assert (began[-1] if began else 0) in near
    else:
        assert timing.at(moment) == (began[-1] if began else 0)
        assert timing.seconds == sum(lengths) * tick


def test_a_typed_third_is_a_third() -> None:
    timing = timing_of(range(0, 3000, 100), Fraction(1, 3000), 100)
    assert timing.fps == 30
    assert timing.at(Fraction(333333, 10**6)) == 10
    assert timing.at(Fraction(333, 1000)) == 9


def test_rounded_moments_of_uneven_frames_are_allowed_for() -> None:
    """A 30 fps film whose frame 2 was dropped, in milliseconds."""
    shown = [0, 1, 3, 4, 5, 9]
    moments = [round(1000 * Fraction(frame, 30)) for frame in shown]
    timing = timing_of(moments, MILLISECOND, 33)
    assert not timing.is_steady
    wanted = [max(i for i, at in enumerate(shown) if at <= k) for k in range(10)]
    assert [timing.at(Fraction(k, 30)) for k in range(10)] == wanted


@pytest.mark.parametrize(("last", "fps"), [(40, 25), (0, 1), (-5, 1)])
def test_one_frame_has_the_rate_of_its_length(last: int, fps: int) -> None:
    timing = timing_of([7], MILLISECOND, last)
    assert (timing.fps, timing.seconds) == (fps, Fraction(1, fps))


def test_a_long_last_frame_counts_and_a_short_one_does_not() -> None:
    moments = range(0, 1000, 40)
    assert timing_of(moments, MILLISECOND, 1).seconds == 1
    assert timing_of(moments, MILLISECOND, 540).seconds == Fraction(3, 2)
    assert math.isclose(timing_of(moments, MILLISECOND, 540).fps, 25 / 1.5, abs_tol=1e-5)
