"""LoRA for pictures: a file of small changes to the weights of UNet and text encoder.

W + weight * alpha / rank * up @ down (arXiv 2106.09685); for convolutions (LoCon) the same over
their flattened kernels. Reads kohya's names, those of diffusers and peft, and the processor names
of AnimateDiff's v3 adapter.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.host.checkpoint.kinds import check_lora
from easyphoto_video.tensors import AGAIN, load_state_dict

KEY = re.compile(
    r"(?P<layer>.+?)(?:[._]lora(?:_linear_layer)?)?"
    r"[._](?:(?P<part>down|up|mid|A|B)(?:\.default)?\.weight|(?P<alpha>alpha))"
)
PARTS = {"A": "down", "B": "up"}
UNET = re.compile(
    r"(?:base_model_model_|module_)*(?:lora_unet_|unet_)?(?=down_|mid_|up_|conv_|time_)"
)
TEXT = re.compile(r"(?:base_model_model_)?(?:lora_te_|text_encoder_)(?=text_model_)")


@dataclass(frozen=True)
class Change:
    """What a layer's weight gets, at weight 1."""

    up: Tensor
    """(out, rank), or that as a 1x1 convolution."""
    down: Tensor
    """(rank, in), or (rank, in, k, k)."""
    mid: Tensor | None
    """(rank, rank, k, k) between two 1x1 convolutions (LoCon in CP form)."""
    alpha: float | None
    """The change is scaled by alpha / rank; None is the rank."""

    def fits(self, weight: Tensor) -> bool:
        """Whether the change has the weight's shape."""
        kernel = self.down.shape[1:] if self.mid is None else self.mid.shape[2:]
        inputs = kernel if self.mid is None else (self.down.shape[1], *kernel)
        ranks = self.up.shape[1] == self.down.shape[0]
        there = (self.up.shape[0], *inputs)
        return ranks and _plain(there) == _plain(weight.shape)

    def delta(self, like: Tensor) -> Tensor:
        """In the shape and on the device of `like`, float32."""
        up, down = (t.to(like.device, torch.float32).flatten(1) for t in (self.up, self.down))
        if self.mid is None:
            product = up @ down
        else:
            mid = self.mid.to(like.device, torch.float32)
            product = torch.einsum("or,rskl,si->oikl", up, mid, down)
        scale = 1.0 if self.alpha is None else self.alpha / self.down.shape[0]
        return scale * product.reshape(like.shape)


@dataclass(frozen=True)
class PictureLora:
    """The changes of a file, by the words of each layer's name in diffusers' UNet and in CLIP."""

    source: Path
    unet: Mapping[str, Change]
    """`down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q`"""
    text: Mapping[str, Change]
    """`text_model_encoder_layers_0_self_attn_q_proj`"""


def read_lora(path: Path) -> PictureLora:
    """Reads a LoRA file. Raises Missing, and BadFile with the name of what it is instead."""
    tensors = load_state_dict(path)
    check_lora(path, tensors)
    layers = _layers(tensors, path)
    unet: dict[str, Change] = {}
    text: dict[str, Change] = {}
    strange = []
    for words, parts in layers.items():
        if match := TEXT.match(words):
            text[words[match.end() :]] = _change(parts)
        elif match := UNET.match(words):
            unet[words[match.end() :]] = _change(parts)
        else:
            strange.append(words)
    if strange:
        raise BadFile(
            path,
            f"this is a LoRA of another family: {len(strange)} of its {len(layers)} changes have "
            f"no place in Stable Diffusion 1.x, such as {strange[0]}",
            "Choose a LoRA for Stable Diffusion 1.x.",
        )
    return PictureLora(path, unet, text)


def _layers(tensors: Mapping[str, Tensor], path: Path) -> dict[str, dict[str, Tensor]]:
    """The parts of each layer's change. Raises BadFile when a key is of no LoRA or a half lacks."""
    layers: dict[str, dict[str, Tensor]] = defaultdict(dict)
    odd = []
    for key, tensor in tensors.items():
        if match := KEY.fullmatch(key):
            part = match["alpha"] or PARTS.get(match["part"], match["part"])
            layers[_words(match["layer"])][part] = tensor
        else:
            odd.append(key)
    odd += [words for words, parts in layers.items() if not {"up", "down"} <= parts.keys()]
    if odd:
        reason = f"this LoRA is not whole: {len(odd)} entries cannot be read, such as {odd[0]}"
        raise BadFile(path, reason, AGAIN)
    return layers


def _change(parts: Mapping[str, Tensor]) -> Change:
    alpha = float(parts["alpha"]) if "alpha" in parts else None
    return Change(parts["up"], parts["down"], parts.get("mid"), alpha)


def _words(layer: str) -> str:
    """The words of a layer's name; some leave out the 0 of to_out.0."""
    words = layer.replace(".", "_").replace("_processor_", "_")
    return re.sub(r"_to_out$", "_to_out_0", words)


def _plain(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A 1x1 convolution's shape is that of a matrix."""
    return shape[:2] if shape[2:] == (1, 1) else tuple(shape)
