"""Prompt editing over steps, in the WebUI's manner."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.prompt.steps import DEEPEST, at_steps

EXAMPLES: dict[str, list[str]] = {
    "a [b:c:0.5] d": ["a b d", "a b d", "a c d", "a c d"],
    "a [c:0.5]": ["a ", "a ", "a c", "a c"],
    "a [b::0.5]": ["a b", "a b", "a ", "a "],
    "[b:c:1]": ["b", "c", "c", "c"],
    "[b:c:1.0]": ["b", "b", "b", "b"],
    "[b:c:0]": ["c", "c", "c", "c"],
    "[b:c: 3 ]": ["b", "b", "b", "c"],
    "[b|c]": ["b", "c", "b", "c"],
    "[b||c]": ["b", "", "c", "b"],
    "[(b:1.2)|[c]]": ["(b:1.2)", "[c]", "(b:1.2)", "[c]"],
    "[[b|c]:d:2]": ["b", "c", "d", "d"],
    "(x [b:c:2]:1.3)": ["(x b:1.3)", "(x b:1.3)", "(x c:1.3)", "(x c:1.3)"],
    "[b:(c:1.2):.5]": ["b", "b", "(c:1.2)", "(c:1.2)"],
    "[less] (more)": ["[less] (more)"] * 4,
    "[b:c:d:2]": ["[b:c:d:2]"] * 4,
    r"\[b:c:2\]": [r"\[b:c:2\]"] * 4,
    "[b:c:2": ["[b:c:2"] * 4,
    "b:c:2]": ["b:c:2]"] * 4,
    "a: b | c": ["a: b | c"] * 4,
}


@pytest.mark.parametrize("prompt", EXAMPLES)
def test_examples(prompt: str) -> None:
    assert at_steps(prompt, 4) == EXAMPLES[prompt]


@given(st.text("ab()[]\\:|.12 "), st.integers(1, 9))
def test_any_text_has_one_for_each_step(text: str, steps: int) -> None:
    assert len(at_steps(text, steps)) == steps


@given(st.text(st.characters(exclude_characters="[]")), st.integers(1, 3))
def test_without_square_brackets_nothing_changes(text: str, steps: int) -> None:
    if "AND" not in text:
        assert at_steps(text, steps) == [text] * steps


def test_and_is_refused_under_the_name_of_the_field() -> None:
    with pytest.raises(BadRequest, match="Negative prompt: 'a AND b' holds AND"):
        at_steps("a AND b", 3, "Negative prompt")
    assert at_steps("SAND ANDY", 1) == ["SAND ANDY"]


@pytest.mark.parametrize("opens", ["(", "[", "[a:", "[a|"])
def test_brackets_within_each_other_have_a_limit(opens: str) -> None:
    with pytest.raises(BadRequest, match=f"Prompt: {DEEPEST + 1} and more brackets"):
        at_steps(opens * 20_000, 3)
    assert at_steps(opens * DEEPEST, 1) == [opens * DEEPEST]


@pytest.mark.parametrize("opens", ["[", "[a:", "[a:b:", "([a:"])
def test_what_is_nested_takes_no_longer_than_it_is(opens: str) -> None:
    closes = "])" if opens.startswith("(") else "]"
    deep = DEEPEST // len(closes)
    assert at_steps(opens * deep + closes * deep, 1) == [opens * deep + closes * deep]
