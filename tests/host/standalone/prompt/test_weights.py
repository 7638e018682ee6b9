"""Weights in a prompt, by the WebUI's own documented examples and by laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.host.standalone.prompt.weights import Piece, sections

EXAMPLES: dict[str, list[tuple[str, float]]] = {
    "normal text": [("normal text", 1.0)],
    "an (important) word": [("an ", 1.0), ("important", 1.1), (" word", 1.0)],
    "(unbalanced": [("unbalanced", 1.1)],
    r"\(literal\]": [("(literal]", 1.0)],
    "(unnecessary)(parens)": [("unnecessaryparens", 1.1)],
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).": [
        ("a ", 1.0),
        ("house", 1.3 * 1.1**2),
        (" ", 1.1),
        ("on", 1.0),
        (" a ", 1.1),
        ("hill", 0.55),
        (", sun, ", 1.1),
        ("sky", 1.1**4),
        (".", 1.1),
    ],
    "a\\b": [("ab", 1.0)],
    "x:1.2) y]": [("x:1.2) y]", 1.0)],
    "(a:.5)(b: 2 )": [("a", 0.5), ("b", 2.0)],
    "(a:1.2.3)": [("a:1.2.3", 1.1)],
    "": [],
}


@pytest.mark.parametrize("prompt", EXAMPLES)
def test_examples(prompt: str) -> None:
    (pieces,) = sections(prompt)
    assert [piece.text for piece in pieces] == [text for text, _ in EXAMPLES[prompt]]
    weights = [weight for _, weight in EXAMPLES[prompt]]
    assert [piece.weight for piece in pieces] == pytest.approx(weights)


def test_break_parts_and_weights_reach_over_it() -> None:
    found = sections("a BREAK (b BREAKS BREAK\nc:2) BREAK")
    assert found == [[Piece("a ", 1)], [Piece("b BREAKS ", 2)], [Piece("c", 2)], []]


@given(st.text(st.characters(exclude_characters="()[]\\")))
def test_a_text_without_marks_is_one_piece(text: str) -> None:
    if "BREAK" not in text:
        assert sections(text) == [[Piece(text, 1.0)] if text else []]


@given(st.text("ab ()[]\\:1.BREAK"))
def test_no_text_fails_and_weights_are_positive(text: str) -> None:
    assert all(piece.weight >= 0 for section in sections(text) for piece in section)


@given(st.text("ab,()[]\\: "))
def test_an_escaped_text_is_itself(text: str) -> None:
    escaped = "".join(f"\\{c}" if c in "()[]\\" else c for c in text)
    assert sections(escaped) == [[Piece(text, 1.0)] if text else []]
