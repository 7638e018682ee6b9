"""Keys are added to a prompt by clicks, in either syntax they are shown."""

from __future__ import annotations

import pytest

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.tab.travel import keys_of, with_key
from easyphoto_video.schedule import parse_text


def test_a_key_goes_where_it_belongs() -> None:
    first = with_key("1girl", 8, "laughing")
    assert parse_text(first).keys == ((0, "1girl"), (8, "1girl, laughing"))
    assert parse_text(with_key(first, 4, "smile")).keys[1] == (4, "1girl, smile")


@pytest.mark.parametrize(
    "prompt", ["0: a\n8: b\n4: c", "8: a", "9" * 5000 + ": a", '{"0": "a"}', '{"0": 1}']
)
def test_a_key_that_cannot_be_added_is_refused(prompt: str) -> None:
    with pytest.raises(BadRequest):
        with_key(prompt, 8, "laughing")


def test_keys_are_told_as_they_are_written() -> None:
    told = keys_of('{"0": "a < b", "max_f/2": "c"}')
    assert "max_f/2" in told
    assert "a &lt; b" in told
    assert "line 1, column 2" in keys_of("{0: 'a'}")
    assert "whole clip" in keys_of("a: b\n(c:1.2)")
