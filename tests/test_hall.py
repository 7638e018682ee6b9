"""Watch, engine and recipes: small laws of the hall."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from easyphoto_video.engine import Shot, Start
from easyphoto_video.errors import BadFile, BadRequest, EasyPhotoError, Missing, Stopped
from easyphoto_video.recipes import Tools, run
from easyphoto_video.request import Text2Video, request_from
from easyphoto_video.video.note import read_note
from easyphoto_video.watch import Stopwatch
from tests.fake_engine import FakeEngine

JOB = Text2Video(prompt="a girl", width=64, height=72, frames=5, seed=7, cfg=7, format="png")


def test_stopwatch_adds_up_stages_and_passes_on() -> None:
    seen: list[tuple[str, float]] = []
    watch = Stopwatch(lambda stage, fraction: seen.append((stage, fraction)))
    steps = [("loading", 0.0), ("denoising", 0.5), ("loading", 1.0)]
    for stage, fraction in steps:
        watch(stage, fraction)
    assert seen == steps
    assert list(watch.seconds()) == ["loading", "denoising"]
    assert all(spent >= 0 for spent in watch.seconds().values())


def test_a_shot_asks_for_what_the_request_says() -> None:
    shot = Shot.of(JOB)
    assert (shot.width, shot.height, shot.frames, shot.seed) == (64, 72, 5, 7)
    assert shot.prompt.at(0) == "a girl"


@pytest.mark.parametrize("open_field", [{"seed": -1}, {"width": 0}, {"height": 0}, {"cfg": 0}])
def test_a_shot_leaves_nothing_open(open_field: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="settle"):
        Shot.of(replace(JOB, **open_field))


def test_start_keeps_its_shapes() -> None:
    frames = np.zeros((2, 4, 6, 3), np.uint8)
    with pytest.raises(ValueError, match="share"):
        Start(frames=frames, strength=1.5)
    with pytest.raises(ValueError, match="mask"):
        Start(frames=frames, strength=0.5, mask=np.zeros((2, 4, 5), np.float32))


def test_text2video_renders_once_and_writes_what_it_ran(tmp_path: Path) -> None:
    engine = FakeEngine()
    result = run(JOB, Tools(engine=engine), tmp_path / "clip.png")
    assert len(engine.shots) == 1
    assert result.shown.shape == (5, 72, 64, 3)
    assert {"denoising", "writing"} <= set(result.seconds)
    note = json.loads(read_note(result.path))
    assert request_from(note["request"]) == JOB


def test_a_stopped_watch_leaves_no_file(tmp_path: Path) -> None:
    def stop(stage: str, fraction: float) -> None:
        raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        run(JOB, Tools(engine=FakeEngine(), watch=stop), tmp_path / "clip.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadRequest("Frames", 0, "is out of range", "Give 1."), 2),
        (BadFile(Path("a.ckpt"), "is a LoRA", "Put it to models/Lora."), 2),
        (Missing("ffmpeg", "Install it."), 2),
        (Stopped("Stopped."), 130),
    ],
)
def test_errors_end_with_the_next_step(error: EasyPhotoError, code: int) -> None:
    assert error.exit_code == code
    assert str(error).endswith(".")
