"""Whisper's audio encoder (arXiv 2212.04356) in plain torch, by openai's key names.

Read from openai's .pt (restricted unpickling) or from Hugging Face's safetensors; known by keys
and shapes at any width, so a small one of the same structure is read as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.errors import BadFile
from easyphoto_video.tensors import AGAIN, load_state_dict, read_metadata

HEAD_WIDTH = 64
"""Of each head in all of openai's models; a file may note its `heads` where that is not so."""

PREFIX = "encoder."
_BLOCK = re.compile(r"blocks\.(\d+)\.")
_TAKE = "Give whisper-tiny: openai's tiny.pt, or Hugging Face's model.safetensors."

_HUGGING_FACE = (
    (re.compile(r"^(?:model\.)?encoder\."), PREFIX),
    (re.compile(r"\.layers\."), ".blocks."),
    (re.compile(r"\.self_attn\.q_proj\."), ".attn.query."),
    (re.compile(r"\.self_attn\.k_proj\."), ".attn.key."),
    (re.compile(r"\.self_attn\.v_proj\."), ".attn.value."),
    (re.compile(r"\.self_attn\.out_proj\."), ".attn.out."),
    (re.compile(r"\.self_attn_layer_norm\."), ".attn_ln."),
    (re.compile(r"\.fc1\."), ".mlp.0."),
    (re.compile(r"\.fc2\."), ".mlp.2."),
    (re.compile(r"(blocks\.\d+)\.final_layer_norm\."), r"\1.mlp_ln."),
    (re.compile(r"^encoder\.layer_norm\."), "encoder.ln_post."),
    (re.compile(r"^encoder\.embed_positions\.weight$"), "encoder.positional_embedding"),
)


@dataclass(frozen=True, kw_only=True)
class WhisperSpec:
    """The sizes of an encoder; the defaults are whisper-tiny's."""

    mels: int = 80
    positions: int = 1500
    """Rows that it sees at once, each of two mel columns: 20 ms."""
    width: int = 384
    heads: int = 6
    layers: int = 4


class Attention(nn.Module):
    """Self-attention; keys have no bias, and its scale goes half to q and half to k."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            project(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, h, T, C/h)
            for project in (self.query, self.key, self.value)
        )
        seen = F.scaled_dot_product_attention(q, k, v)
        return self.out(seen.transpose(1, 2).flatten(2))  # (B, T, C)


class Block(nn.Module):
    """Attention and a feed-forward, each behind its layer norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.attn_ln = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.mlp_ln = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.attn_ln(x))
        return x + self.mlp(self.mlp_ln(x))


class Whisper(nn.Module):
    """The encoder; its state dict has openai's names without `encoder.`."""

    def __init__(self, spec: WhisperSpec) -> None:
        super().__init__()
        self.spec = spec
        width = spec.width
        self.conv1 = nn.Conv1d(spec.mels, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.positional_embedding = nn.Parameter(torch.empty(spec.positions, width))
        self.blocks = nn.ModuleList(Block(width, spec.heads) for _ in range(spec.layers))
        self.ln_post = nn.LayerNorm(width)

    def forward(self, mel: Tensor) -> Tensor:
        """Log-mel (B, mels, T) of at most 2 * positions columns -> every layer, before `ln_post`.

        (B, ceil(T / 2), layers + 1, width): behind the positions, then behind each block.
        """
        x = F.gelu(self.conv1(mel))
        x = F.gelu(self.conv2(x)).transpose(1, 2)  # (B, T / 2, C)
        x = x + self.positional_embedding[: x.shape[1]]
        layers = [x]
        for block in self.blocks:
            layers.append(block(layers[-1]))
        return torch.stack(layers, dim=2)


def read_whisper(path: Path | str, heads: int | None = None) -> Whisper:
    """The encoder that a file holds, in its dtype, on the CPU; a decoder in it is passed over.

    `heads` is for files that do not note theirs and are of none of openai's sizes. Raises Missing,
    and BadFile when the file holds no whole encoder.
    """
    noted = read_metadata(path).get("heads", "")
    if heads is None and noted.isdecimal():
        heads = int(noted)
    return whisper_from(load_state_dict(path), path, heads)


def whisper_from(
    state_dict: Mapping[str, Tensor], source: Path | str, heads: int | None = None
) -> Whisper:
    """The encoder that a state dict holds; nothing is copied. Raises BadFile naming `source`."""
    tensors = _official(state_dict)
    spec = _spec(tensors, source, heads)
    with torch.device("meta"):
        encoder = Whisper(spec)
    wanted = encoder.state_dict()
    missing = [name for name in wanted if name not in tensors]
    odd = [
        name for name, t in tensors.items() if name not in wanted or t.shape != wanted[name].shape
    ]
    if missing or odd:
        reason = f"this encoder of Whisper's is not whole: {len(missing)} tensors are missing"
        reason += f" and {len(odd)} do not belong, such as {(missing + odd)[0]}"
        raise BadFile(source, reason, AGAIN)
    encoder.load_state_dict(tensors, assign=True)
    return encoder.requires_grad_(False).eval()


def _official(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's tensors by openai's names, without the prefix."""
    found: dict[str, Tensor] = {}
    for name, tensor in state_dict.items():
        if ".layers." in name or "embed_positions" in name or "layer_norm" in name:
            for pattern, becomes in _HUGGING_FACE:
                name = pattern.sub(becomes, name)
        name = re.sub(r"^model\.encoder\.", PREFIX, name)
        if name.startswith(PREFIX):
            found[name.removeprefix(PREFIX)] = tensor
    return found


def _spec(tensors: Mapping[str, Tensor], source: Path | str, heads: int | None) -> WhisperSpec:
    first, positions = tensors.get("conv1.weight"), tensors.get("positional_embedding")
    if first is None or positions is None or first.ndim != 3 or positions.ndim != 2:
        some = ", ".join(list(tensors)[:3]) or "none of an encoder"
        raise BadFile(source, f"this is no Whisper (it holds {some})", _TAKE)
    width = first.shape[0]
    heads = heads or max(width // HEAD_WIDTH, 1)
    if width % heads:
        raise BadFile(source, f"its {width} channels do not part into {heads} heads", _TAKE)
    numbers = [int(m[1]) for name in tensors if (m := _BLOCK.match(name))]
    return WhisperSpec(
        mels=first.shape[1],
        positions=positions.shape[0],
        width=width,
        heads=heads,
        layers=1 + max(numbers, default=-1),
    )
