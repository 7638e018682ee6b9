"""State dicts as the files of each kind have them, small and random."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from easyphoto_video.motion.names import TABLE
from easyphoto_video.motion.spec import HOTSHOT_XL, V2, V3, MotionSpec
from tests.motion.small import lively, spec

State = dict[str, Tensor]


def official(like: MotionSpec) -> State:
    """As guoyww/AnimateDiff's files."""
    return dict(lively(spec(like)).state_dict())


def without_tables(tensors: State) -> State:
    """As AnimateLCM's."""
    return {name: t for name, t in tensors.items() if not name.endswith(TABLE)}


def hotshot() -> State:
    """As hotshotco/Hotshot-XL's."""
    return {
        re.sub(r"motion_modules\.(\d)\.temporal_transformer", r"temporal_attentions.\1", name)
        .replace("pos_encoder.pe", "pos_encoder.positional_encoding"): t
        for name, t in official(HOTSHOT_XL).items()
    }  # fmt: skip


def adapter(tensors: State) -> State:
    """As a diffusers MotionAdapter's."""
    renamed: State = {}
    for name, t in tensors.items():
        name = name.replace(".temporal_transformer", "")
        name = re.sub(r"attention_blocks\.\d\.pos_encoder", "pos_embed", name)
        name = re.sub(r"attention_blocks\.(\d)", lambda m: f"attn{int(m[1]) + 1}", name)
        name = re.sub(r"norms\.(\d)", lambda m: f"norm{int(m[1]) + 1}", name)
        renamed[name.replace("ff_norm", "norm3")] = t
    return renamed


def motion_lora(like: MotionSpec = V2, rank: int = 4) -> State:
    """As the official v2_lora_*: all four projections of all attentions."""
    torch.manual_seed(3)
    tensors: State = {}
    for name, weight in official(like).items():
        if match := re.fullmatch(r"(.+\.attention_blocks\.\d)\.(to_\w+)(?:\.0)?\.weight", name):
            stem = f"{match[1]}.processor.{match[2]}_lora"
            tensors[f"{stem}.down.weight"] = torch.randn(rank, weight.shape[1]) * 0.1
            tensors[f"{stem}.up.weight"] = torch.randn(weight.shape[0], rank) * 0.1
    return tensors


def some(*names: str, shape: tuple[int, ...] = (4, 4)) -> State:
    """Zeros under these names."""
    return {name: torch.zeros(shape) for name in names}


def with_motion(*names: str, shape: tuple[int, ...] = (4, 4)) -> State:
    """A v3 module and more."""
    return {**official(V3), **some(*names, shape=shape)}


SPATIAL = "down_blocks.0.attentions.0.transformer_blocks.0.attn1"

REFUSED: dict[str, tuple[State, str]] = {
    "SparseCtrl rgb": (
        with_motion("controlnet_cond_embedding.weight", shape=(32, 5, 3, 3)),
        "SparseCtrl rgb",
    ),
    "SparseCtrl scribble": (
        with_motion("controlnet_cond_embedding.conv_in.weight", shape=(16, 4, 3, 3)),
        "SparseCtrl scribble",
    ),
    "PIA": (with_motion("conv_in.weight", shape=(32, 9, 3, 3)), "PIA"),
    "AnimateLCM-I2V": (with_motion("img_encoder.conv_in.weight"), "AnimateLCM-I2V"),
    "CameraCtrl": (
        some(
            "encoder_conv_in.weight",
            "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0"
            ".attention_blocks.0.processor.qkv_merge.weight",
        ),
        "CameraCtrl",
    ),
    "MotionCtrl": (with_motion("cc_projection.weight"), "MotionCtrl"),
    "FancyVideo": (with_motion("fps_embedding.linear.weight"), "FancyVideo"),
    "v3 adapter": (
        some(
            f"{SPATIAL}.processor.to_q_lora.down.weight", f"{SPATIAL}.processor.to_q_lora.up.weight"
        ),
        "v3 domain adapter, a LoRA for pictures, not a motion module. Put it into models/Lora",
    ),
    "motion LoRA": (motion_lora(), "a motion LoRA"),
    "kohya LoRA": (
        some(
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight",
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight",
            "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
        ),
        "a LoRA for pictures",
    ),
    "peft LoRA": (some(f"unet.{SPATIAL}.to_q.lora_A.weight"), "a LoRA for pictures"),
    "checkpoint": (
        some(
            "model.diffusion_model.input_blocks.0.0.weight",
            "first_stage_model.encoder.conv_in.weight",
            "cond_stage_model.transformer.text_model.final_layer_norm.weight",
        ),
        "a whole checkpoint",
    ),
    "UNet of diffusers": (some(f"{SPATIAL}.to_q.weight"), "a UNet without motion"),
    "UNet of LDM": (some("input_blocks.0.0.weight", "out.2.weight"), "a UNet without motion"),
    "VAE": (some("encoder.conv_in.weight", "decoder.conv_in.weight"), "a VAE"),
    "VAE of diffusers": (some("encoder.down_blocks.0.resnets.0.conv1.weight"), "a VAE"),
    "ControlNet": (some("control_model.zero_convs.0.0.weight"), "a ControlNet"),
    "text encoder": (some("text_model.final_layer_norm.weight"), "a text encoder"),
    "embedding": (some("emb_params"), "a textual inversion embedding"),
    "anything else": (some("a", "b", "c", "d"), r"no kind known here \(4 tensors, such as a, b, c"),
}
"""Kind -> its tensors, and what the refusal must say."""
