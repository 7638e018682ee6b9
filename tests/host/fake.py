"""A host without models, for tests of whatever stands on a host: the queue, the API, the tab."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from easyphoto_video.engine import Engine
from easyphoto_video.errors import Missing
from easyphoto_video.faces.cast import Cast
from easyphoto_video.family import SD1
from easyphoto_video.host.checkpoint.facts import Facts
from easyphoto_video.host.checks import check_sampler
from easyphoto_video.host.motions import UnetFacts
from easyphoto_video.host.settling import Base, settle
from easyphoto_video.identity import PEOPLE, REFERENCE, People
from easyphoto_video.request import AUTO, NONE, SAMPLERS, Request, Sampled
from easyphoto_video.video.between import Method
from easyphoto_video.video.flow import by_flow
from tests.fake_engine import FakeEngine

SIDE = 64
"""px, what an automatic size becomes."""
CFG = 7.0
"""What an automatic CFG scale becomes."""
FIRST_SEED = 1000
"""What the first automatic seed becomes; each further one is higher by 1."""


class FakeHost:
    """See Host. Its files are names only; tests change its attributes as they like."""

    name = "fake"

    def __init__(self, data_dir: Path, engine: Engine | None = None) -> None:
        self.data_dir = data_dir
        self.engine: Engine = engine or FakeEngine()
        self.people = People(data_dir)
        self.outputs = data_dir / "outputs" / "easyphoto-video"
        self.language = ""
        self.names: dict[str, list[str]] = {
            "checkpoint": [AUTO, "realistic.safetensors", "anime/soft.ckpt"],
            "vae": [AUTO, "fine.vae.pt"],
            "motion": [AUTO, NONE, "mm_sd_v15_v2.safetensors"],
            "loras": ["film.safetensors", "ink.safetensors"],
            "motion_loras": ["pan_left.safetensors"],
            "sampler": list(SAMPLERS),
        }
        """What can be chosen, by field; the people are those in the data folder."""
        self.own_defaults: dict[str, Any] = {}
        self.lacks: list[str] = []
        self.faces: Callable[[Request], Cast | None] = lambda request: None
        """Who finds faces; by default nobody looks."""
        self.stopped = False
        """Set it to press the host's own stop button; the next turn clears it."""
        self.models = threading.Lock()
        """Hold it to keep a job waiting for its turn."""
        self.asked: list[str] = []
        """Ids of the jobs that asked for a turn, in order."""
        self.turns: list[str] = []
        """Ids of the jobs that had a turn, in order."""
        self.seeds = iter(range(FIRST_SEED, 2**32))

    def settle(self, request: Request) -> Request:
        """See Host."""
        return settle(request, _Answers(self))

    def between(self, request: Request) -> Method:
        """See Host."""
        return by_flow

    def cast(self, request: Request) -> Cast | None:
        """See Host."""
        return self.faces(request)

    def choices(self, field: str) -> Sequence[str]:
        """See Host."""
        if field == "user_id":
            return [AUTO, NONE, *(person.name for person in self.people.all())]
        return self.names.get(field, [])

    def defaults(self) -> Mapping[str, Any]:
        """See Host."""
        return self.own_defaults

    @contextmanager
    def turn(self, job: str) -> Iterator[None]:
        """See Host."""
        self.asked.append(job)
        with self.models:
            self.turns.append(job)
            self.stopped = False
            yield

    def is_stopped(self) -> bool:
        """See Host."""
        return self.stopped

    def missing(self) -> Sequence[str]:
        """See Host."""
        return self.lacks

    def known(self, field: str, name: str) -> str:
        """A name that can be chosen for a field. Raises Missing."""
        known = self.names[field]
        stems = [listed.rsplit(".", 1)[0] for listed in known]
        if name not in known and name not in stems:
            raise Missing(f"{field} {name!r}", f"Choose one of: {', '.join(known)}.")
        return name


class _Answers:
    """See Answers: names alone, which no file stands behind."""

    def __init__(self, host: FakeHost) -> None:
        self._host = host

    def check(self, job: Sampled) -> None:
        """See Answers."""
        check_sampler(job.sampler, self._host.names["sampler"])

    def base(self, name: str) -> Base:
        """See Answers."""
        self._host.known("checkpoint", name)
        body = UnetFacts(name=name, channels=(32,), text_width=64, is_embedded=False)
        facts = Facts(family=replace(SD1, side=SIDE), cfg=CFG)
        return Base(listed=name, body=body, text_layers=12, facts=facts)

    def vae(self, name: str) -> str:
        """See Answers."""
        return self._host.known("vae", name)

    def lora(self, name: str) -> str:
        """See Answers."""
        return self._host.known("loras", name)

    def motion(self, job: Sampled, base: Base) -> dict[str, Any]:
        """See Answers."""
        self._host.known("motion", job.motion)
        for lora in job.motion_loras:
            self._host.known("motion_loras", lora.name)
        return {}

    def people(self, job: Sampled, base: Base) -> dict[str, Any]:
        """See Answers."""
        for person in job.people:
            self._host.people.get(person)
        return {"user_id": NONE if job.user_id in ("", AUTO) else job.user_id}

    def interpolator(self, job: Request) -> str:
        """See Answers."""
        return job.interpolator

    def seed(self) -> int:
        """See Answers."""
        return next(self._host.seeds)


def add_person(data_dir: Path, name: str, picture: bytes = b"\xff\xd8\xff\xd9") -> Path:
    """A trained person in the data folder; returns the reference picture."""
    reference = data_dir / PEOPLE / name / REFERENCE
    reference.parent.mkdir(parents=True)
    reference.write_bytes(picture)
    return reference
