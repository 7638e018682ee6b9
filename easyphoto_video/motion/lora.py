"""Motion LoRA: a small change of a motion module's weights, such as a move of the camera.

W + strength * up @ down, times alpha / rank where the file has an alpha (arXiv 2106.09685). The
official files and those of diffusers, peft and kohya give the same layers with other marks between
the words, so layers are known by their words alone.
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
from easyphoto_video.motion.kinds import MOTION_LORA, kind_of
from easyphoto_video.motion.module import Motion
from easyphoto_video.tensors import AGAIN, load_state_dict

KEY = re.compile(
    r"(?P<layer>(?:down_blocks|up_blocks|mid_block).+?)"
    r"(?:[._]lora[._](?P<part>down|up|A|B)(?:\.default)?\.weight|(?:_lora)?\.(?P<alpha>alpha))"
)
PARTS = {"A": "down", "B": "up"}


@dataclass(frozen=True)
class Change:
    """What the weight of one layer gets: scale * up (out, rank) @ down (rank, in)."""

    up: Tensor
    down: Tensor
    scale: float = 1.0

    def fits(self, weight: Tensor) -> bool:
        """Whether the shapes are right for that weight."""
        ranks = self.up.shape[1:] == self.down.shape[:1]
        return ranks and (*self.up.shape[:1], *self.down.shape[1:]) == tuple(weight.shape)

    def added_to(self, weight: Tensor, strength: float) -> Tensor:
        """A new weight of the same shape, dtype and device, computed in float32 at least."""
        exact = torch.promote_types(weight.dtype, torch.float32)
        up, down = (t.to(weight.device, exact) for t in (self.up, self.down))
        return (weight.to(exact) + strength * self.scale * (up @ down)).to(weight.dtype)


@dataclass(frozen=True)
class MotionLora:
    """The changes that a motion LoRA file asks for, by the words of the layer's name."""

    source: Path
    changes: Mapping[str, Change]


def read_motion_lora(path: Path | str) -> MotionLora:
    """Reads a motion LoRA file. Raises Missing, and BadFile with the name of what it is instead."""
    return motion_lora_from(load_state_dict(path), path)


def motion_lora_from(state_dict: Mapping[str, Tensor], source: Path | str) -> MotionLora:
    """The motion LoRA that a state dict holds; `source` names it in errors. Raises BadFile."""
    kind = kind_of(state_dict)
    if kind is not MOTION_LORA:
        raise BadFile(source, f"this is {kind.name}, not a motion LoRA", kind.advice)
    parts: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in state_dict.items():
        if match := KEY.search(key):
            part = match["alpha"] or PARTS.get(match["part"], match["part"])
            parts[_words(match["layer"])][part] = tensor
    half = [words for words, found in parts.items() if not {"up", "down"} <= found.keys()]
    if half or not parts:
        reason = f"this motion LoRA is not whole: {len(half)} of {len(parts)} layers lack a half"
        raise BadFile(source, f"{reason}, such as {half[0]}" if half else reason, AGAIN)
    return MotionLora(Path(source), {words: _change(found) for words, found in parts.items()})


def with_lora(motion: Motion, lora: MotionLora, strength: float = 1.0) -> Motion:
    """A new Motion with the changes in it; what does not change is shared with the old one.

    Changes for the middle are left out where the motion module has none. Raises BadFile unless all
    others find their layer.
    """
    tensors = dict(motion.state_dict())
    layers = {_words(name.removesuffix(".weight")): name for name in tensors}
    changes = lora.changes
    if not motion.spec.has_mid:
        changes = {words: c for words, c in changes.items() if not words.startswith("mid_block")}
    strange = [
        words
        for words, change in changes.items()
        if words not in layers or not change.fits(tensors[layers[words]])
    ]
    if strange or not changes:
        raise BadFile(
            lora.source,
            f"this motion LoRA does not fit {motion.spec}: {len(strange)} of its {len(changes)} "
            f"changes find no layer{', such as ' + strange[0] if strange else ''}",
            "Take it with a motion module of the kind it was made for; the official ones are v2's.",
        )
    for words, change in changes.items():
        name = layers[words]
        tensors[name] = change.added_to(tensors[name], strength)
    return Motion.holding(motion.spec, tensors)


def _words(layer: str) -> str:
    """The words of a layer's name as the official files have them, without those some leave out.

    down_blocks.0.motion_modules.1.transformer_blocks.0.attn1.processor.to_out becomes
    down_blocks_0_motion_modules_1_transformer_blocks_0_attention_blocks_0_to_out_0.
    """
    words = layer.replace(".", "_").replace("temporal_attentions", "motion_modules")
    words = words.replace("_temporal_transformer", "").replace("_processor", "")
    for theirs, ours in (("_attn1_", "_attention_blocks_0_"), ("_attn2_", "_attention_blocks_1_")):
        words = words.replace(theirs, ours)
    return re.sub(r"_to_out$", "_to_out_0", words)


def _change(found: Mapping[str, Tensor]) -> Change:
    up, down = found["up"], found["down"]
    rank = down.shape[0]
    return Change(up, down, float(found["alpha"]) / rank if "alpha" in found else 1.0)
