"""Spans of a clip, and what they lean on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.engine import Mix, Start
from easyphoto_video.spans import LEAD, NEXT, leaning, spans


@given(
    st.integers(0, 100), st.integers(1, 400), st.integers(1, 80), st.integers(0, 40), st.booleans()
)
def test_every_frame_is_new_once_and_no_span_is_too_long(
    first: int, count: int, most: int, overlap: int, is_closed: bool
) -> None:
    rows, overlap = range(first, first + count), min(overlap, most // 2)
    cut = spans(rows, most, overlap, is_closed=is_closed)
    assert [n for span in cut for n in range(span.start, span.stop)] == list(rows)
    assert max(len(span.rows) for span in cut) <= most
    for before, span in itertools.pairwise(cut):
        assert span.before == min(overlap, span.start - first)
        assert before.after == 0
    assert cut[0].before == 0
    assert [*cut[-1].rows][cut[-1].new] == list(range(cut[-1].start, cut[-1].stop))
    if len(cut) == 1 or not is_closed:
        assert cut[-1].after == 0


def test_spans_of_a_long_clip_are_even() -> None:
    assert [len(span.rows) for span in spans(range(96), 64, 8)] == [52, 52]
    closed = spans(range(96), 64, 8, is_closed=True)
    assert [span.after for span in closed] == [0, 8]


def picture(value: int) -> np.ndarray:
    return np.full((8, 8, 3), value, np.uint8)


def test_without_a_start_what_lies_further_off_is_noise() -> None:
    assert leaning(None, 3, {}) is None
    start = leaning(None, 30, {0: picture(5)})
    assert start is not None
    assert start.count == 30
    assert start.strengths(30)[:2] == (0, NEXT)
    assert start.strengths(30)[LEAD + 1 :] == (1,) * (29 - LEAD)
    assert list(start.strengths(30)) == sorted(start.strengths(30))
    assert start.mix is not None
    assert start.mix.weights[:, 0].tolist() == [1] * (LEAD + 1) + [0] * (29 - LEAD)


def test_what_is_held_takes_the_place_of_its_frame_alone() -> None:
    frames = np.stack([picture(value) for value in (10, 20, 30)])
    start = leaning(Start(frames=frames, strength=0.5), 3, {0: picture(99), 2: picture(77)})
    assert start is not None
    assert start.mix is not None
    assert start.strengths(3) == (0, 0.5, 0)
    shown = np.einsum("fk,khwc->fhwc", start.mix.weights, start.frames)
    assert shown[:, 0, 0, 0].tolist() == [99, 20, 77]


def test_a_mix_keeps_its_noise_where_nothing_is_held() -> None:
    mix = Mix(weights=np.array([[1.0], [0.5]]), noise=np.array([0.0, 0.5]))
    start = Start(frames=picture(1)[None], strength=(0.2, 0.9), mix=mix)
    held = leaning(start, 2, {1: picture(9)})
    assert held is not None
    assert held.mix is not None
    assert held.mix.noise.tolist() == [0, 0]
    assert held.strengths(2) == (0.2, 0)


def test_a_start_says_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="mix of 2"):
        Start(
            frames=picture(1)[None],
            strength=0.5,
            mix=Mix(weights=np.ones((3, 2)), noise=np.zeros(3)),
        )
