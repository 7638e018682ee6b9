"""What every engine keeps to: the fake one, the stand-alone one and the WebUI's, where one is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyphoto_video.engine import Engine, Start
from easyphoto_video.errors import Stopped
from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.engine import StandaloneEngine
from easyphoto_video.request import Lora
from tests.fake_engine import FakeEngine
from tests.host.standalone.small import shot
from tools.hosted import hosted_engine
from tools.tiny_checkpoint import Sizes, fitting_spec, write_checkpoint, write_lora, write_motion
from tools.webui import prepare

FRAMES, WIDTH, HEIGHT = 3, 72, 64
SHOT = shot(
    frames=FRAMES,
    width=WIDTH,
    height=HEIGHT,
    checkpoint="tiny",
    motion="tiny_v2",
    steps=2,
    sampler="DDIM",
)
NEAR = 2.0
"""Levels that two hosts' clips may differ by on average."""


def standalone(folder: Path) -> Engine:
    models = folder / "models"
    write_checkpoint(models / "Stable-diffusion" / "tiny.safetensors")
    write_motion(models / "AnimateDiff" / "tiny_v2.safetensors", fitting_spec(Sizes()))
    write_lora(models / "Lora" / "strong.safetensors")
    return StandaloneEngine(Library(folder), "cpu")


@pytest.fixture(scope="module", params=["fake", "stand-alone", "webui"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    if request.param == "fake":
        yield FakeEngine()
        return
    folder = tmp_path_factory.mktemp("data")
    if request.param == "stand-alone":
        yield standalone(folder)
        return
    webui, python = (os.environ.get(name) for name in ("WEBUI_DIR", "WEBUI_PYTHON"))
    if not (webui and python):
        pytest.skip("WEBUI_DIR and WEBUI_PYTHON do not say where a WebUI is")
    with hosted_engine(Path(webui), Path(python), prepare(folder, extension=None)) as hosted:
        yield hosted


def test_frames_are_rgb_of_the_size_of_the_shot(engine: Engine) -> None:
    frames = engine.render(SHOT)
    assert frames.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert frames.dtype == np.uint8


def test_the_same_shot_gives_the_same_frames(engine: Engine) -> None:
    assert np.array_equal(engine.render(SHOT), engine.render(SHOT))


def test_progress_rises_from_stage_to_stage_and_ends_whole(engine: Engine) -> None:
    told: list[tuple[str, float]] = []
    engine.render(SHOT, lambda stage, fraction: told.append((stage, fraction)))
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert "denoising" in stages
    assert [stage for stage, _ in told] == sorted((s for s, _ in told), key=stages.index)
    for stage in stages:
        fractions = [fraction for there, fraction in told if there == stage]
        assert fractions == sorted(fractions)
        assert (fractions[0] >= 0, fractions[-1]) == (True, 1.0)


def test_a_watch_can_stop_it_at_any_time(engine: Engine) -> None:
    whole = engine.render(SHOT)
    calls: list[str] = []
    engine.render(SHOT, lambda stage, _: calls.append(stage))
    for stop_at in range(len(calls)):
        countdown = iter(range(len(calls)))

        def stop(_stage: str, _fraction: float, at: int = stop_at) -> None:
            if next(countdown) == at:  # noqa: B023 - called only within this turn of the loop
                raise Stopped(str(at))

        with pytest.raises(Stopped, match=f"^{stop_at}$"):
            engine.render(SHOT, stop)
    assert np.array_equal(engine.render(SHOT), whole)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_what_the_mask_keeps_stays(engine: Engine, strength: float) -> None:
    if isinstance(engine, FakeEngine):
        pytest.skip("the fake engine paints what it is told to")
    frames = np.full((FRAMES, HEIGHT, WIDTH, 3), 90, np.uint8)
    mask = np.zeros(frames.shape[:3], np.float32)
    kept, free = (
        engine.render(replace(SHOT, start=Start(frames=frames, strength=strength, mask=shown)))
        for shown in (mask, None)
    )
    through = engine.render(replace(SHOT, start=Start(frames=frames, strength=0.0)))
    assert np.abs(kept.astype(int) - through).max() <= 1
    assert np.array_equal(free, through) == (strength == 0)


def test_a_lora_changes_its_own_shot_alone(engine: Engine) -> None:
    if isinstance(engine, FakeEngine):
        pytest.skip("the fake engine has no model to change")
    plain = engine.render(SHOT)
    changed = engine.render(replace(SHOT, loras=(Lora("strong", 0.3),)))
    assert np.abs(changed.astype(int) - plain).mean() > NEAR
    assert np.array_equal(engine.render(SHOT), plain)


def test_a_step_cache_is_another_way_only_where_steps_are_left_out(engine: Engine) -> None:
    if isinstance(engine, FakeEngine):
        pytest.skip("the fake engine has no model to leave steps of")
    asked = replace(SHOT, steps=3)
    exact, half, first = (engine.render(replace(asked, step_cache=every)) for every in (1, 2, 10))
    assert 0 < np.abs(half.astype(int) - exact).mean() < np.abs(first.astype(int) - exact).mean()
    assert np.array_equal(engine.render(asked), exact)


@pytest.mark.parametrize(
    "changes",
    [{}, {"loras": (Lora("strong", 0.3),)}, {"step_cache": 3}, {"sampler": "Euler SGM Uniform"}],
    ids=str,
)
def test_the_same_shot_is_nearly_the_same_in_every_host(
    engine: Engine, changes: dict[str, Any], tmp_path: Path
) -> None:
    if isinstance(engine, (FakeEngine, StandaloneEngine)):
        pytest.skip("this compares the WebUI's clip with the stand-alone one")
    # Where a level of the UNet has an odd side, the hosts' UNets scale up in different ways.
    asked = replace(SHOT, steps=20, width=64, height=64, **changes)
    ours, theirs = standalone(tmp_path).render(asked), engine.render(asked)
    assert np.abs(ours.astype(int) - theirs).mean() <= NEAR
