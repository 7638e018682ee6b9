"""The golden folder of LivePortrait: its networks, computed anew from the stored key points."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.warp.liveportrait.motion import Motion, rotation
from easyphoto_video.warp.liveportrait.painting import SpadeGenerator
from easyphoto_video.warp.liveportrait.read import (
    FILES,
    LivePortrait,
    network_from,
    read_liveportrait,
)
from easyphoto_video.warp.liveportrait.warping import Warped
from tools.golden_warp import AGAIN, Folder, filled

DRIVEN, SOURCE = "x_d.i2v.rel.all.stitch.exprfriendly.m1.0", "x_s.i2v"
"""The key points that the stored frames of W and G were made with."""
SHOWN, FRAMES = 3, (3, 5)
GROUPS = ("M", "F", "W", "G", "S", "rotation", "full")
"""What is computed here; names begin with these."""
INPUTS = {"S.eye_ratio_in", "S.lip_ratio_in", "rotation.degrees_pitch_yaw_roll"}


def computed(folder: Folder, dtype: torch.dtype) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, ours and the stored one, of each tensor of the networks. Raises BadFile and Missing."""
    small = Portrait(folder, dtype)
    for name in _wanted(folder):
        group, _, rest = name.partition(".")
        if group == "full":
            continue
        yield name, GROUP[group](small, rest), folder.tensors[name]
    # Their 3-D convolutions in float64 are too large for a test, and the stored ones are float32.
    if dtype == torch.float32 and any(name.startswith("full.") for name in folder.tensors):
        yield from _full(folder)


def left_out(folder: Folder) -> list[str]:
    """Stored results that nothing here computes: of crops, driving, smoothing and the editor."""
    inputs = ("source_", "driving_", "template.", "lip_array", "mask_template_u8", "ratio.pts")
    return [
        name
        for name in folder.tensors
        if name.partition(".")[0] not in GROUPS and not name.startswith(inputs)
    ]


def _wanted(folder: Folder) -> list[str]:
    names = [name for name in folder.tensors if name.partition(".")[0] in GROUPS]
    return [name for name in names if name not in INPUTS]


@dataclass(eq=False)
class Portrait:
    """The small networks of the folder, and what they made already."""

    folder: Folder
    dtype: torch.dtype

    @cached_property
    def nets(self) -> LivePortrait:
        files = [self.folder.path / f"{name}.safetensors" for name in FILES.values()]
        return read_liveportrait(files, self.dtype)

    @cached_property
    def pictures(self) -> Tensor:
        """Source, then the driving frames, (7, 3, 256, 256)."""
        names = ("source_crop_256_u8", "driving_u8")
        return torch.cat([self.folder.pictures(name) for name in names]).to(self.dtype)

    @cached_property
    def raw(self) -> Mapping[str, Tensor]:
        return self.nets.motion.raw(self.pictures)

    @cached_property
    def motion(self) -> Motion:
        return self.nets.motion(self.pictures)

    @cached_property
    def volume(self) -> Tensor:
        return self.nets.appearance(self.pictures[:1])

    @cached_property
    def warped(self) -> dict[int, Warped]:
        driving, source = (self.folder.tensor(name).to(self.dtype) for name in (DRIVEN, SOURCE))
        return {
            i: self.nets.warping(self.volume, driving[i : i + 1], source[i : i + 1]) for i in FRAMES
        }

    @cached_property
    def images(self) -> dict[int, Tensor]:
        return {i: self.nets.painting(warped.features) for i, warped in self.warped.items()}


def _m(small: Portrait, rest: str) -> Tensor:
    kind, _, name = rest.partition(".")
    if kind == "raw":
        return small.raw[name]
    if kind == "degrees":
        return getattr(small.motion, name)
    return small.motion.rotation if rest == "R" else small.motion.points


def _f(small: Portrait, _: str) -> Tensor:
    return small.volume[0, ..., ::2, ::2]


def _w(small: Portrait, rest: str) -> Tensor:
    shown = small.warped[SHOWN]
    if rest == "flow_s":
        return torch.cat([small.warped[i].flow[:, ::2, ::4, ::4] for i in FRAMES])
    if rest == "occlusion_map_s2":
        return torch.cat([_occlusion(small.warped[i])[..., ::2, ::2] for i in FRAMES])
    kinds = {
        "3.flow": lambda: shown.flow[0],
        "3.mask_s4": lambda: shown.mask[0, ..., ::4, ::4],
        "3.occlusion_map": lambda: _occlusion(shown)[0],
        "3.out_s2": lambda: shown.features[0, :, ::2, ::2],
    }
    return _chosen(kinds, small.folder, f"W.{rest}")


def _occlusion(warped: Warped) -> Tensor:
    assert warped.occlusion is not None
    return warped.occlusion


