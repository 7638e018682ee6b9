"""LoRAs named in a prompt."""

from __future__ import annotations

import pytest

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.prompt.tags import LoraUse, without_tags


def test_tags_are_taken_out_and_told() -> None:
    text, uses = without_tags("a <lora:x:0.5>cat<lora:sub/y><lora:z:1:-2>, <3")
    assert text == "a cat, <3"
    assert uses == [LoraUse("x", 0.5, 0.5), LoraUse("sub/y", 1, 1), LoraUse("z", 1, -2)]


@pytest.mark.parametrize("tag", ["<hypernet:x:1>", "<lora:x:much>", "<lora: :1>", "<lora:x:1:2:3>"])
def test_others_are_refused(tag: str) -> None:
    with pytest.raises(BadRequest, match="Write <lora:NAME:WEIGHT>"):
        without_tags(f"a {tag}")
