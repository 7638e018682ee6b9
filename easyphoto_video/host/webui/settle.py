"""Settling a request in the WebUI: what was left open is chosen, what cannot be is refused now."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from modules import sd_models

from easyphoto_video.change import check_change
from easyphoto_video.errors import BadRequest
from easyphoto_video.host.cast import check_faces, settled_model
from easyphoto_video.host.checkpoint.facts import Facts, facts_beside
from easyphoto_video.host.checkpoint.kinds import check_checkpoint
from easyphoto_video.host.checkpoint.shapes import clip_layers, unet_config
from easyphoto_video.host.checks import check_clip_skip, check_steps
from easyphoto_video.host.interpolator import settled_interpolator
from easyphoto_video.host.library import EMBEDDED, Library
from easyphoto_video.host.motions import Body, settled_motion
from easyphoto_video.host.people import settled_people
from easyphoto_video.host.webui.checks import check_model, check_unet
from easyphoto_video.host.webui.conditions import parsed, parts_of
from easyphoto_video.host.webui.files import (
    checkpoint_info,
    checkpoint_name,
    checkpoint_tensors,
    lora_name,
    vae_name,
)
from easyphoto_video.host.webui.restore import restorer
from easyphoto_video.host.webui.samplers import sampler_of
from easyphoto_video.identity import LORA_PREFIX
from easyphoto_video.material import settled_material
from easyphoto_video.request import AUTO, NONE, Lora, Request

SEEDS = 2**32


def settle(request: Request, library: Library) -> Request:
    """The request with nothing left open, its files by the host's names.

    `library` finds motion modules and user ids. Loads nothing. Raises BadRequest, BadFile, Missing.
    """
    check_unet()
    sampler_of(request.sampler)
    check_steps(request.sampler, request.steps)
    _check_prompts(request, library)
    info = checkpoint_info(request.checkpoint)
    body, facts, layers = _read(info)
    check_clip_skip(request.clip_skip, layers)
    model = settled_model(request, library.data_dir, is_embedded=body.is_embedded)
    people = settled_people(request, library.people, body)
    material = settled_material(request, facts.side)
    settled = replace(
        request,
        seed=random.SystemRandom().randrange(SEEDS) if request.seed == -1 else request.seed,
        cfg=request.cfg or facts.cfg,
        checkpoint=checkpoint_name(info),
        vae=request.vae if request.vae in (AUTO, NONE) else vae_name(request.vae),
        loras=tuple(Lora(lora_name(lora.name), lora.weight) for lora in request.loras),
        face_model=model,
        interpolator=settled_interpolator(request, library),
        face_size=request.face_size or facts.side,
        **people,
        **material,
        **settled_motion(request, body, library),
    )
    check_faces(settled, library.people)
    check_change(settled)
    restorer(request.restore)
    return settled


def _read(info: Any) -> tuple[Body, Facts, int]:
    """What a checkpoint is, its yaml's facts and how many layers its text encoder has."""
    loaded = sd_models.model_data.sd_model
    if loaded is not None and loaded.sd_checkpoint_info.filename == info.filename:
        check_model(loaded)
    path = Path(info.filename)
    tensors = checkpoint_tensors(info)
    check_checkpoint(path, tensors)
    facts = facts_beside(path, tensors)
    unet = unet_config(tensors, facts, path)
    body = Body(
        name=path.name,
        channels=tuple(unet["block_out_channels"]),
        text_width=unet["cross_attention_dim"],
        is_embedded=checkpoint_name(info) == EMBEDDED,
    )
    return body, facts, clip_layers(tensors)


def _check_prompts(request: Request, library: Library) -> None:
    prompts, networks = parsed(request.prompts)
    parts_of(prompts)
    for use in networks.get("lora", []):
        name = use.items[0]
        if name.startswith(LORA_PREFIX):
            library.people.lora(name.removeprefix(LORA_PREFIX))
        else:
            lora_name(name)
    _, free = parsed(request.negatives)
    if free.get("lora"):
        name = free["lora"][0].items[0]
        raise BadRequest("Negative prompt", name, "is a LoRA", "Name it in the prompt.")
