"""A First Order Motion Model from a file, known by its keys and shapes.

Reads the official `*.pth.tar`, of which only the two networks are taken, and safetensors with the
same names behind `generator.` and `kp_detector.`, at any width.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch

from easyphoto_video.errors import BadFile
from easyphoto_video.tensors import AGAIN, load_parts, read_metadata
from easyphoto_video.warp.blocks import kernel_side
from easyphoto_video.warp.fomm.config import (
    DenseConfig,
    DetectorConfig,
    FommConfig,
    GeneratorConfig,
)
from easyphoto_video.warp.fomm.generator import Fomm
from easyphoto_video.warp.shapes import (
    Misfit,
    Tensors,
    count,
    fill,
    hourglass,
    size,
    under,
    widths,
)

PARTS = ("kp_detector", "generator")
TAKE_ANOTHER = "Choose a First Order Motion Model such as vox-cpk.pth.tar."

ALIGN_CORNERS, ALIGNED_FLOW = "align_corners", "aligned_flow"
TEMPERATURE, VARIANCE, PADDING = "temperature", "kp_variance", "pad"
"""Notes of a safetensors file, for what shapes do not tell; those of the official config have its
names."""

_SHRINKS = {kernel_side(times): times for times in (2, 4, 8)}

T = TypeVar("T", bool, int, float)


def read_fomm(path: Path | str) -> Fomm:
    """Both networks in the file's dtype, on the CPU, in eval mode.

    Raises Missing when there is no file, and BadFile when it is damaged, would run code, or is no
    such model or not a whole one.
    """
    parts = load_parts(path, PARTS)
    missing = [name for name in PARTS if name not in parts]
    if missing:
        reason = f"this is no First Order Motion Model: it holds no {' and no '.join(missing)}"
        raise BadFile(path, reason, TAKE_ANOTHER)
    try:
        return fomm_from(parts, read_metadata(path))
    except Misfit as misfit:
        reason = f"this is no First Order Motion Model that can be used: {misfit}"
        raise BadFile(path, reason, AGAIN) from misfit


def fomm_from(parts: Mapping[str, Tensors], notes: Mapping[str, str]) -> Fomm:
    """The model that two state dicts hold; nothing is copied. Raises Misfit."""
    config = config_of(parts["kp_detector"], parts["generator"], notes)
    with torch.device("meta"):
        model = Fomm(config)
    fill(model, {f"{part}.{name}": t for part in PARTS for name, t in parts[part].items()})
    return model


def config_of(detector: Tensors, generator: Tensors, notes: Mapping[str, str]) -> FommConfig:
    """What the shapes tell, and the notes where there are any. Raises Misfit."""
    dense = under(generator, "dense_motion_network.")
    if not dense:
        raise Misfit("its generator has no dense motion network")
    points, channels = size(detector, "kp.weight"), size(generator, "final.weight")
    return FommConfig(
        detector=DetectorConfig(
            points=points,
            channels=channels,
            widths=hourglass(under(detector, "predictor.")),
            shrink=_shrink(detector),
            jacobians=_jacobians(detector, points),
            temperature=_note(notes, TEMPERATURE, DetectorConfig.temperature),
            padding=_note(notes, PADDING, DetectorConfig.padding),
        ),
        dense=DenseConfig(
            points=points,
            channels=channels,
            widths=hourglass(under(dense, "hourglass.")),
            shrink=_shrink(dense),
            occlusion="occlusion.weight" in dense,
            variance=_note(notes, VARIANCE, DenseConfig.variance),
        ),
        generator=GeneratorConfig(
            channels=channels,
            widths=(size(generator, "first.conv.weight"), *widths(generator, "down_blocks")),
            residuals=count(generator, r"bottleneck\.r(\d+)\."),
        ),
        align_corners=_note(notes, ALIGN_CORNERS, FommConfig.align_corners),
        aligned_flow=_note(notes, ALIGNED_FLOW, FommConfig.aligned_flow),
    )


def notes_of(config: FommConfig) -> dict[str, str]:
    """What a safetensors file must tell beside its tensors."""
    return {
        ALIGN_CORNERS: str(config.align_corners).lower(),
        ALIGNED_FLOW: str(config.aligned_flow).lower(),
        TEMPERATURE: str(config.detector.temperature),
        VARIANCE: str(config.dense.variance),
        PADDING: str(config.detector.padding),
    }


def _shrink(tensors: Tensors) -> int:
    if "down.weight" not in tensors:
        return 1
    side = tensors["down.weight"].shape[-1]
    if side not in _SHRINKS:
        raise Misfit(f"its pictures shrink by a kernel of {side} pixels, not of 5, 13 or 29")
    return _SHRINKS[side]


def _jacobians(detector: Tensors, points: int) -> int:
    if "jacobian.weight" not in detector:
        return 0
    maps, rest = divmod(len(detector["jacobian.weight"]), 4)
    if rest or maps not in (1, points):
        raise Misfit(f"it has {maps} maps of Jacobians for {points} points")
    return maps


def _note(notes: Mapping[str, str], name: str, usual: T) -> T:
    """A note of the kind that its default has."""
    text = notes.get(name)
    if text is None:
        return usual
    try:
        if isinstance(usual, bool):
            return {"true": True, "false": False}[text]
        return type(usual)(text)
    except (ValueError, LookupError) as error:
        raise Misfit(f"its note {name} is {text!r}") from error
