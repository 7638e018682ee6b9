"""The golden folder of the First Order Motion Model, computed anew."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.tensors import load_parts
from easyphoto_video.warp.fomm.config import FommConfig
from easyphoto_video.warp.fomm.dense import Flow
from easyphoto_video.warp.fomm.generator import Fomm
from easyphoto_video.warp.fomm.points import KeyPoints
from easyphoto_video.warp.fomm.read import PARTS, config_of, fomm_from
from easyphoto_video.warp.fomm.relative import Transfer, best_frame, normalised, transferred
from easyphoto_video.warp.fomm.squash import squashed
from tools.golden_warp import AGAIN, Folder, filled

INPUTS = {"source_u8", "driving_u8", "resize.in_u8", "best.frames_68", "best.source_68"}
INPUTS |= {"best.tie_68"}
HOW = {
    "abs": Transfer(relative=False, relative_jacobian=False, adapt_scale=False),
    "relvalue": Transfer(relative_jacobian=False, adapt_scale=False),
    "rel": Transfer(adapt_scale=False),
    "abs_adapt": Transfer(relative=False, relative_jacobian=False),
    "relvalue_adapt": Transfer(relative_jacobian=False),
    "rel_adapt": Transfer(),
}
SOME = (1, 3, 5)
"""The driving frames of `abs`, `rel` and `rel_adapt_best3`."""
TINY, FULL = "tiny-cpk.pth.tar", "full_shapes.json"

Parts = Mapping[str, Mapping[str, Tensor]]


def computed(folder: Folder, dtype: torch.dtype) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, ours and the stored one, of each tensor; full-size ones in float64 alone.

    Raises BadFile and Missing.
    """
    wanted = {name: t for name, t in folder.tensors.items() if name not in INPUTS}
    small = Small(folder, load_parts(folder.path / "checkpoint.safetensors", PARTS), dtype)
    tiny = Small(folder, load_parts(folder.path / TINY, PARTS), dtype)
    large = dtype == torch.float64 and any(name.startswith("full.") for name in wanted)
    full = Small(folder, _full_parts(folder), dtype) if large else None
    for name, expected in wanted.items():
        if not name.startswith("full."):
            yield name, _one(folder, small, tiny, name), expected
        elif full is not None:
            yield name, _of_full(full, folder.meta, name.removeprefix("full.")), expected


@dataclass(eq=False)
class Small:
    """A model, what it makes of the folder's source and driver, and what it has made already."""

    folder: Folder
    parts: Parts
    dtype: torch.dtype

    def __post_init__(self) -> None:
        self._made: dict[tuple[object, ...], tuple[Fomm, Flow, Tensor]] = {}

    def model(self, align_corners: bool) -> Fomm:
        """With every sampling as it is asked for."""
        base: FommConfig = config_of(self.parts["kp_detector"], self.parts["generator"], {})
        notes = {"align_corners": str(align_corners).lower()}
        model = fomm_from(self.parts, notes).to(self.dtype)
        assert model.config == replace(base, align_corners=align_corners)
        return model

    @cached_property
    def source(self) -> Tensor:
        return self.folder.pictures("source_u8").to(self.dtype)

    @cached_property
    def driving(self) -> KeyPoints:
        frames = self.folder.pictures("driving_u8").to(self.dtype)
        return joined([self.model(True).kp_detector(frame[None]) for frame in frames])

    @cached_property
    def at_source(self) -> KeyPoints:
        return self.model(True).kp_detector(self.source)

    def normalised(self, how: str, first: int = 0) -> KeyPoints:
        """The driver's points for the source."""
        start = self.driving[first : first + 1]
        return transferred(self.driving, start, self.at_source, HOW[how])

    def made(self, corners: bool, how: str, frame: int, first: int = 0) -> dict[str, Tensor]:
        """All that the generator gives for one driving frame, (1, ...)."""
        key = (corners, how, frame, first)
        if key not in self._made:
            generator = self.model(corners).generator
            source = generator.encode(self.source)
            points = self.normalised(how, first)[frame : frame + 1]
            flow = generator.flow(source, points, self.at_source)
            self._made[key] = self.model(corners), flow, generator.paint(source, flow)
        model, flow, prediction = self._made[key]
        assert flow.occlusion is not None
        return {
            "prediction": prediction,
            "deformed": model.generator.moved(self.source, flow),
            "flow": flow.deformation,
            "mask": flow.mask,
            "occlusion_map": flow.occlusion,
            "sparse_deformed": flow.candidates,
        }


def joined(points: list[KeyPoints]) -> KeyPoints:
    """Several pictures' points in one."""
    jacobians = [one.jacobian for one in points if one.jacobian is not None]
    return KeyPoints(torch.cat([one.value for one in points]), torch.cat(jacobians))


