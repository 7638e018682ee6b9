"""What every engine keeps to, the fake one and the stand-alone one."""

from __future__ import annotations

import numpy as np
import pytest

from easyphoto_video.engine import Engine, FakeEngine
from easyphoto_video.errors import Stopped
from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.engine import StandaloneEngine
from tests.host.standalone.small import SIZES, shot
from tools.tiny_checkpoint import fitting_spec, write_checkpoint, write_motion

FRAMES, WIDTH, HEIGHT = 3, 72, 64
SHOT = shot(frames=FRAMES, width=WIDTH, height=HEIGHT, motion="mm", steps=2)


@pytest.fixture(scope="module", params=["fake", "stand-alone"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    if request.param == "fake":
        return FakeEngine()
    models = tmp_path_factory.mktemp("data") / "models"
    write_checkpoint(models / "Stable-diffusion" / "tiny.safetensors", SIZES)
    write_motion(models / "AnimateDiff" / "mm.safetensors", fitting_spec(SIZES))
    return StandaloneEngine(Library(models.parent), "cpu")


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
