"""A host without models for the fuzz: everything above the engine is the real thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from easyphoto_video.engine import Engine
from easyphoto_video.faces.cast import Cast
from easyphoto_video.identity import People
from easyphoto_video.material import settled_material
from easyphoto_video.request import NONE, Request
from easyphoto_video.video.between import Method
from easyphoto_video.video.flow import by_flow
from tests.fake_engine import FakeEngine

SIDE = 64
"""px, what an automatic size becomes."""


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
        return replace(
            request,
            seed=max(request.seed, 0),
            cfg=request.cfg or 7,
            face_size=request.face_size or SIDE,
            user_id=NONE,
            more_user_ids=(),
            **settled_material(request, SIDE),
        )

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
