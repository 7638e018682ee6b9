"""What a host lets happen without what was asked for is told: a sampler may go its own ways."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from easyphoto_video.engine import Shot, Start, render
from easyphoto_video.errors import NoEffect, Stopped
from easyphoto_video.host.webui.windowed import Asked
from tests.host.standalone import small
from tests.host.webui import standin
from tools.faults import Place, interrupt, planted

PICTURES = Start(frames=np.full((3, 64, 64, 3), 90, np.uint8), strength=0.5)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with standin.installed(small.write_library(tmp_path_factory.mktemp("webui"))):
        from easyphoto_video.host.webui.host import WebuiHost

        yield WebuiHost()


def clip(host: Any, start: Start | None = None, **changes: Any) -> Any:
    shot: Shot = small.shot(start, **{"sampler": "Euler a", **changes})
    with host.turn("test"):
        return render(host.engine, shot)


def past_us(denoiser: Any, x: Tensor, sigma: Tensor, cond: Tensor) -> Tensor:
    """As reForge's, which never calls `model_wrap`."""
    from modules import sd_samplers, shared

    return sd_samplers.Denoiser(shared.sd_model)(x, sigma, {"c_crossattn": [cond]})


def without_unet(denoiser: Any, x: Tensor, sigma: Tensor, cond: Tensor) -> Tensor:
    """As an extension that answers from a memory of its own."""
    return x


def by_another_unet(denoiser: Any, x: Tensor, sigma: Tensor, cond: Tensor) -> Tensor:
    """As one that runs a copy of the model, and asks us all the same."""
    ours = denoiser.inner_model
    copy = ours.inner.inner_model = deepcopy(ours.inner.inner_model)
    for module in copy.modules():
        module._forward_pre_hooks.clear()
        module._forward_hooks.clear()
    return ours(x, sigma, {"c_crossattn": [cond]})


@pytest.mark.parametrize("motion", ["none", "mm_v2"])
@pytest.mark.parametrize(
    ("way", "start", "words"),
    [
        (past_us, None, "Windows had no effect: the WebUI's sampler calls its UNet past them"),
        (past_us, PICTURES, "The start picture had no effect: the WebUI's sampler never asked"),
        (without_unet, None, "The clip had no effect: the WebUI's sampler never called its UNet"),
        (without_unet, PICTURES, "The clip had no effect"),
        (by_another_unet, None, "The clip had no effect"),
    ],
)
def test_a_sampler_that_goes_past_us_is_told(
    host: Any,
    monkeypatch: pytest.MonkeyPatch,
    way: Any,
    start: Start | None,
    words: str,
    motion: str,
) -> None:
    from modules import sd_samplers

    monkeypatch.setattr(sd_samplers.CFGDenoiser, "_ask", way)
    with pytest.raises(NoEffect, match=words):
        clip(host, start, motion=motion)


def test_what_is_asked_is_not_told(host: Any) -> None:
    assert clip(host).shape == clip(host, PICTURES, motion="mm_v2").shape


def test_who_stops_before_the_first_step_is_not_told_of_effects(host: Any) -> None:
    place = Place("stopping", "easyphoto_video.host.webui.clip:parsed", does=interrupt)
    with planted(place) as fired, pytest.raises(Stopped):
        clip(host, motion="mm_v2")
    assert fired


def test_pictures_that_nobody_held_are_told_though_windows_were_asked() -> None:
    Asked(windows=3).check(3, holds=False)
    Asked(windows=3, holds=3).check(3, holds=True)
    with pytest.raises(NoEffect, match="The start picture"):
        Asked(windows=3).check(3, holds=True)
