"""LivePortrait's five files, known by keys and shapes, in the official form or ComfyUI's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.tensors import AGAIN, load_parts, load_state_dict
from easyphoto_video.warp.liveportrait.appearance import AppearanceConfig, AppearanceExtractor
from easyphoto_video.warp.liveportrait.motion import MotionConfig, MotionExtractor
from easyphoto_video.warp.liveportrait.painting import (
    PaintingConfig,
    SpadeGenerator,
    without_spectral_norm,
)
from easyphoto_video.warp.liveportrait.retargeting import Mlp, Retargeting, mlp_widths
from easyphoto_video.warp.liveportrait.warping import WarpingConfig, WarpingNetwork
from easyphoto_video.warp.shapes import Misfit, Tensors, fill, under

TAKE_ANOTHER = "Choose one of LivePortrait's five files for human faces."
FILES = {
    "appearance": "appearance_feature_extractor",
    "motion": "motion_extractor",
    "warping": "warping_module",
    "painting": "spade_generator",
    "retargeting": "stitching_retargeting_module",
}
"""What the official files are called, for messages alone."""

_SMALL = {
    "stitching": "retarget_shoulder",
    "eyes": "retarget_eye",
    "lips": "retarget_mouth",
}
_SUFFIX = "_module"
"""Behind these names in the flat files of ComfyUI."""

_SIGNS: dict[str, str] = {
    "appearance": "resblocks_3d.3dr0.conv1.weight",
    "motion": "detector.fc_kp.weight",
    "warping": "dense_motion_network.compress.weight",
    "painting": "G_middle_0.norm_0.mlp_shared.0.weight",
}
Build = Callable[[Tensors], nn.Module]
_BUILT: dict[str, Build] = {
    "appearance": lambda tensors: AppearanceExtractor(AppearanceConfig.of(tensors)),
    "motion": lambda tensors: MotionExtractor(MotionConfig.of(tensors)),
    "warping": lambda tensors: WarpingNetwork(WarpingConfig.of(tensors)),
    "painting": lambda tensors: SpadeGenerator(PaintingConfig.of(tensors)),
}


@dataclass(frozen=True, eq=False)
class LivePortrait:
    """All networks, in eval mode."""

    appearance: AppearanceExtractor
    motion: MotionExtractor
    warping: WarpingNetwork
    painting: SpadeGenerator
    retargeting: Retargeting


def read_liveportrait(
    paths: Iterable[Path | str], dtype: torch.dtype = torch.float32
) -> LivePortrait:
    """Networks from five files in any order, on the CPU.

    Raises Missing with the names of those that are not among them, and BadFile for one that is
    damaged, would run code, is not whole, or is something else.
    """
    parts: dict[str, nn.Module | Retargeting] = {}
    for path in paths:
        name, part = read_part(path, dtype)
        parts[name] = part
    missing = [FILES[name] for name in FILES if name not in parts]
    if missing:
        raise Missing(f"of LivePortrait, {', '.join(missing)}", "Give all of its five files.")
    return LivePortrait(**parts)  # type: ignore[arg-type]


def read_part(path: Path | str, dtype: torch.dtype) -> tuple[str, nn.Module | Retargeting]:
    """One file: which part it is, and the part. Raises Missing and BadFile."""
    small = _small_parts(path)
    try:
        if small:
            return "retargeting", retargeting_from(small, dtype)
        tensors = load_state_dict(path)
        name = kind_of(tensors)
        if name is None:
            raise BadFile(path, "this is no part of LivePortrait", TAKE_ANOTHER)
        return name, network_from(name, tensors, dtype)
    except Misfit as misfit:
        reason = f"this is no part of LivePortrait that can be used: {misfit}"
        raise BadFile(path, reason, AGAIN) from misfit


def kind_of(tensors: Tensors) -> str | None:
    """Which of the four large networks it is; None for something else."""
    return next((name for name, sign in _SIGNS.items() if sign in tensors), None)


def network_from(name: str, tensors: Tensors, dtype: torch.dtype) -> nn.Module:
    """One of the four large networks. Raises Misfit."""
    if name == "painting":
        # In the wanted precision, so that nothing is rounded twice.
        tensors = without_spectral_norm({key: _to(t, dtype) for key, t in tensors.items()})
    return _filled(_BUILT[name], tensors, dtype)


def retargeting_from(parts: Mapping[str, Tensors], dtype: torch.dtype) -> Retargeting:
    """The three small networks. Raises Misfit."""
    missing = [name for name in _SMALL if name not in parts]
    if missing:
        raise Misfit(f"it has no {' and no '.join(_SMALL[name] for name in missing)}")
    built = {
        name: _filled(lambda tensors: Mlp(mlp_widths(tensors)), parts[name], dtype)
        for name in _SMALL
    }
    return Retargeting(**built)  # type: ignore[arg-type]


def _small_parts(path: Path | str) -> dict[str, dict[str, Tensor]]:
    """The small networks of a file by our names, official (nested) or flat; empty for another."""
    flat = [name + _SUFFIX for name in _SMALL.values()]
    found = load_parts(path, [*_SMALL.values(), *flat])
    return {
        name: under(tensors, "module.") or tensors
        for name, theirs in _SMALL.items()
        if (tensors := found.get(theirs, found.get(theirs + _SUFFIX)))
    }


def _filled(
    build: Callable[[Tensors], nn.Module], tensors: Tensors, dtype: torch.dtype
) -> nn.Module:
    with torch.device("meta"):
        model = build(tensors)
    fill(model, {key: _to(t, dtype) for key, t in tensors.items()})
    return model


def _to(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(dtype) if tensor.is_floating_point() else tensor
