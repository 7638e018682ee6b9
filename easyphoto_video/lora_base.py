"""Which base model a LoRA was trained on, told by the shapes of its tensors and its notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easyphoto_video.errors import BadFile
from easyphoto_video.files import NOBODY, trouble_with
from easyphoto_video.headers import read_header

FAMILIES = {
    64: "the embedded model",
    768: "Stable Diffusion 1.x",
    1024: "Stable Diffusion 2.x",
    2048: "SDXL",
}
"""Base models by the width of the text that their UNet listens to."""
CROSS = re.compile(r"attn2[._](?:processor[._])?to_[kv].*(?:down|lora_A)(?:\.\w+)?\.weight")
TEXT = re.compile(r"(?:lora_te_|text_encoder).*(?:q_proj|query).*(?:down|lora_A)(?:\.\w+)?\.weight")
TWO_TEXTS = ("lora_te1_", "lora_te2_")
"""Kohya's prefixes where there are two text encoders."""

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class LoraBase:
    """What a LoRA belongs to."""

    width: int | None
    """Of the text that the base model's UNet listens to; None when nothing tells."""
    trained_on: str = ""
    """The checkpoint's name in the LoRA's notes; empty when they do not say."""

    @property
    def name(self) -> str:
        """For people: `SDXL`."""
        return family(self.width)

    def suits(self, width: int) -> bool:
        """Whether a checkpoint with this width of text is of that family, as far as one can see."""
        return self.width in (None, width)


def family(width: int | None) -> str:
    """The base models with a UNet that listens to text of this width, for people."""
    if width is None:
        return "an unknown base model"
    return FAMILIES.get(width, f"a base model with text {width} wide")


def lora_base(path: Path) -> LoraBase:
    """What the LoRA in a file belongs to. Raises Missing, and BadFile when it is none."""
    header = None if trouble_with(path) == NOBODY else read_header(path)
    shapes, notes = (header.shapes, header.notes) if header and header.shapes else _loaded(path)
    if not any("lora" in key for key in shapes):
        some = ", ".join(list(shapes)[:3])
        raise BadFile(path, f"this is no LoRA (it holds {some})", "Give the LoRA of a person.")
    return LoraBase(_width(shapes, notes), str(notes.get("ss_sd_model_name", "")))


def _width(shapes: Shapes, notes: Mapping[str, Any]) -> int | None:
    crossed = _inputs(shapes, CROSS)
    if crossed:
        return crossed
    if any(key.startswith(TWO_TEXTS) for key in shapes):
        return 2048
    return _inputs(shapes, TEXT) or _noted(notes)


def _inputs(shapes: Shapes, keys: re.Pattern[str]) -> int | None:
    """The inputs of the first layer whose key is meant."""
    found: Iterable[int] = (
        shape[1] for key, shape in shapes.items() if len(shape) > 1 and keys.search(key)
    )
    return next(iter(found), None)


def _noted(notes: Mapping[str, Any]) -> int | None:
    """By the notes that kohya's training writes."""
    base = str(notes.get("ss_base_model_version", ""))
    marks = {"sdxl": 2048, "sd_v2": 1024, "sd_v1": 768}
    return next((width for mark, width in marks.items() if base.startswith(mark)), None)


def _loaded(path: Path) -> tuple[Shapes, Mapping[str, Any]]:
    from easyphoto_video.tensors import load_state_dict  # torch takes its time

    return {key: tuple(tensor.shape) for key, tensor in load_state_dict(path).items()}, {}
