"""The sampler's loop, against the official AnimateDiff and against itself in other pieces."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from easyphoto_video.host.calls import Calls
from easyphoto_video.host.checkpoint.facts import Facts
from easyphoto_video.host.checkpoint.shapes import UNET, unet_config
from easyphoto_video.host.standalone.conditions import Script
from easyphoto_video.host.standalone.denoise import Guide, Noise, Predictor, denoised
from easyphoto_video.host.standalone.samplers import Noising, Sampler
from easyphoto_video.motion.attach import attached
from easyphoto_video.motion.noise import initial_noise
from easyphoto_video.schedule import Schedule
from easyphoto_video.watch import unwatched
from tests.motion.windows import windows
from tools.golden import Golden, read_golden
from tools.parity import FINAL_LIMIT

GOLDEN = Path(__file__).parents[4] / "shared" / "golden"


def said(text: str, steps: int) -> Script:
    return Script(Schedule.constant([text] * steps), ())


def built(golden: Golden) -> UNet2DConditionModel:
    tensors = {UNET + name: tensor for name, tensor in golden.unet.items()}
    config = unet_config(tensors, Facts(heads=golden.meta.heads), golden.folder)
    unet = UNet2DConditionModel(**config)
    unet.load_state_dict(convert_ldm_unet_checkpoint(tensors, config))
    return unet.eval()


SAME_WAY = pytest.mark.slow(reason="v2 goes the same way; tools/test_parity.py has v1's module")


@pytest.mark.parametrize(
    ("name", "pixels_at_once"), [pytest.param("v1", 1, marks=SAME_WAY), ("v2", 10**9)]
)
def test_a_clip_is_the_official_one(name: str, pixels_at_once: int) -> None:
    if not (GOLDEN / name).is_dir():
        pytest.skip(f"{GOLDEN / name} is missing")
    golden = read_golden(GOLDEN / name)
    unet, meta = built(golden), golden.meta
    latents = golden.inputs["latents"]
    frames = latents.shape[2]
    guide = Guide(
        prompt=said("cond", meta.steps),
        negative=said("uncond", meta.steps),
        encoded={key: golden.inputs[key][0] for key in ("cond", "uncond")},
        cfgs=(meta.guidance,) * frames,
    )
    spec = golden.motion.spec
    sampler = Sampler("DDIM", meta.steps, Noising(betas=spec.betas, prediction="epsilon"))
    given = latents[0].transpose(0, 1)
    noise = Noise(size=(4, 1, 1), numbers=range(frames), seed=0, given=given)
    whole = windows(frames, frames, 0)
    with torch.no_grad(), attached(unet, golden.motion) as handle:
        predictor = Predictor(
            unet=unet,
            calls=Calls(windows=lambda step: whole, handle=handle),
            guide=guide,
            pixels_at_once=pixels_at_once,
        )
        found = denoised(predictor, sampler, noise, None, unwatched, lambda latents: None)
    expected = golden.expected["ddim_final"][0].transpose(0, 1)
    assert float((found - expected).norm() / expected.norm()) <= FINAL_LIMIT


def test_generators_go_on_where_the_first_noise_ended() -> None:
    noise = Noise(size=(4, 3, 2), numbers=range(2), seed=5)
    assert torch.equal(noise.first(), initial_noise(range(2), (4, 3, 2), 5))
    generator = torch.Generator().manual_seed(6)
    first, second = (torch.randn(4, 3, 2, generator=generator) for _ in range(2))
    assert torch.equal(noise.first()[1], first)
    assert torch.equal(torch.randn(4, 3, 2, generator=noise.generators()[1]), second)