def _one(folder: Folder, small: Small, tiny: Small, name: str) -> Tensor:
    group, _, rest = name.partition(".")
    if group in ("ac0", "ac1"):
        return _of_generator(small, group == "ac1", rest)
    if group == "tiny":
        return _of_tiny(tiny, rest)
    if group == "resize":
        return _of_resize(folder, rest)
    if group == "best":
        return _of_best(folder, rest)
    if name in ("kp_source.down", "kp_source.heatmap"):
        detector = small.model(True).kp_detector
        if rest == "down":
            return detector.down(small.source)[0]
        return detector.maps(small.source)[0][0]
    points = {"kp_source": small.at_source, "kp_driving": small.driving}.get(group)
    if points is None and group.removeprefix("norm_") in HOW:
        points = small.normalised(group.removeprefix("norm_"))
    if points is None or rest not in ("value", "jacobian"):
        raise _unknown(folder, name)
    return getattr(points, rest)


def _of_generator(small: Small, corners: bool, rest: str) -> Tensor:
    """`how.what_sN`, of some frames and every Nth pixel, or `how.frame.what` of one, whole."""
    one = re.fullmatch(r"(\w+)\.(\d+)\.(\w+)", rest)
    if one:
        return small.made(corners, one[1], int(one[2]))[one[3]][0]
    several = re.fullmatch(r"(\w+?)(?:_best(\d+))?\.(\w+)_s(\d+)", rest)
    if several is None:
        raise _unknown(small.folder, rest)
    how, best, what, step = several[1], several[2], several[3], int(several[4])
    frames = range(len(small.driving)) if how == "rel_adapt" and not best else SOME
    made = [small.made(corners, how, frame, int(best or 0))[what] for frame in frames]
    return torch.cat(made)[..., ::step, ::step]


def _of_tiny(tiny: Small, rest: str) -> Tensor:
    if rest.startswith("abs."):
        return tiny.made(False, "abs", 2)["prediction"][..., ::4, ::4]
    group, what = rest.split(".")
    points = tiny.at_source if group == "kp_source" else tiny.driving[2:3]
    return getattr(points, what)


def _of_resize(folder: Folder, rest: str) -> Tensor:
    frame = folder.tensor("resize.in_u8").numpy()
    side = 128 if rest == "up_128" else 64
    made = squashed(frame, side, side, anti_aliasing=rest != "out_64_no_aa")
    return torch.from_numpy(made[::4, ::4] if rest == "up_128" else made)


def _of_best(folder: Folder, rest: str) -> Tensor:
    source, frames, tie = (
        folder.tensor(f"best.{name}").numpy() for name in ("source_68", "frames_68", "tie_68")
    )
    chosen = best_frame(source, list(frames)), best_frame(source, list(tie))
    if chosen != (folder.meta["best_frame"]["chosen"], folder.meta["best_frame"]["chosen_tie"]):
        raise BadFile(folder.path, f"the best frames are {chosen}, not as meta.json says", AGAIN)
    near = normalised(source)
    if rest == "source_normalized":
        return torch.from_numpy(near)
    return torch.tensor(
        [np.square(normalised(frame) - near).sum() for frame in frames], dtype=torch.float64
    )


def _full_parts(folder: Folder) -> Parts:
    """The full-size model, filled by the recipe."""
    shapes = json.loads((folder.path / FULL).read_text("utf-8"))
    full, recipe = folder.meta["full"], folder.recipe()
    parts = {part: filled(recipe, shapes[part], f"{part}.", full["seed"]) for part in PARTS}
    bias = parts["kp_detector"]["jacobian.bias"]
    upright = torch.eye(2).flatten().repeat(len(bias) // 4)
    parts["kp_detector"]["jacobian.bias"] = upright + 0.5 * bias
    for key, gain in full["gains"].items():
        part, _, name = key.partition(".")
        parts[part][name] = parts[part][name] * float(np.float32(gain))
    for key, tensor in load_file(folder.path / "full_calibration.safetensors").items():
        part, _, name = key.partition(".")
        parts[part][name] = tensor
    return parts


def _of_full(full: Small, meta: Mapping[str, Any], rest: str) -> Tensor:
    rows: list[int] = meta["full"]["frames_of_set"]
    if rest.startswith("kp_"):
        group, what = rest.split(".")
        if group == "kp_source":
            return getattr(full.at_source, what)
        return getattr(full.driving, what)[rows]
    corners, how, _, what = rest.split(".")
    what, _, step = what.partition("_s")
    made = full.made(corners == "ac1", how, rows[-1], rows[0])[what][0]
    return made[..., :: int(step), :: int(step)] if step else made


def _unknown(folder: Folder, name: str) -> BadFile:
    return BadFile(folder.path, f"there is no telling what {name} is", "Leave it out.")
