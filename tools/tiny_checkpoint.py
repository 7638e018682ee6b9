"""Checkpoints of SD1.x's shape with random weights, calibrated so that they draw something.

    python -m tools.tiny_checkpoint FOLDER

A UNet and a VAE with fresh weights give nearly constant pictures. So their last layers are scaled:
what the UNet predicts gets a standard deviation of 1, latents of 1 and pictures of 0.5.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from easyphoto_video.host.webui import clip_folder
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.spec import MotionSpec
from tools.ldm_keys import text_to_ldm, unet_to_ldm, vae_to_ldm

SCALE_FACTOR = 0.18215
PROBE = 8
"""Side of the latents with which the weights are calibrated."""
LOUD = 8.0
"""How much more than with fresh weights the UNet heeds the prompt, so that one sees it."""

TO_Q = "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
CONV = "mid_block_resnets_0_conv1"
FC1 = "text_model_encoder_layers_0_mlp_fc1"
"""Layers that our LoRAs change, by kohya's names."""

YAML = """\
model:
  target: ldm.models.diffusion.ddpm.LatentDiffusion
  params:
    linear_start: 0.00085
    linear_end: 0.012
    num_timesteps_cond: 1
    timesteps: 1000
    parameterization: {prediction}
    beta_schedule: {betas}
    first_stage_key: jpg
    cond_stage_key: txt
    image_size: {latent}
    channels: 4
    cond_stage_trainable: false
    conditioning_key: crossattn
    scale_factor: 0.18215
    use_ema: false
    unet_config:
      target: ldm.modules.diffusionmodules.openaimodel.UNetModel
      params:
        image_size: {latent}
        in_channels: 4
        out_channels: 4
        model_channels: {width}
        attention_resolutions: [4, 2, 1]
        num_res_blocks: 2
        channel_mult: {factors}
        num_heads: {heads}
        use_spatial_transformer: true
        transformer_depth: 1
        context_dim: {context}
        use_checkpoint: false
        legacy: false
    first_stage_config:
      target: ldm.models.autoencoder.AutoencoderKL
      params:
        embed_dim: 4
        ddconfig:
          double_z: true
          z_channels: 4
          resolution: {side}
          in_channels: 3
          out_ch: 3
          ch: {vae_width}
          ch_mult: {vae_factors}
          num_res_blocks: {vae_layers}
          attn_resolutions: []
          dropout: 0.0
        lossconfig:
          target: torch.nn.Identity
    cond_stage_config:
      target: ldm.modules.encoders.modules.FrozenCLIPEmbedder
      params: {text}
"""
"""Of v1-inference.yaml's form, complete, so that the WebUI builds the same model from it."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What sets the size of a checkpoint of SD1.x's shape; the defaults are tiny."""

    channels: tuple[int, int, int, int] = (32, 64, 128, 128)
    heads: int = 4
    context: int = 64
    """Width of the text encoder, and of what the UNet sees of it."""
    text_layers: int = 2
    text_heads: int = 4
    vae_channels: tuple[int, int, int, int] = (32, 32, 32, 32)
    vae_layers: int = 1
    latent: int = 8
    """Side of the latents that it is made for: pixels / 8."""
    prediction: str = "eps"
    """`eps` or `v`."""
    betas: str = "linear"
    """LDM's name: `linear` or `sqrt_linear`."""


SD15 = Sizes(
    channels=(320, 640, 1280, 1280),
    heads=8,
    context=768,
    text_layers=12,
    text_heads=12,
    vae_channels=(128, 256, 512, 512),
    vae_layers=2,
    latent=64,
)


@torch.no_grad()
def state_dict(sizes: Sizes, seed: int = 0) -> dict[str, Tensor]:
    """A checkpoint's tensors under the names of SD1.x single files, fp16."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = (
            unet_to_ldm(_halves(_unet(sizes))),
            vae_to_ldm(_halves(_vae(sizes))),
            text_to_ldm(_halves(_text_encoder(sizes))),
        )
    return {name: tensor for part in parts for name, tensor in part.items()}


def write_checkpoint(
    path: Path, sizes: Sizes | None = None, seed: int = 0, clip: Path | None = None
) -> Path:
    """Writes the checkpoint and a yaml beside it that tells what its shapes do not.

    `clip` is the folder with the config of the text encoder and its tokenizer, which the WebUI
    needs and which is written too; without one it takes both of the full-size model from its cache.
    """
    sizes = sizes or Sizes()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state_dict(sizes, seed), path)
    text: dict[str, Any] = {"num_attention_heads": sizes.text_heads}
    if clip:
        # FrozenCLIPEmbedder takes no other argument; the number of heads stands in the folder.
        text = {"version": str(clip_folder.write(clip, **_text_sizes(sizes)).resolve())}
    path.with_suffix(".yaml").write_text(_yaml(sizes, text), encoding="utf-8")
    return path


@torch.no_grad()
def write_motion(path: Path, spec: MotionSpec, seed: int = 0, strength: float = 0.2) -> Path:
    """Writes a motion module with random weights, fp16; `strength` 0 is no change."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        motion = Motion(spec)
        for _, transformer in motion.transformers():
            nn.init.normal_(transformer.proj_out.weight, std=strength / transformer.channels**0.5)
    save_file(_halves(motion), path)
    return path


