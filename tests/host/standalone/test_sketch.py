"""A look at what is becoming: it nears the result, and the result knows nothing of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from easyphoto_video.clip import Frames
from easyphoto_video.engine import render
from easyphoto_video.host.standalone.engine import StandaloneEngine
from easyphoto_video.host.standalone.pictures import sketched
from easyphoto_video.host.standalone.samplers import Noising, Sampler
from easyphoto_video.request import SAMPLERS
from tests.host.standalone.small import shot


class Looking:
    """A watch that looks at every picture, or at none."""

    def __init__(self, looks: bool = True) -> None:
        self.looks = looks
        self.seen: list[Frames] = []

    def __call__(self, stage: str, fraction: float) -> None:
        """Nothing to tell."""

    def wants_picture(self) -> bool:
        return self.looks

    def show(self, frames: Frames) -> None:
        self.seen.append(frames)


@pytest.mark.parametrize("sampler", ["DDIM", "Euler a", "DPM++ 2M SDE Karras"])
def test_who_looks_changes_nothing(engine: StandaloneEngine, sampler: str) -> None:
    asked = shot(sampler=sampler, motion="mm_v2", frames=6, steps=3)
    watch = Looking()
    assert np.array_equal(render(engine, asked, watch), render(engine, asked))
    assert [frames.shape for frames in watch.seen] == [(4, 64, 64, 3)] * 3
    assert watch.seen[0].dtype == np.uint8


def test_nothing_is_drawn_for_nobody(
    engine: StandaloneEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError("a picture for nobody")

    monkeypatch.setattr("easyphoto_video.host.standalone.session.sketched", refuse)
    watch = Looking(looks=False)
    assert render(engine, shot(frames=2, steps=2), watch).shape[0] == 2
    assert watch.seen == []


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_the_clean_latents_are_those_that_were_noised(name: str, prediction: str) -> None:
    """Whatever the noise at a step, a UNet that knows it foretells what lies under it."""
    betas = ("linear", 0.00085, 0.012)
    sampler = Sampler(name, 6, Noising(betas=betas, prediction=prediction), begin=2)
    generator = torch.Generator().manual_seed(0)
    latents, noise = (torch.randn(2, 4, 3, 3, generator=generator) for _ in range(2))
    seen = sampler.seen(sampler.noised(latents, noise, 2), 2)
    kept = float(sampler.seen(sampler.noised(torch.ones(1), torch.zeros(1), 2), 2))
    said = noise
    if prediction == "v_prediction":
        said = kept * noise - (1 - kept**2) ** 0.5 * latents
    assert torch.allclose(sampler.clean(seen, said, 2), latents, atol=1e-4)


class Vae:
    """Gives latents back as pictures; what it was asked for stays."""

    dtype = torch.float16
    config = SimpleNamespace(scaling_factor=1.0)

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []

    def decode(self, latents: torch.Tensor) -> Any:
        self.asked.append(tuple(latents.shape))
        return SimpleNamespace(sample=latents[:, :3])

    def to(self, dtype: torch.dtype) -> None:
        raise AssertionError("a look changed the VAE")


@pytest.mark.parametrize(
    ("shape", "small"),
    [
        ((1, 4, 8, 8), (1, 4, 8, 8)),
        ((9, 4, 96, 64), (4, 4, 32, 21)),
        ((3, 4, 8, 256), (3, 4, 1, 32)),
    ],
)
def test_a_sketch_is_small(shape: tuple[int, ...], small: tuple[int, ...]) -> None:
    vae = Vae()
    frames = sketched(vae, torch.full(shape, 0.5))
    assert vae.asked == [small]
    assert frames is not None
    assert frames.shape == (small[0], *small[2:], 3)
    assert (frames == round(127.5 * 1.5)).all()


def test_what_is_no_number_is_not_shown() -> None:
    assert sketched(Vae(), torch.full((2, 4, 8, 8), float("nan"))) is None
