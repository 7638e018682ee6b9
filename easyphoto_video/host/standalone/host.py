"""The stand-alone program as a host: its library, its engine, nobody else's models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from easyphoto_video.engine import Engine
from easyphoto_video.faces.cast import Cast
from easyphoto_video.host.cast import cast_of, face_models
from easyphoto_video.host.interpolator import interpolators, method_of
from easyphoto_video.host.library import (
    CHECKPOINTS,
    EMBEDDED,
    LORAS,
    MOTION_LORAS,
    MOTIONS,
    OUTPUTS,
    VAES,
    Library,
)
from easyphoto_video.host.standalone.engine import StandaloneEngine
from easyphoto_video.host.turns import Turns
from easyphoto_video.identity import People
from easyphoto_video.request import AUTO, NONE, SAMPLERS, Request
from easyphoto_video.video.between import Method


class StandaloneHost:
    """See Host. Without `paths`, a request names only files in their folders: see Library."""

    name = "stand-alone"
    language = ""

    def __init__(
        self,
        data_dir: Path,
        device: str = "auto",
        precision: str = "auto",
        *,
        paths: bool = True,
    ) -> None:
        self.library = Library(data_dir, paths=paths)
        self._engine = StandaloneEngine(self.library, device, precision)
        self._wish = (device, precision)
        self._turns = Turns()

    @property
    def engine(self) -> Engine:
        """See Host."""
        return self._engine

    def release(self) -> None:
        """Let the engine's models go, inside a turn: somebody else needs the memory."""
        self._engine.release()

    @property
    def data_dir(self) -> Path:
        """See Host."""
        return self.library.data_dir

    @property
    def people(self) -> People:
        """See Host."""
        return self.library.people

    @property
    def outputs(self) -> Path:
        """See Host."""
        return self.data_dir / OUTPUTS

    def settle(self, request: Request) -> Request:
        """See Host."""
        from easyphoto_video.host.standalone.settle import settle  # torch takes its time

        return settle(request, self.library)

    def cast(self, request: Request) -> Cast | None:
        """See Host."""
        return cast_of(request, self.people)

    def between(self, request: Request) -> Method:
        """See Host."""

        def device() -> str:
            from easyphoto_video.host.standalone.device import target  # torch takes its time

            return str(target(*self._wish).device)

        return method_of(request, self.library, device)

    def choices(self, field: str) -> Sequence[str]:
        """See Host."""
        find = self._choosers().get(field)
        return find() if find else []

    def defaults(self) -> Mapping[str, Any]:
        """See Host."""
        return {}

    @contextmanager
    def turn(self, job: str) -> Iterator[None]:
        """See Host."""
        with self._turns.turn():
            yield

    def is_stopped(self) -> bool:
        """See Host."""
        return False

    def missing(self) -> Sequence[str]:
        """See Host."""
        return []

    def _choosers(self) -> dict[str, Callable[[], list[str]]]:
        library = self.library
        return {
            "checkpoint": lambda: [AUTO, EMBEDDED, *library.names(CHECKPOINTS)],
            "vae": lambda: [AUTO, *library.names(VAES)],
            "motion": lambda: [AUTO, NONE, EMBEDDED, *library.names(MOTIONS)],
            "loras": lambda: library.names(LORAS),
            "motion_loras": lambda: library.names(MOTION_LORAS),
            "sampler": lambda: list(SAMPLERS),
            "face_model": lambda: face_models(self.data_dir),
            "restore": lambda: [NONE],
            "interpolator": lambda: interpolators(library),
            "user_id": lambda: [AUTO, NONE, *(person.name for person in self.people.all())],
        }
