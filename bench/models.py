"""The models that are measured: SD1.5 and AnimateDiff v2 in size, the embedded ones, tiny ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from easyphoto_video.host.library import EMBEDDED_FOLDER
from easyphoto_video.host.standalone.device import Target, target
from easyphoto_video.host.standalone.model.load import load_models
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.read import read_motion
from tools.tiny_checkpoint import SD15, Sizes, fitting_spec

FULL, EMBEDDED, TINY = "full", "embedded", "tiny"
SIZES = {FULL: SD15, TINY: Sizes(channels=(32, 32, 64, 64), heads=2)}
"""Those that are made with random weights."""
TOKENS = 77
PUSH = 0.2
"""Standard deviation of what random motion adds, as a share; new motion adds nothing."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Networks to be measured, on their device."""

    name: str
    target: Target
    unet: UNet2DConditionModel
    motion: Motion

    @property
    def width(self) -> int:
        """Of the text that the UNet listens to."""
        wide: Any = self.unet.config
        return int(wide.cross_attention_dim)

    def inputs(self, frames: int, px: int) -> tuple[Tensor, Tensor, Tensor]:
        """Noise (F, 4, h, w) float32, and the conditions of both prompts, (1, 77, width) each."""
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(frames, 4, px // 8, px // 8, generator=generator)
        words = torch.randn(2, TOKENS, self.width, generator=generator)
        noise, words = noise.to(self.target.device), words.to(self.target.device)
        return noise, words[:1], words[1:]


@torch.no_grad()
def subject(name: str, dtype: str, device: str) -> Subject:
    """`dtype` and `device` as in `device.target`. Random weights are always the same ones."""
    at = target(device, dtype)
    if name == EMBEDDED:
        unet = load_models(EMBEDDED_FOLDER / "portrait.safetensors", None, at).unet
        motion = read_motion(EMBEDDED_FOLDER / "motion.safetensors")
    else:
        unet, motion = _random(SIZES[name], at)
    motion = motion.to(at.device, at.dtype).eval().requires_grad_(False)
    return Subject(name=name, target=at, unet=unet, motion=motion)


@torch.no_grad()
def autoencoder(name: str, dtype: str, device: str) -> AutoencoderKL:
    """The VAE that goes with it."""
    at = target(device, dtype)
    if name == EMBEDDED:
        return load_models(EMBEDDED_FOLDER / "portrait.safetensors", None, at).vae
    sizes = SIZES[name]
    levels = len(sizes.vae_channels)
    make: Any = AutoencoderKL  # whose annotations are narrower than what it takes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        vae = make(
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=sizes.vae_channels,
            layers_per_block=sizes.vae_layers,
        )
    return vae.to(at.device, at.dtype).eval().requires_grad_(False)


def _random(sizes: Sizes, at: Target) -> tuple[UNet2DConditionModel, Motion]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        unet = UNet2DConditionModel(
            sample_size=sizes.latent,
            block_out_channels=sizes.channels,
            cross_attention_dim=sizes.context,
            attention_head_dim=sizes.heads,
        )
        nn.Module.to(unet, at.device, at.dtype).eval().requires_grad_(False)
        motion = Motion(fitting_spec(sizes)).to(at.dtype)
        for _, transformer in motion.transformers():
            std = PUSH / transformer.channels**0.5
            nn.init.normal_(transformer.proj_out.weight, std=std)
    return unet, motion
