"""diffusers' AnimateDiff around the very same weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_motion_model import (
    AnimateDiffTransformer3D,
    UNetMotionModel,
)
from diffusers.pipelines.animatediff.pipeline_animatediff import AnimateDiffPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor, nn

from bench.models import Subject
from easyphoto_video.motion.module import Motion

RENAMED = (
    (".temporal_transformer.", "."),
    (".attention_blocks.0.pos_encoder.pe", ".pos_embed.pe"),
    (".attention_blocks.0.", ".attn1."),
    (".attention_blocks.1.", ".attn2."),
    (".norms.0.", ".norm1."),
    (".norms.1.", ".norm2."),
    (".ff_norm.", ".norm3."),
)
"""From the official names to theirs."""


class PerFrameNorm(nn.Module):
    """Their group norm, over each frame by itself as in the official code."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        rows = x.transpose(1, 2)  # (B, F, C, H, W)
        return self.norm(rows.flatten(0, 1)).unflatten(0, rows.shape[:2]).transpose(1, 2)


def their_unet(subject: Subject) -> UNetMotionModel:
    """Their UNet with motion; it holds the subject's own tensors."""
    with init_empty_weights():
        unet = UNetMotionModel(**_config(subject))
    tensors = {**subject.unet.state_dict(), **their_motion(subject.motion)}
    unet.load_state_dict(tensors, assign=True)
    nn.Module.to(unet, subject.target.device)
    return unet.eval().requires_grad_(False)


def _config(subject: Subject) -> dict[str, Any]:
    """Of their UNet, as their `from_unet2d` has it."""
    plain: Any = subject.unet.config
    spec = subject.motion.spec
    same = ("sample_size", "in_channels", "out_channels", "block_out_channels", "norm_num_groups")
    return {
        **{name: plain[name] for name in (*same, "norm_eps", "layers_per_block")},
        "down_block_types": tuple(_moving(name) for name in plain["down_block_types"]),
        "up_block_types": tuple(_moving(name) for name in plain["up_block_types"]),
        "cross_attention_dim": plain["cross_attention_dim"],
        "num_attention_heads": plain["num_attention_heads"] or plain["attention_head_dim"],
        "motion_num_attention_heads": spec.heads,
        "motion_max_seq_length": spec.positions,
        "use_motion_mid_block": spec.has_mid,
    }


def _moving(block: str) -> str:
    return block.removesuffix("2D") + "Motion"


def their_motion(motion: Motion) -> dict[str, Tensor]:
    """The motion module's tensors in their names; one position table for each block."""
    found = {}
    for name, tensor in motion.state_dict().items():
        for ours, theirs in RENAMED:
            name = name.replace(ours, theirs)
        if "pos_encoder" not in name:
            found[name] = tensor
    return found


def their_pipeline(subject: Subject, vae: AutoencoderKL | None = None) -> AnimateDiffPipeline:
    """Their pipeline without a text encoder: prompts are given as conditions."""
    make: Any = AnimateDiffPipeline  # whose annotations do not say that parts may be missing
    pipeline = make(
        vae=vae,
        text_encoder=None,
        tokenizer=None,
        unet=their_unet(subject),
        motion_adapter=None,
        scheduler=their_scheduler(subject),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def their_scheduler(subject: Subject) -> DDIMScheduler:
    """DDIM as the motion module was trained for, over the same times as ours."""
    kind, start, end = subject.motion.spec.betas
    return DDIMScheduler(
        beta_schedule=kind,
        beta_start=start,
        beta_end=end,
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


@contextmanager
def norms_per_frame(unet: nn.Module) -> Iterator[None]:
    """While it lasts, their motion normalises as the official code does, so that both agree."""
    layers = [layer for layer in unet.modules() if isinstance(layer, AnimateDiffTransformer3D)]
    norms = [layer.norm for layer in layers]
    try:
        for layer, norm in zip(layers, norms, strict=True):
            layer.norm = PerFrameNorm(norm)  # pyright: ignore[reportAttributeAccessIssue]
        yield
    finally:
        for layer, norm in zip(layers, norms, strict=True):
            layer.norm = norm


def their_transformers(unet: nn.Module) -> dict[str, nn.Module]:
    """Their temporal layers by the names of the official places."""
    layers = unet.named_modules()
    return {name: x for name, x in layers if isinstance(x, AnimateDiffTransformer3D)}


@torch.no_grad()
def their_latents(
    pipeline: AnimateDiffPipeline, inputs: tuple[Tensor, Tensor, Tensor], steps: int, cfg: float
) -> Tensor:
    """What their pipeline makes of noise (F, 4, h, w): latents of the same shape."""
    noise, free, wanted = inputs
    dtype = pipeline.unet.dtype
    call: Any = pipeline
    made = call(
        num_frames=len(noise),
        height=noise.shape[2] * 8,
        width=noise.shape[3] * 8,
        num_inference_steps=steps,
        guidance_scale=cfg,
        latents=noise.transpose(0, 1)[None].to(dtype),
        prompt_embeds=wanted.to(dtype),
        negative_prompt_embeds=free.to(dtype),
        output_type="latent",
    )
    return made.frames[0].transpose(0, 1)
