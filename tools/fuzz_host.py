"""A host without models for the fuzz: everything above the engine is the real thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from easyphoto_video.engine import Engine
from easyphoto_video.faces.cast import Cast
from easyphoto_video.family import SD1, Family
from easyphoto_video.identity import People
from easyphoto_video.modes.mode import Chosen
from easyphoto_video.modes.registry import mode_of
from easyphoto_video.request import NONE, Request, Sampled
from easyphoto_video.video.between import Method
from easyphoto_video.video.flow import by_flow
from tests.fake_engine import FakeEngine

SIDE = 64
"""px, what an automatic size becomes."""
SampledT = TypeVar("SampledT", bound=Sampled)
RequestT = TypeVar("RequestT", bound=Request)


class _Settling:
    """See Settling. Nobody is ever looked for."""

    def output(self, job: RequestT) -> RequestT:
        """See Settling."""
        return job

    def sampled(self, job: SampledT, material: Callable[[Family], Chosen]) -> SampledT:
        """See Settling."""
        chosen: dict[str, Any] = {
            "seed": max(job.seed, 0),
            "cfg": job.cfg or 7,
            "face_size": job.face_size or SIDE,
            "user_id": NONE,
            "more_user_ids": (),
            **material(replace(SD1, side=SIDE)),
        }
        return replace(job, **chosen)


class FuzzHost:
    """See Host."""

    name = "fuzz"
    language = ""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.engine: Engine = FakeEngine()
        self.people = People(data_dir)
        self.outputs = data_dir / "outputs"

    def settle(self, request: Request) -> Request:
        """See Host."""
        return mode_of(request).settle(request, _Settling())

    def between(self, request: Request) -> Method:
        """See Host."""
        return by_flow

    def cast(self, request: Request) -> Cast | None:
        """See Host."""
        return None

    def choices(self, field: str) -> Sequence[str]:
        """See Host."""
        return ()

    def defaults(self) -> Mapping[str, Any]:
        """See Host."""
        return {}

    @contextmanager
    def turn(self, job: str) -> Iterator[None]:
        """See Host."""
        yield

    def is_stopped(self) -> bool:
        """See Host."""
        return False

    def missing(self) -> Sequence[str]:
        """See Host."""
        return ()