def _g(small: Portrait, rest: str) -> Tensor:
    if rest == "image_s8":
        return torch.cat([small.images[i][..., ::8, ::8] for i in FRAMES])
    image = small.images[SHOWN][0]
    kinds = {
        "3.image_crop64": lambda: image[:, 224:288, 224:288],
        "3.image_u8": lambda: (image.clamp(0, 1) * 255).to(torch.uint8).permute(1, 2, 0),
    }
    return _chosen(kinds, small.folder, f"G.{rest}")


def _s(small: Portrait, rest: str) -> Tensor:
    points = small.folder.tensor("M.x").to(small.dtype)
    source, driving, nets = points[:1], points[1:], small.nets.retargeting
    eyes, lips = (
        small.folder.tensor(f"S.{part}_ratio_in").to(small.dtype) for part in ("eye", "lip")
    )
    kinds = {
        "stitch_delta": lambda: nets.stitch_delta(source.expand_as(driving), driving),
        "stitched": lambda: nets.stitched(source.expand_as(driving), driving),
        "eye_delta": lambda: nets.eye_delta(source.expand(len(eyes), -1, -1), eyes),
        "lip_delta": lambda: nets.lip_delta(source.expand(len(lips), -1, -1), lips),
    }
    return _chosen(kinds, small.folder, f"S.{rest}")


def _rotation(small: Portrait, _: str) -> Tensor:
    angles = small.folder.tensor("rotation.degrees_pitch_yaw_roll").to(small.dtype)
    return rotation(*angles.split(1, dim=1))


GROUP: dict[str, Callable[[Portrait, str], Tensor]] = {
    "M": _m, "F": _f, "W": _w, "G": _g, "S": _s, "rotation": _rotation,
}  # fmt: skip


def _chosen(kinds: Mapping[str, Callable[[], Tensor]], folder: Folder, name: str) -> Tensor:
    rest = name.partition(".")[2]
    if rest not in kinds:
        raise BadFile(folder.path, f"there is no telling what {name} is", "Leave it out.")
    return kinds[rest]()


def _full(folder: Folder) -> Iterator[tuple[str, Tensor, Tensor]]:
    """The full-size networks, filled by the recipe, one in memory at a time."""
    pictures = torch.cat(
        [folder.pictures("source_crop_256_u8"), folder.pictures("driving_u8")[[2, 4]]]
    ).float()
    motion: Motion = _full_network(folder, "motion")(pictures)
    found = {f"M.{name}": getattr(motion, name) for name in vars(motion)}
    found["M.x"] = motion.points
    volume = _full_network(folder, "appearance")(pictures[:1])
    found["F.volume_s"] = volume[0, ::2, ::4, ::4, ::4]
    points = folder.tensor("full.M.x").float()
    warped: Warped = _full_network(folder, "warping")(volume, points[2:], points[:1])
    found["W.flow_s"] = warped.flow[0, ::2, ::4, ::4]
    found["W.mask_s8"] = warped.mask[0, :, ::4, ::8, ::8]
    found["W.occlusion_map_s2"] = _occlusion(warped)[0, :, ::2, ::2]
    found["W.out_s"] = warped.features[0, ::4, ::4, ::4]
    image = _full_network(folder, "painting")(warped.features)[0]
    found["G.image_s8"], found["G.image_crop"] = image[:, ::8, ::8], image[:, 240:272, 240:272]
    for name in _wanted(folder):
        if name.startswith("full."):
            if name.removeprefix("full.") not in found:
                raise BadFile(folder.path, f"there is no telling what {name} is", AGAIN)
            yield name, found[name.removeprefix("full.")], folder.tensors[name]


def _full_network(folder: Folder, name: str) -> torch.nn.Module:
    file, recipe, full = FILES[name], folder.recipe(), folder.meta["full"]
    shapes: Mapping[str, Any] = json.loads((folder.path / "full_shapes.json").read_text("utf-8"))
    tensors = filled(recipe, shapes[file], f"{file}.", full["seed"])
    if name == "painting":
        arrays = recipe.spectral({key: t.numpy() for key, t in tensors.items()})
        tensors = {key: torch.from_numpy(np.array(x)) for key, x in arrays.items()}
    for key, gain in full["gains"].items():
        if key.startswith(f"{file}."):
            short = key.removeprefix(f"{file}.")
            tensors[short] = tensors[short] * float(np.float32(gain))
    for key, tensor in load_file(folder.path / "full_calibration.safetensors").items():
        if key.startswith(f"{file}."):
            tensors[key.removeprefix(f"{file}.")] = tensor
    network = network_from(name, tensors, torch.float32)
    assert name != "painting" or isinstance(network, SpadeGenerator)
    return network
