"""The tokenizer gives CLIP's own ids."""

from __future__ import annotations

from easyphoto_video.host.standalone.prompt.chunks import chunks
from easyphoto_video.host.standalone.prompt.tokens import COMMA, text_ids


def test_ids_are_those_of_clip() -> None:
    (chunk,) = chunks("a photo of a cat")
    assert chunk.full_ids()[:7] == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert set(chunk.full_ids()[7:]) == {49407}
    assert text_ids("A  Photo OF\na cat ") == text_ids("a photo of a cat")
    assert text_ids(",") == [COMMA]
    assert text_ids("") == []
