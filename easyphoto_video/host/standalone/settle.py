"""Settling a request: what was left open is chosen, and what can be refused is refused now."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path

from easyphoto_video.errors import BadFile, BadRequest, Missing
from easyphoto_video.host.standalone.checks import check_clip_skip, check_context, check_steps
from easyphoto_video.host.standalone.conditions import scripts
from easyphoto_video.host.standalone.library import (
    CHECKPOINTS,
    EMBEDDED,
    LORAS,
    MOTION_LORAS,
    MOTIONS,
    VAES,
    Library,
)
from easyphoto_video.host.standalone.model.facts import Facts, facts_beside
from easyphoto_video.host.standalone.model.kinds import check_checkpoint, check_vae
from easyphoto_video.host.standalone.model.lora import read_lora
from easyphoto_video.host.standalone.model.shapes import clip_layers, unet_config
from easyphoto_video.motion.lora import read_motion_lora
from easyphoto_video.motion.read import read_motion
from easyphoto_video.motion.spec import MotionSpec
from easyphoto_video.request import AUTO, NONE, Lora, Text2Video
from easyphoto_video.tensors import load_state_dict

SEEDS = 2**32
PREFERRED = ("v3", "v2", "v1", "AnimateLCM")
"""Motion modules in the order in which auto takes them; the last wants its own sampler."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """What a checkpoint is, without its networks."""

    path: Path
    channels: tuple[int, ...]
    """Width of each level of its UNet."""
    text_layers: int
    facts: Facts


def settle(request: Text2Video, library: Library) -> Text2Video:
    """The request with nothing left open, its files by the names in the library.

    A seed of -1 is drawn, size and CFG scale of 0 are the checkpoint's own, motion auto is a module
    that fits.
    Opens every file that is named, computes nothing. Raises BadRequest, BadFile and Missing.
    """
    check_steps(request.sampler, request.steps)
    base = read_base(library.find(CHECKPOINTS, request.checkpoint))
    check_clip_skip(request.clip_skip, base.text_layers)
    _check_prompts(request, library)
    return replace(
        request,
        seed=random.SystemRandom().randrange(SEEDS) if request.seed == -1 else request.seed,
        width=request.width or base.facts.side,
        height=request.height or base.facts.side,
        cfg=request.cfg or base.facts.cfg,
        checkpoint=library.listed(CHECKPOINTS, base.path),
        vae=_vae(request, library),
        loras=_loras(request.loras, library),
        **_motion(request, base, library),
    )


def read_base(path: Path) -> Base:
    """What a checkpoint is. Raises Missing, and BadFile when it is no SD1.x checkpoint."""
    tensors = load_state_dict(path)
    check_checkpoint(path, tensors)
    facts = facts_beside(path, tensors)
    channels = unet_config(tensors, facts, path)["block_out_channels"]
    return Base(path=path, channels=channels, text_layers=clip_layers(tensors), facts=facts)


def _check_prompts(request: Text2Video, library: Library) -> None:
    prompt, _ = scripts(request.prompts, request.negatives, request.steps)
    for use in prompt.loras:
        read_lora(library.find(LORAS, use.name))


def _vae(request: Text2Video, library: Library) -> str:
    if request.vae == AUTO:
        return AUTO
    path = library.find(VAES, request.vae)
    check_vae(path, load_state_dict(path))
    return library.listed(VAES, path)


def _loras(loras: tuple[Lora, ...], library: Library) -> tuple[Lora, ...]:
    found = [(read_lora(library.find(LORAS, lora.name)).source, lora.weight) for lora in loras]
    return tuple(Lora(library.listed(LORAS, path), weight) for path, weight in found)


def _motion(request: Text2Video, base: Base, library: Library) -> dict[str, object]:
    if request.motion == NONE:
        if request.motion_loras:
            first = str(request.motion_loras[0])
            reason = "has nothing to change without a motion module"
            raise BadRequest("Motion LoRA", first, reason, "Choose a motion module too.")
        return {"motion": NONE}
    path = _motion_path(request, base, library)
    spec = read_motion(path).spec
    if not _fits(spec, base):
        raise BadFile(
            path,
            f"this is {spec}, and {base.path.name} has {_widths(base)}",
            "Choose a motion module of the checkpoint's family, or auto.",
        )
    check_context(spec, request.context, request.frames)
    named = ((library.find(MOTION_LORAS, x.name), x.weight) for x in request.motion_loras)
    loras = [(read_motion_lora(file).source, weight) for file, weight in named]
    return {
        "motion": library.listed(MOTIONS, path),
        "motion_loras": tuple(Lora(library.listed(MOTION_LORAS, p), w) for p, w in loras),
    }


def _motion_path(request: Text2Video, base: Base, library: Library) -> Path:
    if request.motion != AUTO:
        return library.find(MOTIONS, request.motion)
    if library.listed(CHECKPOINTS, base.path) == EMBEDDED:
        return library.find(MOTIONS, EMBEDDED)
    there = [(_spec(path), path) for _, path in library.files(MOTIONS)]
    fitting = [(spec.name, path) for spec, path in there if spec and _fits(spec, base)]
    if not fitting:
        raise Missing(
            f"A motion module that fits {base.path.name} ({_widths(base)}) in "
            f"{library.folders(MOTIONS)[0]}",
            "See what can be downloaded: python3 launch.py fetch. Motion module none renders "
            "stills.",
        )
    return min(fitting, key=lambda found: PREFERRED.index(found[0]))[1]


def _spec(path: Path) -> MotionSpec | None:
    """None for the other files of the folder, such as motion LoRAs."""
    try:
        return read_motion(path).spec
    except BadFile:
        return None


def _fits(spec: MotionSpec, base: Base) -> bool:
    return spec.channels == base.channels


def _widths(base: Base) -> str:
    return f"{'/'.join(map(str, base.channels))} channels"
