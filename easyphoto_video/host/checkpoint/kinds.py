"""Whether a file is what it was given as, told by its keys and shapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.motion import kinds
from easyphoto_video.motion.kinds import Kind, kind_of

CHOOSE = {
    "checkpoint": "Choose a Stable Diffusion 1.x checkpoint, whole and in one file.",
    "VAE": "Choose a VAE for Stable Diffusion 1.x, or auto for the checkpoint's own.",
    "LoRA": "Choose a LoRA for Stable Diffusion 1.x.",
}
"""What to do when a file is of no use here, by what it was given as."""

PLACED = (
    kinds.MOTION,
    kinds.MOTION_LORA,
    kinds.ADAPTER,
    kinds.LORA,
    kinds.CHECKPOINT,
    kinds.VAE,
    kinds.EMBEDDING,
)
"""Kinds whose advice says where the file belongs, whatever it was given as."""

INPUT = "model.diffusion_model.input_blocks.0.0.weight"


def check_checkpoint(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raises BadFile with the right name of the file unless it is an SD1.x checkpoint."""
    _check(path, tensors, "checkpoint", kinds.CHECKPOINT)
    for name, fits in OTHER_FAMILIES.items():
        if fits(tensors):
            reason = f"this is {name} checkpoint, which cannot be used yet"
            raise BadFile(path, reason, CHOOSE["checkpoint"])


def check_vae(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raises BadFile with the right name of the file unless it is a VAE."""
    _check(path, tensors, "VAE", kinds.VAE)


def check_lora(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raises BadFile with the right name of the file unless it is a LoRA for pictures."""
    for name, mark in OTHER_ADAPTERS.items():
        if any(map(re.compile(mark).search, tensors)):
            reason = f"this is {name}, which cannot be used; only LoRA and LoCon can"
            raise BadFile(path, reason, CHOOSE["LoRA"])
    _check(path, tensors, "LoRA", kinds.LORA, kinds.ADAPTER)


def _check(path: Path, tensors: Mapping[str, Tensor], role: str, *good: Kind) -> None:
    kind = kind_of(tensors)
    if kind in good:
        return
    advice = kind.advice if kind in PLACED else CHOOSE[role]
    some = f" ({len(tensors)} tensors, such as {', '.join(list(tensors)[:3])})"
    found = f"{kind.name}{some}" if kind is kinds.UNKNOWN else kind.name
    raise BadFile(path, f"this is {found}, not a {role}", advice)


def _any_key(prefix: str) -> Callable[[Mapping[str, Tensor]], bool]:
    return lambda tensors: any(key.startswith(prefix) for key in tensors)


def _takes(channels: int) -> Callable[[Mapping[str, Tensor]], bool]:
    return lambda tensors: INPUT in tensors and tensors[INPUT].shape[1] == channels


OTHER_FAMILIES: dict[str, Callable[[Mapping[str, Tensor]], bool]] = {
    "an SDXL": _any_key("conditioner.embedders."),
    "an SD3": _any_key("model.diffusion_model.joint_blocks."),
    "a Flux": _any_key("model.diffusion_model.double_blocks."),
    "an SD2": _any_key("cond_stage_model.model."),
    "an inpainting": _takes(9),
    "an instruct-pix2pix": _takes(8),
    "a depth": _takes(5),
}
"""Checkpoints that people mistake for SD1.x."""

OTHER_ADAPTERS = {
    "a LoHa": r"\.hada_",
    "a LoKr": r"\.lokr_",
    "a DoRA": r"\bdora_scale\b",
    "an OFT": r"\.oft_",
    "an (IA)3": r"\.on_input$",
    "a file of whole differences": r"\.diff(_b)?$",
}
"""Files that lie among the LoRAs and are none, by what their keys have."""
