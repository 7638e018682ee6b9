"""A LoRA file whose weight goes from frame to frame: as merged, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.host.standalone.device import Target
from easyphoto_video.host.standalone.model.fade import fading
from easyphoto_video.host.standalone.model.load import Models, load_models
from easyphoto_video.host.standalone.model.lora import PictureLora, read_lora
from easyphoto_video.host.standalone.model.merge import Merge, merged
from easyphoto_video.motion.fading import LoraOverFrames
from easyphoto_video.unet.attachment import Call, entered
from tests.host.standalone.small import SIZES, kohya, save, shot
from tools.tiny_checkpoint import CONV, TO_Q

FRAMES = 3
SCHEDULE, MEAN = "0:(0), 2:(1)", 0.5


@pytest.fixture(scope="module")
def models(data: Path) -> Models:
    path = data / "models" / "Stable-diffusion" / "tiny.safetensors"
    return load_models(path, None, Target(torch.device("cpu"), torch.float32))


def read(folder: Path, tensors: dict[str, Tensor]) -> PictureLora:
    return read_lora(save(folder / "lora.safetensors", tensors))


def in_three_parts() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    shapes = {"up": (64, 2, 1, 1), "mid": (2, 2, 3, 3), "down": (2, 64, 1, 1)}
    return {
        f"lora_unet_{CONV}.lora_{part}.weight": 0.1 * torch.randn(shape, generator=generator)
        for part, shape in shapes.items()
    }


def asked(models: Models, rows: Tensor) -> Tensor:
    unet: Any = models.unet
    words = torch.linspace(-1, 1, 5 * SIZES.context).view(1, 5, -1).expand(len(rows), -1, -1)
    with torch.no_grad():
        return unet(rows, torch.tensor(501), words).sample


def noise(rows: int) -> Tensor:
    return torch.randn(rows, 4, 16, 16, generator=torch.Generator().manual_seed(0))


@contextmanager
def told(unet: Any, loras: LoraOverFrames, frames: Sequence[int]) -> Iterator[None]:
    """The LoRAs in the UNet, whose calls hold these frames of a clip of three."""
    asked = shot(frames=FRAMES, lora_schedule=SCHEDULE)
    with entered(unet, [loras]) as guests, guests.around(Call(shot=asked, frames=frames, step=0)):
        yield


def near(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).norm() <= 1e-5 * other.norm())


@pytest.mark.parametrize("tensors", [kohya(), in_three_parts()], ids=["LoRA", "three parts"])
def test_each_frame_is_as_merged_at_its_weight(
    models: Models, tmp_path: Path, tensors: dict[str, Tensor]
) -> None:
    unet, text, lora = models.unet, models.text_encoder, read(tmp_path, tensors)
    x = noise(2 * FRAMES)
    merges = [Merge(lora, 1.0, 0.8)]
    with fading(unet, text, merges, MEAN) as loras, told(unet, loras, range(FRAMES)):
        got = asked(models, x)
    plain = asked(models, x)
    assert near(got[::FRAMES], plain[::FRAMES])
    assert not near(got[1::FRAMES], plain[1::FRAMES])
    for frame in range(FRAMES):
        with merged(unet, text, [Merge(lora, 0.0, 0.8 * frame / 2)]):
            assert near(got[frame::FRAMES], asked(models, x[frame::FRAMES]))


def test_two_add_up_and_one_without_unet_is_left_out(models: Models, tmp_path: Path) -> None:
    unet, text, x = models.unet, models.text_encoder, noise(1)
    first, second = read(tmp_path, kohya()), read(tmp_path, in_three_parts())
    merges = [Merge(first, 1.0, 0.8), Merge(second, 1.0, 0.5), Merge(first, 1.0, 0.0)]
    with fading(unet, text, merges, MEAN) as loras, told(unet, loras, [1]):
        got = asked(models, x)
    with merged(unet, text, [Merge(first, 0.0, 0.4), Merge(second, 0.0, 0.25)]):
        assert near(got, asked(models, x))


def test_the_text_encoder_has_one_weight_for_all_frames(models: Models, tmp_path: Path) -> None:
    unet, text, lora = models.unet, models.text_encoder, read(tmp_path, kohya())
    before = [*unet.parameters(), *text.parameters()]
    ids = torch.arange(10).view(1, -1)
    with merged(unet, text, [Merge(lora, 0.5 * 0.6, 0.0)]):
        expected = text(ids).last_hidden_state
    with fading(unet, text, [Merge(lora, 0.6, 1.0)], MEAN):
        assert torch.equal(text(ids).last_hidden_state, expected)
        assert not torch.equal(expected, asked_text(text, ids, lora, unet))
    after = [*unet.parameters(), *text.parameters()]
    assert all(one is other for one, other in zip(after, before, strict=True))


def asked_text(text: Any, ids: Tensor, lora: PictureLora, unet: Any) -> Tensor:
    """As it would be at the last frame's weight."""
    with merged(unet, text, [Merge(lora, 0.6, 0.0)]):
        return text(ids).last_hidden_state


def test_a_lora_that_does_not_fit_is_refused_before_anything_is_touched(
    models: Models, tmp_path: Path
) -> None:
    wrong = {name.replace(TO_Q, TO_Q.replace("_0_", "_9_", 1)): t for name, t in kohya().items()}
    unet, text, lora = models.unet, models.text_encoder, read(tmp_path, wrong)
    before = list(text.parameters())
    with (
        pytest.raises(BadFile, match="1 of its 3 changes find no layer"),
        fading(unet, text, [Merge(lora, 1.0, 1.0)], MEAN),
    ):
        pytest.fail("the LoRA does not fit")
    assert all(one is other for one, other in zip(text.parameters(), before, strict=True))
