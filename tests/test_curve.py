"""Numbers over frames are those of Deforum's schedules wherever Deforum has any."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.curve import METHODS, Curve, Key, parse_curve
from easyphoto_video.expression import ScheduleError, parse_expression
from easyphoto_video.schedule import parse_text
from tests.hostile import HOSTILE
from tests.machine import at_once
from tests.printing import print_curve

FRAMES = 12
SEED = 7
RISE = "0:(0), 3:(3), 6:(0), 11:(2)"
DEFORUM = {
    "0:(1.02), 6:(0.98*sin(t))": "1.02 .8044 .5887 .3731 .1574 -.0582 -.2738 .6438 .9696 .4039 "
    "-.5331 -.98",
    "0:(sin(t)), 6:(1)": "0 .8415 .9093 .1411 -.7568 -.9589 1 1 1 1 1 1",
    "0:(0), 3:(t*2), 6:(1), 9:(-t)": "0 2 4 6 8 10 1 -2.3333 -5.6667 -9 -10 -11",
    "0: (t^2)": "2 3 0 1 6 7 4 5 10 11 8 9",
    '0:(s), 1:(-1), "max_f-2":(-1), "max_f-1":(s)': "7 -1 -1 -1 -1 -1 -1 -1 -1 -1 7 7",
    RISE: "0 1 2 3 2 1 0 .4 .8 1.2 1.6 2",
    "11:(2), 3:(3), 0:(0), 6:(0)": "0 1 2 3 2 1 0 .4 .8 1.2 1.6 2",
    f"quadratic: {RISE}": "0 1.8293 2.8293 3 2.3413 1.016 0 -.544 -.616 -.216 .656 2",
    f"cubic: {RISE}": "0 2.1288 3.0364 3 2.297 1.2045 0 -1.0394 -1.6364 -1.5136 -.3939 2",
    "0:(1), 50:(9)": "1 1 1 1 1 1 1 1 1 1 1 1",
    "0:1, 'max_f/2':(2)": "1 1.2 1.4 1.6 1.8 2 2 2 2 2 2 2",
    "0:(1e-2), 6:(1)": ".01 .01 .01 .01 .01 .01 1 1 1 1 1 1",
}
"""Text to values of 12 frames with seed 7, as Deforum has them, to four places."""
OURS = {
    "7": "7 7 7 7 7 7 7 7 7 7 7 7",
    " ( -1.5 ) ": "-1.5 " * 12,
    "t/2": "0 .5 1 1.5 2 2.5 3 3.5 4 4.5 5 5.5",
    "6:(5)": "5 5 5 5 5 5 5 5 5 5 5 5",
    "4:(t), 6:(1),": "4 4 4 4 4 5 1 1 1 1 1 1",
    "50:(3), 60:(4)": "3 3 3 3 3 3 3 3 3 3 3 3",
    "0:(1), 0:(2)": "2 2 2 2 2 2 2 2 2 2 2 2",
    "0:(where(t > 5, min(t, 8), lerp(0, 1, 0.5)))": ".5 .5 .5 .5 .5 .5 6 7 8 8 8 8",
    f"step: {RISE}": "0 0 0 3 3 3 0 0 0 0 0 2",
    "Cubic: 0:(0), 4:(4)": "0 1 2 3 4 4 4 4 4 4 4 4",
    "cubic: 0:(0), 2:(4), 4:(16)": "0 1 4 9 16 16 16 16 16 16 16 16",
    "step: 0:(1), 2:(t), 4:(0)": "1 1 2 3 0 0 0 0 0 0 0 0",
    '\n"0" :\n( "1" ) ,\n\u00a06: 4\n': "1 1.5 2 2.5 3 3.5 4 4 4 4 4 4",
}
"""What Deforum cannot read or never does."""


@pytest.mark.parametrize(("text", "values"), [*DEFORUM.items(), *OURS.items()])
def test_golden_values(text: str, values: str) -> None:
    curve = parse_curve(text)
    wanted = [float(value) for value in values.split()]
    found = curve.values(range(FRAMES), FRAMES, SEED)
    assert found.dtype == np.float64
    assert found == pytest.approx(wanted, abs=5.1e-5)
    assert parse_curve(print_curve(curve)) == curve


@pytest.mark.parametrize("text", [*DEFORUM, *OURS])
def test_a_span_has_the_values_of_the_whole(text: str) -> None:
    curve = parse_curve(text)
    whole = curve.values(range(FRAMES), FRAMES, SEED)
    spans = [curve.values(range(*span), FRAMES, SEED) for span in ((0, 5), (5, 6), (6, 12))]
    assert np.array_equal(np.concatenate(spans), whole)
    assert [curve.at(frame, FRAMES, SEED) for frame in range(FRAMES)] == whole.tolist()
    assert len(curve.values(range(4, 4), FRAMES, SEED)) == 0


def test_one_frame_is_enough() -> None:
    assert parse_curve('0:(1), "max_f/2":(2), "max_f":(t + max_f + 5)').at(0, 1, SEED) == 5


WRONG = [
    ("", 1, 1, "empty"),
    (" \n ", 1, 1, "empty"),
    ("0:(1), 8", 1, 8, "frame and a colon"),
    ("0:(1),, 8:(2)", 1, 7, "frame and a colon"),
    ("0:(1),\n 8:(?)", 2, 5, "'?' has no meaning"),
    ("0:(1), 8:(2", 1, 12, "')' is missing"),
    ("0:()", 1, 4, "missing before the end"),
    (":(1)", 1, 1, "missing before the end"),
    ("0.5:(1)", 1, 1, "whole number from 0"),
    ("-1:(1)", 1, 1, "whole number from 0"),
    ("t:(1)", 1, 1, "'t' is unknown"),
    ("9999999999:(1)", 1, 1, "at most"),
    ("0:(1) 8:(2)", 1, 7, "'8' is not expected"),
    ("cubic:", 1, 7, "missing before the end"),
    ("smooth: 0:(1)", 1, 1, "'smooth' is unknown"),
    ("0:(" + "9" * 400 + ")", 1, 4, "too large"),
]


@pytest.mark.parametrize(("text", "line", "column", "sentence"), WRONG)
def test_what_does_not_parse_names_its_place(
    text: str, line: int, column: int, sentence: str
) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_curve(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert sentence in caught.value.sentence


UNUSABLE = [
    ("0:(1),\n4:(1/(t-6)), 8:(0)", "line 2, column 4: .* frame 6"),
    ("log(t)", "frame 0"),
    ("0:(1), 4:(log(t-4))", "column 11: .* frame 4"),
    ("0:(1), max_f/0:(2)", "column 8: .*no frame of the clip: it is inf"),
    ("0:(1), -s:(2)", "column 8: .*no frame of the clip: it is -7"),
    ("cubic: 0:(" + "9" * 308 + "), 3:(-" + "9" * 308 + "), 6:(0), 9:(1)", "frame 1"),
]


@pytest.mark.parametrize(("text", "sentence"), UNUSABLE)
def test_a_value_that_is_not_finite_names_its_frame(text: str, sentence: str) -> None:
    curve = parse_curve(text)
    with pytest.raises(ScheduleError, match=sentence):
        curve.values(range(FRAMES), FRAMES, SEED)


def test_only_the_frames_asked_for_need_a_value() -> None:
    assert parse_curve("log(t)").at(1, FRAMES, SEED) == 0


FRAME = st.one_of(
    st.integers(0, 30), st.sampled_from(["max_f/2", "max_f-1", "s"]).map(parse_expression)
)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
VALUE = st.one_of(
    NUMBER, st.sampled_from(["sin(t)", "t^2", "where(t>3,1,-s)", "(t)*(2)"]).map(parse_expression)
)
KEYS = st.lists(st.builds(Key, FRAME, VALUE), min_size=1, max_size=8).map(tuple)
PLAIN = st.dictionaries(st.integers(0, 40), st.floats(-10, 10), min_size=1, max_size=12)


@given(st.builds(Curve, KEYS, st.sampled_from(METHODS)))
def test_printing_and_parsing_is_the_identity(curve: Curve) -> None:
    assert parse_curve(print_curve(curve)) == curve


@given(NUMBER)
def test_a_plain_number_holds_for_the_whole_clip(value: float) -> None:
    curve = parse_curve(print_curve(Curve.constant(value)))
    assert curve.values(range(3), 3, 0).tolist() == [value] * 3


@given(PLAIN, st.sampled_from(METHODS))
def test_keys_are_met_and_ends_hold(points: dict[int, float], method: str) -> None:
    keys = tuple(Key(frame, value) for frame, value in points.items())
    values = Curve(keys, method).values(range(50), 50, 0)
    assert {frame: values[frame] for frame in points} == points
    assert (values[: min(points)] == points[min(points)]).all()
    assert (values[max(points) :] == points[max(points)]).all()
    if method in ("linear", "step"):
        assert min(points.values()) - 1e-9 <= values.min()
        assert values.max() <= max(points.values()) + 1e-9


@given(st.text(st.sampled_from('0123456789:(),."-+*/^ tsmaxf_\n'), max_size=60))
def test_any_text_is_a_curve_or_an_error(text: str) -> None:
    try:
        values = parse_curve(text).values(range(FRAMES), FRAMES, SEED)
    except ScheduleError as error:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
    else:
        assert np.isfinite(values).all()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_at_once(name: str) -> None:
    with at_once():
        try:
            values = parse_curve(HOSTILE[name]).values(range(FRAMES), FRAMES, SEED)
            assert np.isfinite(values).all()
        except ScheduleError as error:
            assert len(str(error)) < 200


def test_the_page_shows_what_works() -> None:
    page = Path(__file__).parents[1] / "docs" / "schedules.md"
    numbers, prompt = re.findall(r"```text\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(numbers.splitlines()) == 8
    for text in numbers.splitlines():
        assert np.isfinite(parse_curve(text).values(range(96), 96, SEED)).all()
    assert [frame for frame, _ in parse_text(prompt, 17).keys] == [0, 8, 16]
