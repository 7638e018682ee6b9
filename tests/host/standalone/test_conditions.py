"""What the UNet is told, over frames and steps."""

from __future__ import annotations

import torch

from easyphoto_video.host.standalone.conditions import Script
from easyphoto_video.host.standalone.prompt.tags import LoraUse
from easyphoto_video.schedule import Schedule, parse_text

ENCODED = {name: torch.full((77, 2), float(value)) for value, name in enumerate("abcd")}


def values(script: Script, step: int, frames: int) -> list[float]:
    return script.rows(ENCODED, step, range(frames))[:, 0, 0].tolist()


def test_one_key_holds_for_all_frames() -> None:
    script = Script.of(Schedule.constant("[a:d:1]"), 2, "Prompt")
    assert values(script, 0, 3) == [0, 0, 0]
    assert values(script, 1, 3) == [3, 3, 3]
    assert script.texts() == {"a", "d"}


def test_between_keys_frames_blend_evenly() -> None:
    script = Script.of(Schedule(((1, "a"), (5, "[c:d:1]"))), 2, "Prompt")
    assert values(script, 0, 7) == [0, 0, 0.5, 1, 1.5, 2, 2]
    assert values(script, 1, 7) == [0, 0, 0.75, 1.5, 2.25, 3, 3]
    assert torch.equal(script.rows(ENCODED, 0, (2, 4))[:, 0, 0], torch.tensor([0.5, 1.5]))


def test_tags_hold_for_the_whole_clip_and_once() -> None:
    keys = parse_text("0: a<lora:x:0.5>\n4: b <lora:x:0.5><lora:y>")
    script = Script.of(keys, 1, "Prompt")
    assert script.loras == (LoraUse("x", 0.5, 0.5), LoraUse("y", 1.0, 1.0))
    assert script.texts() == {"a", "b "}
