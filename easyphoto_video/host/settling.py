"""Settling a request in any host: what was left open is chosen, what can be refused is refused now.

A host gives small answers about its files; the choices are made here, once.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from easyphoto_video.family import Family
from easyphoto_video.host.cast import check_faces, settled_model
from easyphoto_video.host.checkpoint.facts import Facts
from easyphoto_video.host.checks import check_clip_skip, check_steps
from easyphoto_video.host.interpolator import settled_interpolator
from easyphoto_video.host.library import Library
from easyphoto_video.host.motions import UnetFacts, settled_motion
from easyphoto_video.host.people import settled_people
from easyphoto_video.modes.mode import Chosen
from easyphoto_video.modes.registry import mode_of
from easyphoto_video.request import Lora, Request, Sampled

SEEDS = 2**32
RequestT = TypeVar("RequestT", bound=Request)
SampledT = TypeVar("SampledT", bound=Sampled)


@dataclass(frozen=True, kw_only=True)
class Base:
    """What a checkpoint is, without its networks."""

    listed: str
    """The name under which the host finds it again."""
    body: UnetFacts
    text_layers: int
    facts: Facts


class Answers(Protocol):
    """What settling asks of a host. Every call raises BadRequest, BadFile and Missing."""

    def check(self, job: Sampled) -> None:
        """Refuse what the host cannot do at all: a sampler, LoRAs named in prompts, a restorer."""
        ...

    def base(self, name: str) -> Base:
        """The checkpoint of that name, looked at but not loaded."""
        ...

    def vae(self, name: str) -> str:
        """The host's own name of a VAE, `auto` and `none` among them where it has them."""
        ...

    def lora(self, name: str) -> str:
        """The host's own name of a LoRA."""
        ...

    def motion(self, job: Sampled, base: Base) -> Chosen:
        """The fields that choose the motion module and its LoRAs."""
        ...

    def people(self, job: Sampled, base: Base) -> Chosen:
        """The fields that choose who is in the clip and who tells faces apart."""
        ...

    def interpolator(self, job: Request) -> str:
        """The field `interpolator`, chosen."""
        ...

    def seed(self) -> int:
        """For a request that leaves it to us."""
        ...


class LibraryAnswers:
    """Answers from a library of files: those that no host has an own way for."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def motion(self, job: Sampled, base: Base) -> Chosen:
        """See Answers."""
        return settled_motion(job, base.body, self.library)

    def people(self, job: Sampled, base: Base) -> Chosen:
        """See Answers."""
        model = settled_model(job, self.library.data_dir, is_embedded=base.body.is_embedded)
        chosen = {**settled_people(job, self.library.people, base.body), "face_model": model}
        check_faces(replace(job, **chosen), self.library.people)
        return chosen

    def interpolator(self, job: Request) -> str:
        """See Answers."""
        return settled_interpolator(job, self.library)

    def seed(self) -> int:
        """See Answers."""
        return random.SystemRandom().randrange(SEEDS)


def settle(request: RequestT, answers: Answers) -> RequestT:
    """The request with nothing left open, its files by the host's names.

    Opens files, computes nothing. Raises BadRequest, BadFile and Missing.
    """
    return mode_of(request).settle(request, _Settling(answers))


@dataclass(frozen=True)
class _Settling:
    """See Settling."""

    answers: Answers

    def output(self, job: RequestT) -> RequestT:
        """See Settling."""
        return replace(job, interpolator=self.answers.interpolator(job))

    def sampled(self, job: SampledT, material: Callable[[Family], Chosen]) -> SampledT:
        """See Settling."""
        host = self.answers
        host.check(job)
        check_steps(job.sampler, job.steps)
        base = host.base(job.checkpoint)
        check_clip_skip(job.clip_skip, base.text_layers)
        chosen: dict[str, Any] = {
            **host.people(job, base),
            **material(base.facts.family),
            "seed": host.seed() if job.seed == -1 else job.seed,
            "cfg": job.cfg or base.facts.cfg,
            "checkpoint": base.listed,
            "vae": host.vae(job.vae),
            "loras": tuple(Lora(host.lora(lora.name), lora.weight) for lora in job.loras),
            "face_size": job.face_size or base.facts.family.side,
            **host.motion(job, base),
        }
        return self.output(replace(job, **chosen))
