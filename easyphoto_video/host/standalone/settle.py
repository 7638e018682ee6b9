"""Settling a request: what was left open is chosen, and what can be refused is refused now."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path

from easyphoto_video.change import check_change
from easyphoto_video.errors import BadRequest
from easyphoto_video.host.cast import check_faces, settled_model
from easyphoto_video.host.checkpoint.facts import Facts, facts_beside
from easyphoto_video.host.checkpoint.kinds import check_checkpoint, check_vae
from easyphoto_video.host.checkpoint.shapes import clip_layers, unet_config
from easyphoto_video.host.checks import check_clip_skip, check_sampler, check_steps
from easyphoto_video.host.interpolator import settled_interpolator
from easyphoto_video.host.library import (
    CHECKPOINTS,
    EMBEDDED,
    LORAS,
    VAES,
    Library,
)
from easyphoto_video.host.motions import Body, settled_motion
from easyphoto_video.host.people import settled_people, wants_lora
from easyphoto_video.host.standalone.conditions import scripts
from easyphoto_video.host.standalone.model.lora import read_lora
from easyphoto_video.material import settled_material
from easyphoto_video.request import AUTO, NONE, SAMPLERS, Lora, Request
from easyphoto_video.tensors import load_state_dict

SEEDS = 2**32


@dataclass(frozen=True, kw_only=True)
class Base:
    """What a checkpoint is, without its networks."""

    path: Path
    channels: tuple[int, ...]
    """Width of each level of its UNet."""
    text_layers: int
    text_width: int
    """Of the text that its UNet listens to."""
    facts: Facts


def settle(request: Request, library: Library) -> Request:
    """The request with nothing left open, its files by the names in the library.

    A seed of -1 is drawn, size and CFG scale of 0 are the checkpoint's own, motion auto is a module
    that fits.
    Opens every file that is named, computes nothing. Raises BadRequest, BadFile and Missing.
    """
    check_sampler(request.sampler, SAMPLERS)
    check_steps(request.sampler, request.steps)
    checkpoint = EMBEDDED if request.checkpoint == AUTO else request.checkpoint
    base = read_base(library.find(CHECKPOINTS, checkpoint))
    check_clip_skip(request.clip_skip, base.text_layers)
    _check_prompts(request, library)
    listed = library.listed(CHECKPOINTS, base.path)
    body = Body(
        name=base.path.name,
        channels=base.channels,
        text_width=base.text_width,
        is_embedded=listed == EMBEDDED,
    )
    model = settled_model(request, library.data_dir, is_embedded=body.is_embedded)
    people = settled_people(request, library.people, body)
    for person in replace(request, **people).people if wants_lora(request) else ():
        read_lora(library.people.lora(person))
    material = settled_material(request, base.facts.side)
    settled = replace(
        request,
        seed=random.SystemRandom().randrange(SEEDS) if request.seed == -1 else request.seed,
        cfg=request.cfg or base.facts.cfg,
        checkpoint=listed,
        vae=_vae(request, library),
        loras=_loras(request.loras, library),
        face_model=model,
        interpolator=settled_interpolator(request, library),
        face_size=request.face_size or base.facts.side,
        **people,
        **material,
        **settled_motion(request, body, library),
    )
    check_faces(settled, library.people)
    check_change(settled)
    _check_restorer(request.restore)
    return settled


def read_base(path: Path) -> Base:
    """What a checkpoint is. Raises Missing, and BadFile when it is no SD1.x checkpoint."""
    tensors = load_state_dict(path)
    check_checkpoint(path, tensors)
    facts = facts_beside(path, tensors)
    unet = unet_config(tensors, facts, path)
    return Base(
        path=path,
        channels=unet["block_out_channels"],
        text_layers=clip_layers(tensors),
        text_width=unet["cross_attention_dim"],
        facts=facts,
    )


def _check_prompts(request: Request, library: Library) -> None:
    prompt, _ = scripts(request.prompts, request.negatives, request.steps)
    for use in prompt.loras:
        read_lora(library.find(LORAS, use.name))


def _check_restorer(name: str) -> None:
    if name not in (NONE, ""):
        step = "Give none here, or make the clip in a WebUI that has it."
        raise BadRequest("Face restorer", name, "belongs to the WebUI", step)


def _vae(request: Request, library: Library) -> str:
    if request.vae == AUTO:
        return AUTO
    path = library.find(VAES, request.vae)
    check_vae(path, load_state_dict(path))
    return library.listed(VAES, path)


def _loras(loras: tuple[Lora, ...], library: Library) -> tuple[Lora, ...]:
    found = [(read_lora(library.find(LORAS, lora.name)).source, lora.weight) for lora in loras]
    return tuple(Lora(library.listed(LORAS, path), weight) for path, weight in found)
