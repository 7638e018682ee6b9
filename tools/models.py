"""The four networks of the embedded model, at the sizes its files have."""

from __future__ import annotations

from typing import Any

from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

WIDTH = 64
HEADS = 2
TEXT_HEADS = 4
TEXT_LAYERS = 2
GROUPS = 32
SCALE = 0.18215
LATENT = (4, 16, 16)
_SIZES: dict[str, Any] = {"block_out_channels": (WIDTH,) * 4, "norm_num_groups": GROUPS}


def autoencoder() -> AutoencoderKL:
    """RGB in -1..1 (B, 3, 128, 128) <-> latents (B, 4, 16, 16)."""
    blocks: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
    }
    return AutoencoderKL(
        layers_per_block=1, latent_channels=LATENT[0], sample_size=128, **blocks, **_SIZES
    )


def encode(vae: Any, pictures: Tensor) -> Any:
    """The distribution of unscaled latents (B, 4, 16, 16): mean, std, kl(), mode()."""
    return vae.encode(pictures).latent_dist


def decode(vae: Any, latents: Tensor) -> Tensor:
    """RGB (B, 3, 128, 128) about -1..1 for unscaled latents."""
    return vae.decode(latents).sample


def unet() -> UNet2DConditionModel:
    """The denoiser; diffusers' `attention_head_dim` is the number of heads here, as in SD1.x."""
    return UNet2DConditionModel(
        sample_size=LATENT[1],
        layers_per_block=2,
        cross_attention_dim=WIDTH,
        attention_head_dim=HEADS,
        **_SIZES,
    )


def text_encoder(tokens: int) -> CLIPTextModel:
    """CLIP's text model over `tokens` ids; in a cut-down vocabulary 0 begins, 1 ends and pads."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=tokens,
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=TEXT_LAYERS,
            num_attention_heads=TEXT_HEADS,
            max_position_embeddings=77,
            hidden_act="quick_gelu",
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )
