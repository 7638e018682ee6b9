"""Chunks of 75 tokens."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.prompt.chunks import LENGTH, chunks
from easyphoto_video.host.standalone.prompt.tokens import COMMA, text_ids


def lengths(prompt: str) -> list[int]:
    return [len(chunk) for chunk in chunks(prompt)]


def test_lengths() -> None:
    assert lengths("") == [0]
    assert lengths("cat " * 75) == [75]
    assert lengths("cat " * 76) == [75, 1]
    assert lengths("a BREAK b") == [1, 1]
    assert lengths("BREAK a") == [0, 1]
    assert lengths("a BREAK") == [1]
    assert lengths("BREAK") == [0]


def test_a_full_chunk_ends_at_a_near_comma() -> None:
    assert lengths("cat " * 59 + ", " + "cat " * 20) == [60, 20]
    assert lengths("cat " * 50 + ", " + "cat " * 30) == [75, 6]
    assert lengths("cat " * 75 + ", cat") == [75, 2]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["cat", "dog,", "(sky:1.3)", ",", "[x]"]), max_size=120))
def test_no_token_is_lost_and_each_has_its_weight(words: list[str]) -> None:
    found = chunks(" ".join(words))
    plain = " ".join(words).translate(str.maketrans("", "", "()[]")).replace(":1.3", "")
    assert [i for chunk in found for i in chunk.ids] == text_ids(plain)
    sky = text_ids("sky")[0]
    for chunk in found:
        assert len(chunk) <= LENGTH
        assert len(chunk.full_ids()) == len(chunk.full_weights()) == LENGTH + 2
        pairs = zip(chunk.ids, chunk.weights, strict=True)
        assert all((weight == 1.3) == (i == sky) for i, weight in pairs)


def test_vectors_stay_whole_and_stand_for_the_words_that_name_them() -> None:
    cat, six = text_ids("cat")[0], torch.ones(6, 4)
    found = chunks("dog " * 72 + "(cat:2) end", lambda ids, i: (1, six) if ids[i] == cat else None)
    assert [len(chunk) for chunk in found] == [72, 7]
    assert found[1].vectors == [(0, six)]
    assert found[1].weights == [2.0] * 6 + [1.0]


def test_vectors_move_over_with_what_stands_behind_a_comma() -> None:
    cat, two = text_ids("cat")[0], torch.ones(2, 4)
    found = chunks(
        "dog " * 69 + ", x cat " + "dog " * 5, lambda ids, i: (1, two) if ids[i] == cat else None
    )
    assert [len(chunk) for chunk in found] == [70, 8]
    assert found[0].ids[-1] == COMMA
    assert found[1].vectors == [(1, two)]


def test_too_many_vectors_are_refused() -> None:
    with pytest.raises(BadRequest, match="76 vectors"):
        chunks("cat", lambda _ids, _i: (1, torch.ones(76, 4)))
