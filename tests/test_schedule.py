"""A schedule is parsed, asked and printed without loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.schedule import Schedule, parse_text, print_text

LINE = st.text(st.characters(categories=["L", "N", "P"]), min_size=1).filter(
    lambda text: not text.endswith(",")
)
KEYS = st.dictionaries(st.integers(0, 500), LINE, min_size=2)


@given(KEYS)
def test_printing_and_parsing_is_the_identity(keys: dict[int, str]) -> None:
    schedule = Schedule(tuple(sorted(keys.items())))
    assert parse_text(print_text(schedule)) == schedule


@given(KEYS, st.integers(0, 600))
def test_the_last_key_at_or_before_a_frame_holds(keys: dict[int, str], frame: int) -> None:
    earlier = [key for key in keys if key <= frame]
    expected = keys[max(earlier) if earlier else min(keys)]
    assert Schedule(tuple(sorted(keys.items()))).at(frame) == expected


@given(KEYS, st.integers(0, 600))
def test_neighbours_enclose_the_frame(keys: dict[int, str], frame: int) -> None:
    schedule = Schedule(tuple(sorted(keys.items())))
    left, right, share = schedule.around(frame)
    a, b = schedule.keys[left][0], schedule.keys[right][0]
    assert 0 <= share < 1
    if left != right:
        assert a + share * (b - a) == pytest.approx(frame)


def test_text_without_keys_is_constant() -> None:
    text = "a girl, (smile:1.2)\nBREAK red"
    assert parse_text(text) == Schedule.constant(text)
    assert print_text(Schedule.constant(text)) == text


def test_head_and_tail_join_every_key() -> None:
    schedule = parse_text("1girl,\n0: smile\n8: open mouth\nred sweater")
    assert schedule.keys == (
        (0, "1girl, smile, red sweater"),
        (8, "1girl, open mouth, red sweater"),
    )


def test_frames_out_of_order_name_the_line() -> None:
    with pytest.raises(ValueError, match="line 3"):
        parse_text("0: a\n8: b\n4: c")


@pytest.mark.parametrize("keys", [(), ((-1, "a"),), ((3, "a"), (3, "b"))])
def test_keys_must_ascend(keys: tuple[tuple[int, str], ...]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        Schedule(keys)
