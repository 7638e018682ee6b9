"""Between pictures and latents."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from easyphoto_video.errors import HostFailed
from easyphoto_video.host.shots import latent_mask
from easyphoto_video.host.standalone.device import Target
from easyphoto_video.host.standalone.model.load import load_models
from easyphoto_video.host.standalone.pictures import decoded, encoded
from easyphoto_video.watch import unwatched


@pytest.fixture(scope="module")
def vae(data: Path) -> Any:
    path = data / "models" / "Stable-diffusion" / "tiny.safetensors"
    return load_models(path, None, Target(torch.device("cpu"), torch.float32)).vae


def test_frames_do_not_depend_on_how_many_there_are(vae: Any) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (6, 64, 72, 3), np.uint8)
    latents = encoded(vae, frames, unwatched)
    assert latents.shape == (6, 4, 8, 9)
    assert torch.allclose(latents[5:], encoded(vae, frames[5:], unwatched), atol=1e-5)
    pictures = decoded(vae, latents, unwatched)
    assert (pictures.shape, pictures.dtype) == (frames.shape, np.uint8)
    assert np.abs(pictures[5].astype(int) - decoded(vae, latents[5:], unwatched)[0]).max() <= 1


def test_a_mask_is_averaged_to_the_size_of_the_latents() -> None:
    mask = np.zeros((1, 16, 16), np.float32)
    mask[0, :4, 8:] = 1
    found = latent_mask(mask, torch.zeros(1, 4, 2, 2))
    assert found.tolist() == [[[[0.0, 0.5], [0.0, 0.0]]]]


def test_a_vae_too_loud_for_fp16_goes_on_in_fp32(vae: Any) -> None:
    loud = copy.deepcopy(vae)
    with torch.no_grad():
        loud.decoder.conv_in.weight.mul_(2.0**17)  # exact in fp16, unlike what it gives
        latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
        exact = decoded(loud, latents, unwatched)
        half = loud.half()
        assert not half.decode(latents.half() / half.config.scaling_factor).sample.isfinite().all()
        found = decoded(half, latents, unwatched)
    assert half.dtype == torch.float32
    assert np.abs(found.astype(int) - exact).max() <= 1


def test_latents_that_are_no_numbers_are_no_picture(vae: Any) -> None:
    with pytest.raises(HostFailed, match="--precision fp32"):
        decoded(vae, torch.full((1, 4, 8, 8), torch.nan), unwatched)
