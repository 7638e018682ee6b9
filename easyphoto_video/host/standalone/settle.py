"""What the stand-alone program answers when a request is settled: see host/settling.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from easyphoto_video.errors import BadRequest
from easyphoto_video.host import settling
from easyphoto_video.host.checkpoint.facts import facts_beside
from easyphoto_video.host.checkpoint.kinds import check_checkpoint, check_vae
from easyphoto_video.host.checkpoint.shapes import clip_layers, unet_config
from easyphoto_video.host.checks import check_sampler
from easyphoto_video.host.library import CHECKPOINTS, EMBEDDED, LORAS, VAES, Library
from easyphoto_video.host.motions import UnetFacts
from easyphoto_video.host.people import wants_lora
from easyphoto_video.host.settling import Base, LibraryAnswers
from easyphoto_video.host.standalone.conditions import scripts
from easyphoto_video.host.standalone.model.lora import read_lora
from easyphoto_video.modes.mode import Chosen
from easyphoto_video.request import AUTO, NONE, SAMPLERS, Request, Sampled
from easyphoto_video.tensors import load_state_dict

RequestT = TypeVar("RequestT", bound=Request)


class StandaloneAnswers(LibraryAnswers):
    """See Answers. Files are named as the library lists them."""

    def check(self, job: Sampled) -> None:
        """See Answers."""
        check_sampler(job.sampler, SAMPLERS)
        if job.restore not in (NONE, ""):
            step = "Give none here, or make the clip in a WebUI that has it."
            raise BadRequest("Face restorer", job.restore, "belongs to the WebUI", step)
        prompt, _ = scripts(job.prompts, job.negatives, job.steps)
        for use in prompt.loras:
            read_lora(self.library.find(LORAS, use.name))

    def base(self, name: str) -> Base:
        """See Answers."""
        path = self.library.find(CHECKPOINTS, EMBEDDED if name == AUTO else name)
        return read_base(path, self.library.listed(CHECKPOINTS, path))

    def vae(self, name: str) -> str:
        """See Answers."""
        if name == AUTO:
            return AUTO
        path = self.library.find(VAES, name)
        check_vae(path, load_state_dict(path))
        return self.library.listed(VAES, path)

    def lora(self, name: str) -> str:
        """See Answers."""
        return self.library.listed(LORAS, read_lora(self.library.find(LORAS, name)).source)

    def people(self, job: Sampled, base: Base) -> Chosen:
        """See Answers."""
        chosen = super().people(job, base)
        for person in replace(job, **chosen).people if wants_lora(job) else ():
            read_lora(self.library.people.lora(person))
        return chosen


def read_base(path: Path, listed: str) -> Base:
    """What a checkpoint is. Raises Missing, and BadFile when it is no SD1.x checkpoint."""
    tensors = load_state_dict(path)
    check_checkpoint(path, tensors)
    facts = facts_beside(path, tensors)
    unet = unet_config(tensors, facts, path)
    body = UnetFacts(
        name=path.name,
        channels=tuple(unet["block_out_channels"]),
        text_width=unet["cross_attention_dim"],
        is_embedded=listed == EMBEDDED,
    )
    return Base(listed=listed, body=body, text_layers=clip_layers(tensors), facts=facts)


def settle(request: RequestT, library: Library) -> RequestT:
    """The request with nothing left open: see settling.settle."""
    return settling.settle(request, StandaloneAnswers(library))
