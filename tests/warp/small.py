"""A First Order Motion Model that is small and moves, and files of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from easyphoto_video.warp.fomm.config import (
    DenseConfig,
    DetectorConfig,
    FommConfig,
    GeneratorConfig,
)
from easyphoto_video.warp.fomm.generator import Fomm
from easyphoto_video.warp.fomm.read import PARTS, notes_of

POINTS, SIDE = 4, 32
CONFIG = FommConfig(
    detector=DetectorConfig(points=POINTS, jacobians=POINTS, widths=(4, 6, 8), padding=3, shrink=2),
    dense=DenseConfig(points=POINTS, widths=(4, 6, 8), shrink=2),
    generator=GeneratorConfig(widths=(4, 8), residuals=2),
)


def model(config: FommConfig = CONFIG, seed: int = 3) -> Fomm:
    """Random weights, of which Jacobians are near the identity, in eval mode."""
    torch.manual_seed(seed)
    made = Fomm(config).eval()
    if config.detector.jacobians:
        torch.nn.init.normal_(made.kp_detector.jacobian.weight, std=0.02)
    return made.requires_grad_(False)


def pictures(count: int, seed: int = 5) -> Tensor:
    """(count, 3, SIDE, SIDE) in 0..1, smooth enough to be told apart when moved."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=generator)
    return torch.nn.functional.interpolate(coarse, SIDE, mode="bicubic").clamp(0, 1)


def parts(made: Fomm) -> dict[str, dict[str, Tensor]]:
    """As an official file keeps them."""
    return {name: dict(getattr(made, name).state_dict()) for name in PARTS}


def official_file(path: Path, made: Fomm, **others: object) -> Path:
    """The old stream of torch, with what else training leaves in it."""
    torch.save({**parts(made), **others}, path, _use_new_zipfile_serialization=False)
    return path


def safetensors_file(path: Path, made: Fomm) -> Path:
    """With the notes that shapes do not tell."""
    save_file(dict(made.state_dict()), path, notes_of(made.config))
    return path


def with_corners(**choices: bool) -> FommConfig:
    """The small model's config with other choices of sampling."""
    return replace(CONFIG, **choices)
