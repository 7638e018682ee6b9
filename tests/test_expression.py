"""Arithmetic is read as numexpr reads it, and no text does more than arithmetic."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.expression import DEEPEST, LONGEST, ScheduleError, parse_expression
from tests.hostile import HOSTILE
from tests.machine import at_once

NAMES = {"t": 3.0, "max_f": 11.0, "s": 7.0}
VALUES = {
    "1 + 2*3": 7,
    "2 - 3 - 4": -5,
    "2**3**2": 512,
    "-2**2": -4,
    "2**-1": 0.5,
    "2*-t": -6,
    "--t": 3,
    "+t": 3,
    "t/2": 1.5,
    "7 % 3": 1,
    "-1 % 5": 4,
    "3 % -7": -4,
    "t^2": 1,
    "6 & 3 | 8": 10,
    "1 | 2 ^ 3 & 4": 3,
    "1 << 2 + 1": 8,
    "-9 >> 1 | 0": -5,
    "3 & 1 << 1": 2,
    "t > 2": 1,
    "(t > 2) & (t < 3)": 0,
    "t + 1 == 4": 1,
    "t != 3": 0,
    "2 <= t": 1,
    "t >= 4": 0,
    "1 + 2 < 2 * 2": 1,
    "1e-2": 0.01,
    "1.": 1,
    ".5E+1": 5,
    "2*pi": math.tau,
    "log(e)": 1,
    "max_f - s": 4,
    "arctan2(1, 1)": math.pi / 4,
    "where(t > 2, 10, 20)": 10,
    "where(t > 3, log(0), 20)": 20,
    "min(3, 1, 2)": 1,
    "max(3, 1, 2)": 3,
    "clip(t, 4, 5)": 4,
    "clip(9, 4, 5)": 5,
    "lerp(2, 4, 0.25)": 2.5,
    "floor(-1.5)": -2,
    "ceil(1.2)": 2,
    "abs(-t)": 3,
    "sqrt(16)": 4,
    "log10(1000)": 3,
    "log1p(0)": 0,
    "expm1(0)": 0,
    "sinh(0) + cosh(0) + tanh(0)": 1,
    "arcsin(1) + arccos(1)": math.pi / 2,
    "arctan(1)": math.pi / 4,
    "sin(t)**2\n + cos(t)**2": 1,
    "tan(0) + exp(0)": 1,
    "arcsinh(0) + arccosh(1) + arctanh(0)": 0,
}
NOT_FINITE = ["1/0", "-1/0", "0/0", "log(0)", "log(-1)", "sqrt(-1)", "9**9**9**9", "(-8)**(1/3)"]
NOT_FINITE += ["exp(1000)", "0**-1", "arcsin(2)", "1e300*1e300", "5 % 0", "arctanh(1)", "sinh(999)"]
NOT_FINITE += ["min(1, log(-1))", "clip(0/0, 0, 1)", "where(0/0, 1, 2)", "floor(1/0)", "sin(1/0)"]
NOT_FINITE += [
    "(1/0) & 1",
    "(-9.5)**999",
    "log1p(-1)",
    "cosh(-999)",
    "1 << 99999999999",
    "lerp(0, 1, 1/0)",
]


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_values_are_numexprs(text: str, value: float) -> None:
    assert parse_expression(text).at(NAMES) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("text", NOT_FINITE)
def test_what_has_no_value_is_infinite_or_nan(text: str) -> None:
    assert not math.isfinite(parse_expression(text).at(NAMES))


SYNTAX = [
    ("", 1, "missing before the end"),
    ("1 +", 4, "missing before the end"),
    ("1 2", 3, "not expected"),
    ("(1", 3, "')' is missing"),
    ("1)", 2, "not expected"),
    ("2t", 2, "not expected"),
    ("rand()", 1, "unknown"),
    ("sin", 4, "'(' is missing"),
    ("sin(1, 2)", 1, "takes 1 number, not 2"),
    ("1 + max(1)", 5, "2 or more"),
    ("where(1, 2)", 1, "takes 3"),
    ("0 < t < 5", 7, "chained"),
    ("t // 2", 4, "missing before '/'"),
    ("~t", 1, "no meaning"),
    ("t = 1", 3, "no meaning"),
    ("1,5", 2, "not expected"),
    ("1_0", 2, "not expected"),
    ("0x1F", 2, "not expected"),
    ("not t", 1, "unknown"),
    ("t.real", 2, "no meaning"),
    ("1e999", 1, "too large"),
    ("\u0663", 1, "no meaning"),
]


@pytest.mark.parametrize(("text", "column", "sentence"), SYNTAX)
def test_what_does_not_parse_names_its_column(text: str, column: int, sentence: str) -> None:
    with pytest.raises(ScheduleError, match=r"line 1, column \d+: ") as caught:
        parse_expression(text)
    assert (caught.value.line, caught.value.column) == (1, column)
    assert sentence in caught.value.sentence


def test_lines_are_counted_from_one() -> None:
    with pytest.raises(ScheduleError, match="line 3, column 2: '\\?'"):
        parse_expression("1 +\r\n2 +\n ?")


def test_a_part_of_a_text_names_its_place_in_the_whole() -> None:
    with pytest.raises(ScheduleError, match="line 2, column 4"):
        parse_expression("0:(1),\n8:(?), 9:(1)", start=10, stop=11)


@pytest.mark.parametrize("text", ["1.5 ^ 1", "1.5 << 1", "t & 0.5", "2**60 | 1"])
def test_only_whole_numbers_have_bits(text: str) -> None:
    with pytest.raises(ScheduleError, match="takes whole numbers"):
        parse_expression(text).at(NAMES)


def test_length_and_depth_have_a_limit() -> None:
    deep = "(" * (DEEPEST - 1) + "t" + ")" * (DEEPEST - 1)
    assert parse_expression(deep).at(NAMES) == 3
    with pytest.raises(ScheduleError, match="inside each other"):
        parse_expression(f"({deep})")
    long = "1" + "+1" * ((LONGEST - 1) // 2)
    assert parse_expression(long).at(NAMES) == (LONGEST + 1) // 2
    with pytest.raises(ScheduleError, match="at most"):
        parse_expression(long + "+1")


NUMBER = st.integers(0, 50).map(lambda n: (str(n), float(n)))
OPERATORS = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}


def grown(
    inner: st.SearchStrategy[tuple[str, float]],
) -> st.SearchStrategy[tuple[str, float]]:
    """Texts in parentheses with the value that Python finds for them."""
    joined = st.tuples(inner, st.sampled_from(sorted(OPERATORS)), inner).map(
        lambda of: (f"({of[0][0]} {of[1]}{of[2][0]})", OPERATORS[of[1]](of[0][1], of[2][1]))
    )
    larger = st.tuples(inner, inner).map(
        lambda of: (f"max({of[0][0]},{of[1][0]})", max(of[0][1], of[1][1]))
    )
    negative = inner.map(lambda of: (f"-{of[0]}", -of[1]))
    return st.one_of(joined, larger, negative)


@given(st.recursive(NUMBER, grown, max_leaves=12))
def test_whatever_is_built_is_computed(case: tuple[str, float]) -> None:
    text, value = case
    assert parse_expression(text).at({}) == value


@given(st.text(st.sampled_from("0123456789.e+-*/%&|^<>=!(), tsinmaxfpwhr_\n"), max_size=60))
def test_any_text_is_a_number_or_an_error(text: str) -> None:
    try:
        value = parse_expression(text).at(NAMES)
    except ScheduleError as error:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
    else:
        assert isinstance(value, float)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_at_once(name: str) -> None:
    with at_once():
        try:
            assert isinstance(parse_expression(HOSTILE[name]).at(NAMES), float)
        except ScheduleError as error:
            assert len(str(error)) < 200
