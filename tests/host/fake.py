"""A host without models, for tests of whatever stands on a host: the queue, the API, the tab."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from easyphoto_video.change import check_change
from easyphoto_video.engine import Engine
from easyphoto_video.errors import Missing
from easyphoto_video.faces.cast import Cast
from easyphoto_video.host.checks import check_sampler, check_steps
from easyphoto_video.identity import PEOPLE, REFERENCE, People
from easyphoto_video.material import settled_material
from easyphoto_video.request import AUTO, NONE, SAMPLERS, Request
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
        self._seeds = iter(range(FIRST_SEED, 2**32))

    def settle(self, request: Request) -> Request:
        """See Host."""
        check_sampler(request.sampler, self.names["sampler"])
        check_steps(request.sampler, request.steps)
        for person in request.people:
            self.people.get(person)
        for field in ("checkpoint", "vae", "motion"):
            self._check(field, getattr(request, field))
        for field in ("loras", "motion_loras"):
            for lora in getattr(request, field):
                self._check(field, lora.name)
        settled = replace(
            request,
            seed=next(self._seeds) if request.seed == -1 else request.seed,
            cfg=request.cfg or CFG,
            face_size=request.face_size or SIDE,
            user_id=NONE if request.user_id in ("", AUTO) else request.user_id,
            **settled_material(request, SIDE),
        )
        check_change(settled)
        return settled

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

    def _check(self, field: str, name: str) -> None:
        known = self.names[field]
        stems = [listed.rsplit(".", 1)[0] for listed in known]
        if name not in known and name not in stems:
            raise Missing(f"{field} {name!r}", f"Choose one of: {', '.join(known)}.")


def add_person(data_dir: Path, name: str, picture: bytes = b"\xff\xd8\xff\xd9") -> Path:
    """A trained person in the data folder; returns the reference picture."""
    reference = data_dir / PEOPLE / name / REFERENCE
    reference.parent.mkdir(parents=True)
    reference.write_bytes(picture)
    return reference
