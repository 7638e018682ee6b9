"""A motion module from a file, known by its keys and shapes and never by its name.

Reads v1, v2, v3, AnimateLCM, SDXL beta, HotShot-XL (its own names and the converted ones) and the
layout of diffusers' MotionAdapter, at any width. What else people give is refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.files import NOBODY, check_file, is_folder, parsed, trouble_with
from easyphoto_video.motion.kinds import MOTION, TAKE_ANOTHER, UNKNOWN, kind_of
from easyphoto_video.motion.module import Motion, sinusoids
from easyphoto_video.motion.names import TABLE, official
from easyphoto_video.motion.spec import MotionSpec, variant
from easyphoto_video.tensors import AGAIN, load_state_dict, read_metadata

HEADS, GROUPS = "motion_num_attention_heads", "motion_norm_num_groups"
"""What shapes do not tell, by diffusers' names: notes of a safetensors file, or in config.json."""

# A table that was stored in half precision differs from the exact one by rounding alone.
ROUNDING = 2.0**-8


def read_motion(path: Path | str) -> Motion:
    """Reads a motion file, or the folder of a diffusers MotionAdapter; in its dtype, on the CPU.

    Raises BadFile with the name of what it is when it is no motion module or not a whole one, and
    Missing when there is nothing.
    """
    path = Path(path)
    if not is_folder(path):
        return motion_from(load_state_dict(path), path, read_metadata(path))
    files = sorted(path.glob("*.safetensors"), key=lambda file: (len(file.name), file.name))
    if not files:
        raise BadFile(path, "this folder holds no .safetensors file", TAKE_ANOTHER)
    return motion_from(load_state_dict(files[0]), files[0], _config(path / "config.json"))


def motion_from(
    state_dict: Mapping[str, Tensor], source: Path | str, notes: Mapping[str, Any] | None = None
) -> Motion:
    """The Motion that a state dict holds; `source` names it in errors.

    `notes` may give the heads and the groups of the norms (HEADS, GROUPS) where they are not 8 and
    32. Nothing is copied. Raises BadFile.
    """
    kind = kind_of(state_dict)
    if kind is UNKNOWN:
        some = ", ".join(list(state_dict)[:3])
        reason = f"this is {kind.name} ({len(state_dict)} tensors, such as {some})"
        raise BadFile(source, reason, kind.advice)
    if kind is not MOTION:
        raise BadFile(source, f"this is {kind.name}, not a motion module", kind.advice)
    tensors = {name: t for key, t in state_dict.items() for name in official(key)}
    try:
        motion = _motion(tensors, notes or {})
    except Misfit as misfit:
        raise BadFile(source, str(misfit), AGAIN) from misfit
    return motion


class Misfit(ValueError):
    """The tensors are those of a motion module, but not of one that can be built."""


def _motion(tensors: Mapping[str, Tensor], notes: Mapping[str, Any]) -> Motion:
    spec = _spec(tensors, notes)
    motion = Motion.hollow(spec)
    wanted = motion.state_dict()
    tensors = {**tensors, **_tables(wanted, tensors)}
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise Misfit(
            f"this motion module is not whole: {len(missing)} of {len(wanted)} tensors are "
            f"missing, such as {missing[0]}"
        )
    odd = [
        name for name, t in tensors.items() if name not in wanted or t.shape != wanted[name].shape
    ]
    if odd:
        raise Misfit(
            f"this is built like {spec}, but {len(odd)} of its {len(tensors)} tensors do not "
            f"belong there, such as {odd[0]} {tuple(tensors[odd[0]].shape)}"
        )
    motion.load_state_dict(tensors, assign=True)
    return motion


def _spec(tensors: Mapping[str, Tensor], notes: Mapping[str, Any]) -> MotionSpec:
    channels = _channels(tensors)
    tables = [t for name, t in tensors.items() if name.endswith(TABLE) and t.ndim == 3]
    has_mid = any(name.startswith("mid_block.") for name in tensors)
    positions = tables[0].shape[1] if tables else None
    known = variant(len(channels), has_mid, positions)
    if known is None:
        raise Misfit(
            f"this motion module has {len(channels)} levels, {'a' if has_mid else 'no'} middle and "
            f"{positions or 'no'} positions, which fits no known one (SD1.5 has 4 levels, SDXL 3)"
        )
    heads, groups = _parts(notes, HEADS, 8, channels), _parts(notes, GROUPS, 32, channels)
    return replace(
        known,
        channels=channels,
        layers=1 + max(_numbers(tensors, r"down_blocks\.\d+\.motion_modules\.(\d+)\."), default=1),
        has_mid=has_mid,
        positions=positions or known.positions,
        heads=heads,
        groups=groups,
    )


def _parts(notes: Mapping[str, Any], name: str, usual: int, channels: tuple[int, ...]) -> int:
    """A note that says into how many parts the channels go."""
    note = str(notes.get(name, usual))
    if not note.isdecimal() or int(note) < 1 or any(c % int(note) for c in channels):
        raise Misfit(f"this motion module's {channels} channels do not part into {name} {note}")
    return int(note)


def _channels(tensors: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Width of each level, from its outer norms on the way down."""
    norm = re.compile(
        r"down_blocks\.(\d+)\.motion_modules\.\d+\.temporal_transformer\.norm\.weight"
    )
    widths = {int(m[1]): t.numel() for name, t in tensors.items() if (m := norm.fullmatch(name))}
    levels = 1 + max(_numbers(tensors, r"(?:down|up)_blocks\.(\d+)\."), default=-1)
    gone = [i for i in range(levels) if i not in widths]
    if gone or not levels:
        raise Misfit(f"this motion module is not whole: down_blocks.{gone or 0} is missing")
    return tuple(widths[i] for i in range(levels))


def _numbers(tensors: Mapping[str, Tensor], pattern: str) -> set[int]:
    return {int(m[1]) for name in tensors if (m := re.match(pattern, name))}


def _tables(wanted: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The position tables: exact, unless the file has others than the usual sinusoids."""
    tables: dict[str, Tensor] = {}
    for name, like in wanted.items():
        if not name.endswith(TABLE):
            continue
        exact = sinusoids(*like.shape[1:])
        given = tensors.get(name, exact)
        usual = given.shape == exact.shape and torch.allclose(given.float(), exact, 0, ROUNDING)
        tables[name] = exact if usual else given
    return tables


def _config(path: Path) -> dict[str, Any]:
    if trouble_with(path) == NOBODY:
        return {}
    check_file(path, AGAIN)
    try:
        return dict(parsed(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BadFile(path, f"this cannot be read as JSON ({error})", AGAIN) from error
