"""What golden folders of warp networks have in common: tensors, tolerances, full-size weights."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.tensors import load_state_dict

AGAIN = "Make the folder again."
RECIPE = "full_recipe.py"
USUAL = 1e-5
"""The tolerance of what the folder says nothing about."""
ONE_LEVEL = 1.0
"""What a picture of levels may differ by, where a value lies on a step's edge."""
TOLERANCES = "float32_max_error_relative_to_max"
ROUNDING = 4.0
"""How many times the tolerance float32 may have here: another machine rounds in another order, and
a softmax over maps of noise makes much of it. In float64 the tolerance itself holds."""


@dataclass(frozen=True, eq=False)
class Folder:
    """One golden folder; tensors as they are stored."""

    path: Path
    meta: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    @classmethod
    def read(cls, path: Path) -> Folder:
        """Raises Missing and BadFile."""
        return cls(path, read_meta(path), load_state_dict(path / "tensors.safetensors"))

    def pictures(self, name: str) -> Tensor:
        """(H, W, 3) or (N, H, W, 3) uint8 -> (N, 3, H, W) float64; float32's rounding stays."""
        stored = self.tensor(name)
        rows = stored if stored.ndim == 4 else stored[None]
        return (rows.permute(0, 3, 1, 2).float() / 255).double()

    def tensor(self, name: str) -> Tensor:
        """Raises BadFile when there is none of that name."""
        if name not in self.tensors:
            raise BadFile(self.path, f"tensors.safetensors has no {name}", AGAIN)
        return self.tensors[name]

    def tolerance(self, name: str) -> float:
        """Of the largest error relative to the largest value: its own, or that of its like.

        What was stored from float32 itself has had a run's rounding before ours.
        """
        known: Mapping[str, float] = self.meta.get(TOLERANCES, {})
        alike = max((v for k, v in known.items() if _what(k) == _what(name)), default=USUAL)
        slack = ROUNDING if any(fnmatch(name, kind) for kind in self._rounded) else 1.0
        return slack * float(known.get(name, alike))

    @property
    def _rounded(self) -> list[str]:
        names: Mapping[str, str] = self.meta.get("names", {})
        return [kind for kind, told in names.items() if told == "computed in float32"]

    def recipe(self) -> ModuleType:
        """What fills full-size networks from their keys' names: beside the folder, or in it."""
        for place in (self.path, self.path.parent):
            spec = importlib.util.spec_from_file_location("full_recipe", place / RECIPE)
            if (place / RECIPE).exists() and spec and spec.loader:
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                return module
        raise Missing(RECIPE, f"Put it into {self.path.parent}.")


def _what(name: str) -> str:
    """What a tensor is of, whichever of its pixels are stored: `image` of `G.3.image_crop64`."""
    last = name.rsplit(".", 1)[-1]
    return name if " " in last else last.split("_")[0]


def read_meta(path: Path) -> Mapping[str, Any]:
    """meta.json of a folder. Raises Missing and BadFile."""
    file = path / "meta.json"
    if not file.exists():
        raise Missing(str(file), "Give a folder of golden tensors.")
    try:
        meta = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadFile(file, f"this cannot be used ({error})", AGAIN) from error
    if not isinstance(meta, dict):
        raise BadFile(file, "this is no JSON object", AGAIN)
    return meta


def largest_error(found: Tensor, expected: Tensor) -> float:
    """The largest difference over the largest value; infinite for another shape."""
    if found.shape != expected.shape:
        return float("inf")
    difference = (found.double() - expected.double()).abs().max()
    return float(difference / expected.double().abs().max())


def largest_step(found: Tensor, expected: Tensor) -> float:
    """The largest difference of two pictures in levels of 255; infinite for another shape."""
    if found.shape != expected.shape:
        return float("inf")
    return float((found.int() - expected.int()).abs().max())


def filled(
    recipe: ModuleType, shapes: Mapping[str, list[int]], prefix: str, seed: int
) -> dict[str, Tensor]:
    """A full-size network's tensors: by the keys' names, behind `prefix`."""
    return {
        key: torch.from_numpy(np.array(recipe.tensor_of(prefix + key, tuple(shape), seed)))
        for key, shape in shapes.items()
    }
