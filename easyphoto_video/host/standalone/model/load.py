"""Networks from files: diffusers' UNet and VAE and transformers' CLIP, filled wholly offline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from accelerate import init_empty_weights
from diffusers.loaders.single_file_utils import (
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel
from transformers.initialization import no_init_weights

from easyphoto_video.errors import BadFile
from easyphoto_video.host.checkpoint.facts import Facts, facts_beside
from easyphoto_video.host.checkpoint.kinds import check_checkpoint, check_vae
from easyphoto_video.host.checkpoint.shapes import (
    TEXT,
    UNET,
    VAE,
    text_config,
    text_layers,
    unet_config,
    vae_config,
)
from easyphoto_video.host.standalone.device import Target
from easyphoto_video.tensors import load_state_dict

NOT_USED = re.compile(
    r"(\.|^)(position_ids|logit_scale|text_projection\.weight)$|^loss\.|^(model_ema|extra)\."
)
"""Tensors inside the parts that come with some files and belong to no network that draws."""

OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Names in diffusers' first VAE files, and what became of them."""

PARTS = {UNet2DConditionModel: "UNet", AutoencoderKL: "VAE", CLIPTextModel: "text encoder"}

NetworkT = TypeVar("NetworkT", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class Models:
    """What is needed to draw, ready on its device."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    facts: Facts


def load_models(checkpoint: Path, vae: Path | None, target: Target) -> Models:
    """The networks of a checkpoint, with the VAE of another file where one is given.

    Tensors whose precision is right stay in the mapped file. Raises Missing and BadFile.
    """
    tensors = load_state_dict(checkpoint)
    check_checkpoint(checkpoint, tensors)
    facts = facts_beside(checkpoint, tensors)
    return Models(
        unet=_unet(tensors, facts, checkpoint, target),
        text_encoder=_text_encoder(tensors, facts, checkpoint, target),
        vae=load_vae(vae, facts, target) if vae else _own_vae(tensors, facts, checkpoint, target),
        facts=facts,
    )


def load_vae(path: Path, facts: Facts, target: Target) -> AutoencoderKL:
    """A VAE from its own file, in LDM's or diffusers' names. Raises Missing and BadFile."""
    tensors = load_state_dict(path)
    check_vae(path, tensors)
    return _vae({k.removeprefix(VAE): t for k, t in tensors.items()}, facts, path, target)


def text_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The text encoder's tensors of a checkpoint, in transformers' names without prefix."""
    # Some merges lack the level `text_model`, which the WebUI forgives too.
    found = {k.removeprefix("text_model."): t for k, t in convert_ldm_clip(tensors).items()}
    return {k: t for k, t in found.items() if not NOT_USED.search(k)}


def convert_ldm_clip(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """diffusers' conversion, of the text encoder's tensors alone."""
    return convert_ldm_clip_checkpoint({k: t for k, t in tensors.items() if k.startswith(TEXT)})


def _unet(
    tensors: Mapping[str, Tensor], facts: Facts, source: Path, target: Target
) -> UNet2DConditionModel:
    config = unet_config(tensors, facts, source)
    own = {key: t for key, t in tensors.items() if key.startswith(UNET)}
    converted = convert_ldm_unet_checkpoint(own, config)
    with _hollow():
        unet = UNet2DConditionModel(**config)
    return _filled(unet, {**converted, **_left_out(own, converted)}, source, target)


def _own_vae(
    tensors: Mapping[str, Tensor], facts: Facts, source: Path, target: Target
) -> AutoencoderKL:
    own = {k.removeprefix(VAE): t for k, t in tensors.items() if k.startswith(VAE)}
    if not own:
        raise BadFile(source, "this checkpoint has no VAE inside", "Name a file as the VAE.")
    return _vae(own, facts, source, target)


def _vae(
    tensors: Mapping[str, Tensor], facts: Facts, source: Path, target: Target
) -> AutoencoderKL:
    own = {key: t for key, t in tensors.items() if not NOT_USED.search(key)}
    if any(key.startswith("decoder.up_blocks.") for key in own):
        converted = {_renamed(key): t for key, t in own.items()}
    else:
        levels = {m[1] for key in own if (m := re.match(r"encoder\.down\.(\d+)\.", key))}
        blocks = [None] * len(levels)
        config = {"down_block_types": blocks, "up_block_types": blocks}
        converted = convert_ldm_vae_checkpoint(own, config)
        converted |= _left_out(own, converted)
    with _hollow():
        vae = AutoencoderKL(**vae_config(converted, facts, source))
    return _filled(vae, converted, source, target)


def _text_encoder(
    tensors: Mapping[str, Tensor], facts: Facts, source: Path, target: Target
) -> CLIPTextModel:
    own = text_tensors(tensors)
    if not text_layers(own):
        advice = "Choose a checkpoint that is whole, in one file."
        raise BadFile(source, "this checkpoint has no text encoder inside", advice)
    with _hollow():
        model = CLIPTextModel(CLIPTextConfig(**text_config(own, facts, source)))
    # transformers dropped the level `text_model` in 5.6.
    level = "text_model." if hasattr(model, "text_model") else ""
    return _filled(model, {level + key: t for key, t in own.items()}, source, target)


@contextmanager
def _hollow() -> Iterator[None]:
    """Networks that are made meanwhile have weights without memory, and draw no numbers for them.

    Drawing them would import torch's compiler, a second and more.
    """
    with init_empty_weights(), no_init_weights():
        yield


def _filled(
    network: NetworkT, tensors: Mapping[str, Tensor], source: Path, target: Target
) -> NetworkT:
    """The network with these tensors in it. Raises BadFile unless they are just the ones."""
    wanted = network.state_dict()
    part = PARTS[type(network)]
    _refuse([k for k in wanted if k not in tensors], "are missing", part, source)
    _refuse([k for k in tensors if k not in wanted], "belong nowhere", part, source)
    odd = [k for k, t in tensors.items() if t.shape != wanted[k].shape]
    _refuse(odd, "have another shape than the rest", part, source)
    exact = {key: t.to(target.device, target.dtype) for key, t in tensors.items()}
    network.load_state_dict(exact, assign=True)
    return network.to(target.device).eval().requires_grad_(False)


def _left_out(own: Mapping[str, Tensor], converted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What diffusers' converters do not know and drop; a tensor's memory tells what they took."""
    used = {t.data_ptr() for t in converted.values()}
    return {key: t for key, t in own.items() if t.data_ptr() not in used}


def _refuse(keys: list[str], what: str, part: str, source: Path) -> None:
    if keys:
        some = ", ".join(sorted(keys)[:3])
        raise BadFile(
            source,
            f"{len(keys)} tensors of its {part} {what}, such as {some}",
            "Download it again, or choose another file of SD1.x.",
        )


def _renamed(key: str) -> str:
    layer, _, kind = key.rpartition(".")
    head, _, name = layer.rpartition(".")
    return f"{head}.{OLD_ATTENTION.get(name, name)}.{kind}" if ".attentions." in key else key
