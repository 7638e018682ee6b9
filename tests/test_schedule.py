"""A schedule is parsed, asked and printed without loss."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.schedule import (
    Schedule,
    ScheduleError,
    check_text,
    has_keys,
    parse_text,
)
from tests.hostile import HOSTILE
from tests.machine import at_once
from tests.printing import print_text

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


def test_in_a_loop_the_first_key_follows_on_the_last() -> None:
    schedule = Schedule(((2, "a"), (8, "b")))
    assert schedule.around(5, loop=16) == schedule.around(5) == (0, 1, 0.5)
    assert schedule.around(8, loop=16) == (1, 0, 0.0)
    assert [schedule.around(frame, loop=16) for frame in (13, 15, 0, 1)] == [
        (1, 0, 0.5),
        (1, 0, 0.7),
        (1, 0, 0.8),
        (1, 0, 0.9),
    ]
    assert schedule.around(15) == (1, 1, 0.0)
    assert Schedule.constant("a").around(3, loop=16) == (0, 0, 0.0)


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


PLAIN = [
    "",
    "a girl, (smile:1.2), 12:30 on the clock",
    "a: b\n(word:1.2)\n[a:b:0.5]\nBREAK\n[0:8:0.5]",
    "-1: a\n1.5: b\n\u0663: c",
    "1girl, 8: not at the beginning",
    "{red|blue} dress, {2::a|b}",
    '{"red"|"blue"}',
    "{}",
    "[1, 2]",
    "12 30: no key",
]


@pytest.mark.parametrize("text", PLAIN)
def test_what_looks_like_no_keys_stays_as_it_is(text: str) -> None:
    assert not has_keys(text)
    check_text(text)
    assert parse_text(text, 1) == Schedule.constant(text)
    assert print_text(parse_text(text)) == text


TRAVELS = {
    "1girl,\n\nblue sky,,\n 0: smile,\n8:open\nred\n\nlast,": [
        (0, "1girl, blue sky, smile, red, last"),
        (8, "1girl, blue sky, open, red, last"),
    ],
    "0: [a:b:0.5], (c:1.2)\r\n08 : 12:30": [(0, "[a:b:0.5], (c:1.2)"), (8, "12:30")],
    "4:": [(4, "")],
    '{"0": "a", "8": "b"}': [(0, "a"), (8, "b")],
    ' {\n"0" : "a: \\"b\\"\\n[c:d:0.5]" ,\n"max_f/2": " b,", "max_f": "\\u00e9",\n}\n': [
        (0, 'a: "b"\n[c:d:0.5]'),
        (7, " b,"),
        (15, "\u00e9"),
    ],
    '{"min(3, max_f)": "a"}': [(3, "a")],
}


@pytest.mark.parametrize(("text", "keys"), TRAVELS.items())
def test_both_syntaxes_are_read(text: str, keys: list[tuple[int, str]]) -> None:
    assert has_keys(text)
    check_text(text)
    schedule = parse_text(text, frames=16)
    assert list(schedule.keys) == keys
    assert parse_text(print_text(schedule), frames=16) == schedule


WRONG = [
    ("0: a\n8: b\n4: c", 3, 1, "does not come after frame 8"),
    ("0: a\r\n  8: b\r\n  8: c", 3, 3, "has a key already"),
    ("head\n0: a\n16: b", 3, 1, "beyond the clip, whose last frame is 15"),
    ("9999999999: a", 1, 1, "at most"),
    ('{"0": "a",\n "16": "b"}', 2, 2, "beyond the clip"),
    ('{"8": "a", "4": "b"}', 1, 12, "does not come after"),
    ('{"7": "a", "max_f/2": "b"}', 1, 12, "has a key already"),
    ('{"0": "a" "8": "b"}', 1, 11, "',' is missing"),
    ('{"0" "a"}', 1, 6, "':' is missing"),
    ('{"0": a}', 1, 7, "a prompt in double quotes"),
    ('{"0": 5}', 1, 7, "a prompt in double quotes"),
    ("{0: 'a'}", 1, 2, "a frame in double quotes"),
    ("{'0': 'a'}", 1, 2, "a frame in double quotes"),
    ('{"0": "a", 8: "b"}', 1, 12, "a frame in double quotes"),
    ('{"0": "a"', 1, 10, "before the end"),
    ('{"0": "a', 1, 7, "unterminated string"),
    ('{"0": "a\nb"}', 1, 9, "control character"),
    ('{"0": "a"} tail', 1, 12, "behind the last brace"),
    ('{"0": "a",, "8": "b"}', 1, 11, "a frame in double quotes"),
    ('{"start": "a"}', 1, 3, "'start' is unknown"),
    ('{"": "a"}', 1, 3, "missing before"),
    ('{"t": "a"}', 1, 3, "'t' is unknown"),
    ('{"0.5": "a"}', 1, 3, "whole number from 0"),
    ('{"-1": "a"}', 1, 3, "whole number from 0"),
    ('{"max_f-99": "a"}', 1, 3, "no frame of the clip: it is -84"),
    ('{"max_f/0": "a"}', 1, 3, "no frame of the clip: it is inf"),
    ('{"0": "a --neg b"}', 1, 10, "keys into the negative prompt"),
    ('{"0": "\\ud800"}', 1, 7, "half a character"),
]


@pytest.mark.parametrize(("text", "line", "column", "sentence"), WRONG)
def test_what_cannot_be_used_names_its_place(
    text: str, line: int, column: int, sentence: str
) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_text(text, frames=16)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert sentence in caught.value.sentence
    assert str(caught.value) == f"line {line}, column {column}: {caught.value.sentence}"


def test_without_a_length_only_what_hangs_on_it_waits() -> None:
    text = '{"0": "a", "max_f/2": "b", "99": "c"}'
    check_text(text)
    assert parse_text(text, frames=100).keys == ((0, "a"), (49, "b"), (99, "c"))
    with pytest.raises(ScheduleError, match="column 12: max_f/2 needs the clip's number of frames"):
        parse_text(text)
    with pytest.raises(ScheduleError, match="does not come after"):
        check_text('{"8": "a", "max_f": "b", "4": "c"}')


PROMPT = st.text(max_size=20).filter(lambda text: "--neg" not in text)


@given(st.dictionaries(st.integers(0, 500), PROMPT, min_size=1, max_size=5))
def test_whatever_json_holds_comes_back(keys: dict[int, str]) -> None:
    schedule = Schedule(tuple(sorted(keys.items())))
    text = json.dumps({str(frame): value for frame, value in schedule.keys})
    assert parse_text(text) == schedule
    assert parse_text(print_text(schedule)) == schedule


def test_what_neither_syntax_holds_is_refused() -> None:
    assert parse_text(print_text(Schedule.constant("a --neg b"))).at(0) == "a --neg b"
    with pytest.raises(ValueError, match="cannot be written"):
        print_text(Schedule(((0, "a\nb --neg c"), (8, "d"))))


@given(st.text(st.sampled_from('{}[]":,0189 am_fx/\\\n'), max_size=60), st.integers(1, 99))
def test_any_text_is_a_schedule_or_an_error(text: str, frames: int) -> None:
    try:
        schedule = parse_text(text, frames)
    except ScheduleError as error:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
    else:
        assert schedule.keys[-1][0] < frames


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_at_once(name: str) -> None:
    with at_once():
        try:
            check_text(HOSTILE[name])
            assert parse_text(HOSTILE[name], frames=10_000).keys
        except ScheduleError as error:
            assert len(str(error)) < 200


@pytest.mark.parametrize("keys", [(), ((-1, "a"),), ((3, "a"), (3, "b"))])
def test_keys_must_ascend(keys: tuple[tuple[int, str], ...]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        Schedule(keys)