def kohya(sizes: Sizes, rank: int = 2, alpha: float = 1.0) -> dict[str, Tensor]:
    """A LoRA in kohya's names: a linear layer, a 3x3 convolution and one of the text encoder."""
    generator = torch.Generator().manual_seed(3)

    def pair(name: str, up: tuple[int, ...], down: tuple[int, ...]) -> dict[str, Tensor]:
        return {
            f"{name}.lora_up.weight": torch.randn(up, generator=generator),
            f"{name}.lora_down.weight": torch.randn(down, generator=generator),
            f"{name}.alpha": torch.tensor(alpha),
        }

    wide = sizes.channels[-1]
    return {
        **pair(f"lora_unet_{TO_Q}", (sizes.channels[0], rank), (rank, sizes.channels[0])),
        **pair(f"lora_unet_{CONV}", (wide, rank, 1, 1), (rank, wide, 3, 3)),
        **pair(f"lora_te_{FC1}", (4 * sizes.context, rank), (rank, sizes.context)),
    }


def write_lora(path: Path, sizes: Sizes | None = None) -> Path:
    """Writes a LoRA for the checkpoint that changes what one sees."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(kohya(sizes or Sizes()), path)
    return path


@torch.no_grad()
def write_controlnet(path: Path, sizes: Sizes | None = None, seed: int = 0) -> Path:
    """Writes a ControlNet for the checkpoint, fp16, under diffusers' names.

    What leads into the UNet is 0 in a new one; here it has weights, so that one sees it.
    """
    sizes = sizes or Sizes()
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ControlNetModel(
            block_out_channels=sizes.channels,
            cross_attention_dim=sizes.context,
            attention_head_dim=sizes.heads,
        )
        hint = model.controlnet_cond_embedding.conv_out
        layers: list[Any] = [hint, *model.controlnet_down_blocks, model.controlnet_mid_block]
        for layer in layers:
            nn.init.normal_(layer.weight, std=0.1)
    save_file(_halves(model), path)
    return path


def fitting_spec(sizes: Sizes, spec: MotionSpec | None = None) -> MotionSpec:
    """The kind of motion module (v2 unless told) at the widths of the checkpoint."""
    return replace(spec or MotionSpec(), channels=sizes.channels)


def _unet(sizes: Sizes) -> UNet2DConditionModel:
    unet = UNet2DConditionModel(
        sample_size=sizes.latent,
        block_out_channels=sizes.channels,
        cross_attention_dim=sizes.context,
        attention_head_dim=sizes.heads,
    )
    for name, layer in unet.named_modules():
        if name.endswith("attn2.to_out.0"):
            _scale(layer, torch.tensor(LOUD))
    x, words = torch.randn(1, 4, PROBE, PROBE), torch.randn(1, 77, sizes.context)
    _scale(unet.conv_out, 1.0 / unet(x, 500, words).sample.std())
    return unet


def _vae(sizes: Sizes) -> AutoencoderKL:
    levels = len(sizes.vae_channels)
    make: Any = AutoencoderKL  # whose annotations are narrower than what it takes
    vae = make(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=sizes.vae_channels,
        layers_per_block=sizes.vae_layers,
        latent_channels=4,
    )
    side = PROBE * 2 ** (levels - 1)
    means = vae.encode(torch.rand(1, 3, side, side) * 2 - 1).latent_dist.mean
    _scale(vae.quant_conv, 1.0 / SCALE_FACTOR / means.std())
    pictures = vae.decode(torch.randn(1, 4, PROBE, PROBE) / SCALE_FACTOR).sample
    _scale(vae.decoder.conv_out, 0.5 / pictures.std())
    return vae


def _yaml(sizes: Sizes, text: dict[str, Any]) -> str:
    facts = {name: getattr(sizes, name) for name in ("prediction", "betas", "latent", "heads")}
    width, vae_width = sizes.channels[0], sizes.vae_channels[0]
    return YAML.format(
        **facts,
        context=sizes.context,
        width=width,
        factors=[channels // width for channels in sizes.channels],
        side=sizes.latent * 8,
        vae_width=vae_width,
        vae_factors=[channels // vae_width for channels in sizes.vae_channels],
        vae_layers=sizes.vae_layers,
        text=json.dumps(text),
    )


def _text_sizes(sizes: Sizes) -> dict[str, Any]:
    """Arguments of the text encoder's config."""
    return {
        "hidden_size": sizes.context,
        "intermediate_size": 4 * sizes.context,
        "num_hidden_layers": sizes.text_layers,
        "num_attention_heads": sizes.text_heads,
    }


def _text_encoder(sizes: Sizes) -> CLIPTextModel:
    model = CLIPTextModel(CLIPTextConfig(**_text_sizes(sizes)))
    # As in trained ones, the states' mean is not zero; a prompt's weights are measured by it.
    nn.init.normal_(model.final_layer_norm.bias, mean=-0.1, std=0.1)
    return model


def _scale(layer: Any, factor: Tensor) -> None:
    layer.weight.mul_(factor)
    layer.bias.zero_()


def _halves(model: nn.Module) -> dict[str, Tensor]:
    return {name: t.half().contiguous() for name, t in model.state_dict().items()}


def main() -> None:
    """Writes a tiny checkpoint and a v2 motion module that fits it into the WebUI's folders.

    Both the WebUI and the stand-alone program load them, without a network.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    models = folder / "models"
    tiny = models / "Stable-diffusion" / "tiny.safetensors"
    print(write_checkpoint(tiny, clip=folder / "tiny_clip"))
    print(write_motion(models / "AnimateDiff" / "tiny_v2.safetensors", fitting_spec(Sizes())))


if __name__ == "__main__":
    main()
