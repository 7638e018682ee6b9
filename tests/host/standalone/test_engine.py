"""What an engine renders, by relations between its renders."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from easyphoto_video import engine as seam
from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile, BadRequest, HostFailed, Missing, OutOfMemory, Stopped
from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.engine import StandaloneEngine
from easyphoto_video.request import SAMPLERS
from tests.host.standalone.small import shot

Render = Callable[..., Frames]


@pytest.fixture(scope="session")
def render(engine: StandaloneEngine) -> Render:
    return lambda **changes: seam.render(engine, shot(**changes))


@pytest.fixture(scope="session")
def plain(render: Render) -> Frames:
    return render()


def difference(a: Frames, b: Frames) -> float:
    return float(np.abs(a.astype(float) - b).mean())


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_draws_and_draws_the_same_again(render: Render, sampler: str) -> None:
    asked = {"sampler": sampler, "motion": "mm_v2", "frames": 2}
    first = render(**asked)
    assert first.shape == (2, 64, 64, 3)
    assert first.std() > 10
    assert np.array_equal(first, render(**asked))


def test_new_motion_changes_nothing_but_the_betas(render: Render, plain: Frames) -> None:
    """A module whose last layers are zero is as none, where the checkpoint has the same betas."""
    assert np.array_equal(render(checkpoint="plain", motion="still"), render(checkpoint="plain"))
    assert difference(render(motion="still"), plain) > 0.01


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 8},
        {"prompt": "a dog"},
        {"prompt": "a photo of a (cat:1.5)"},
        {"prompt": "a photo of a cat [now:in rain:0.5]"},
        {"prompt": "a photo of a mytoken"},
        {"prompt": "a photo of a cat<lora:strong>"},
        {"negative": "sharp"},
        {"cfg": 2.0},
        {"clip_skip": 2},
        {"motion": "mm_v2"},
        {"checkpoint": "tiny_v"},
        {"checkpoint": "other"},
        {"loras": "strong:0.5"},
        {"sampler": "Euler"},
    ],
    ids=str,
)
def test_what_is_asked_for_shows(render: Render, plain: Frames, changes: dict[str, Any]) -> None:
    assert difference(render(**changes), plain) > 0.1


def test_a_render_leaves_nothing_behind(render: Render, plain: Frames) -> None:
    render(loras="strong", motion="mm_v2", prompt="mytoken<lora:strong:2>", clip_skip=2)
    assert np.array_equal(render(), plain)


@pytest.mark.parametrize(
    "changes",
    [
        {"vae": "same"},
        {"loras": "strong:0"},
        {"prompt": "a photo of a (cat:1)"},
        {"prompt": "a photo of a cat<lora:strong:0>"},
        {"prompt": "0: a photo of a cat\n2: a photo of a cat"},
        {"prompt": "a photo of a [dog:cat:0]"},
    ],
    ids=str,
)
def test_what_is_neutral_changes_nothing(
    render: Render, plain: Frames, changes: dict[str, Any]
) -> None:
    assert np.array_equal(render(**changes), plain)


def test_without_guidance_the_negative_prompt_is_not_asked_for(render: Render) -> None:
    assert np.array_equal(render(cfg=1, negative="a"), render(cfg=1, negative="b"))
    assert difference(render(cfg=1), render(cfg=1.01)) < 1


def test_a_prompt_and_a_lora_in_it_are_as_the_lora_in_the_request(render: Render) -> None:
    tagged = render(prompt="a photo of a cat<lora:strong:0.5>")
    assert np.array_equal(tagged, render(loras="strong:0.5"))


@pytest.mark.parametrize("sampler", ["Euler a", "DPM++ 2M SDE", "LCM"])
def test_a_frame_does_not_depend_on_how_many_are_drawn_at_once(
    render: Render, sampler: str
) -> None:
    whole = render(sampler=sampler, frames=4, context=4, overlap=0)
    parts = render(sampler=sampler, frames=4, context=3, overlap=0)
    later = render(sampler=sampler, frames=3, seed=8)
    assert np.abs(whole.astype(int) - parts).max() <= 1
    assert np.abs(whole[1:].astype(int) - later).max() <= 1


@pytest.mark.parametrize("frames", [1, 5, 7])
def test_longer_clips_go_in_windows(render: Render, frames: int) -> None:
    clip = render(frames=frames, context=4, overlap=2, motion="mm_v2")
    assert clip.shape == (frames, 64, 64, 3)
    assert min(frame.std() for frame in clip) > 10


def test_prompts_blend_between_their_keys(render: Render) -> None:
    clip = render(prompt="0: a cat\n2: (a big dog:1.4)", negative="", cfg=12)
    cat, dog = render(prompt="a cat", negative="", cfg=12), render(
        prompt="(a big dog:1.4)", negative="", cfg=12
    )  # fmt: skip
    assert np.abs(clip[0].astype(int) - cat[0]).max() <= 1
    assert np.abs(clip[2].astype(int) - dog[2]).max() <= 1
    assert difference(clip[1], cat[1]) > 0.01
    assert difference(clip[1], dog[1]) > 0.01


def test_more_than_75_tokens_and_fewer_for_the_negative(render: Render) -> None:
    assert render(prompt="word, " * 60, negative="no").shape == (3, 64, 64, 3)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_lower_precision_draws_nearly_the_same(
    library: Library, plain: Frames, precision: str
) -> None:
    found = seam.render(StandaloneEngine(library, "cpu", precision), shot(motion="none"))
    assert 0 < difference(found, plain) < 8


def test_stopping_leaves_the_next_render_as_it_was(engine: StandaloneEngine, plain: Frames) -> None:
    def stop(stage: str, fraction: float) -> None:
        if stage == "denoising" and fraction > 0.3:
            raise Stopped("enough")

    with pytest.raises(Stopped, match="enough"):
        seam.render(engine, shot(loras="strong", motion="mm_v2"), stop)
    assert np.array_equal(seam.render(engine, shot()), plain)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"checkpoint": "nothing"}, Missing, "fetch"),
        ({"checkpoint": "tinny"}, Missing, "Did you mean tiny"),
        ({"motion": "tiny"}, Missing, "Motion module"),
        ({"loras": "weak"}, Missing, "LoRA"),
        ({"clip_skip": 3}, BadRequest, "Give 1 to 2"),
        ({"sampler": "LCM", "steps": 51}, BadRequest, "1 to 50"),
        ({"prompt": "a AND b"}, BadRequest, "AND"),
        ({"negative": "a AND b"}, BadRequest, "Negative prompt"),
        ({"negative": "<lora:strong>"}, BadRequest, "Name it in the prompt"),
        ({"prompt": "<hypernet:a:1>"}, BadRequest, "hypernet"),
        ({"motion": "mm_v2", "frames": 40, "context": 33}, BadRequest, "1 to 32"),
    ],
    ids=str,
)
def test_refused_before_any_step(
    engine: StandaloneEngine, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    stages: list[str] = []
    with pytest.raises(error, match=words):
        seam.render(engine, shot(**changes), lambda stage, _: stages.append(stage))
    assert set(stages) <= {"loading"}


def test_a_file_given_for_another_is_named(engine: StandaloneEngine, data: Any) -> None:
    motion = str(data / "models" / "AnimateDiff" / "mm_v2.safetensors")
    with pytest.raises(BadFile, match="this is a motion module, not a checkpoint"):
        seam.render(engine, shot(checkpoint=motion))
    with pytest.raises(BadFile, match="a LoRA for pictures, not a motion module"):
        seam.render(engine, shot(motion=str(data / "models" / "Lora" / "strong.safetensors")))


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (MemoryError(), OutOfMemory),
        (RuntimeError("[enforce fail] can't allocate memory"), OutOfMemory),
        (ValueError("odd"), HostFailed),
    ],
    ids=repr,
)
def test_what_others_raise_comes_out_as_ours(
    engine: StandaloneEngine, plain: Frames, raised: Exception, expected: type[Exception]
) -> None:
    def failing(stage: str, _fraction: float) -> None:
        if stage == "decoding":
            raise raised

    with pytest.raises(expected) as caught:
        seam.render(engine, shot(), failing)
    assert caught.value.__cause__ is raised
    raised.__traceback__ = None  # it is a parameter, and would keep the models alive
    assert np.array_equal(seam.render(engine, shot()), plain)


def test_models_are_let_go_and_come_again(engine: StandaloneEngine, plain: Frames) -> None:
    asked = shot()
    assert np.array_equal(seam.render(engine, asked), plain)
    networks = weakref.ref(engine._studio)
    engine.release()
    gc.collect()
    assert networks() is None
    engine.release()
    assert np.array_equal(seam.render(engine, asked), plain)
