"""What the tab, the API and the queue need of the host they stand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from easyphoto_video.engine import Engine
from easyphoto_video.faces.cast import Cast
from easyphoto_video.identity import People
from easyphoto_video.request import Request
from easyphoto_video.video.between import Method


class Host(Protocol):
    """The WebUI or the stand-alone program, seen from the tab. Every call may come in any thread.

    Nothing here loads a model but the engine.
    """

    name: str
    """For people: `stable-diffusion-webui`, `stand-alone`."""

    @property
    def engine(self) -> Engine:
        """Renders shots; only inside a turn."""
        ...

    @property
    def data_dir(self) -> Path:
        """The folder with models/ and outputs/."""
        ...

    @property
    def people(self) -> People:
        """The trained persons."""
        ...

    @property
    def outputs(self) -> Path:
        """Where clips go, existing or not."""
        ...

    @property
    def language(self) -> str:
        """`en` or `zh` where the host has a setting for it; empty leaves it to the browser."""
        ...

    def settle(self, request: Request) -> Request:
        """The request with nothing left open. Raises BadRequest, BadFile and Missing."""
        ...

    def cast(self, request: Request) -> Cast | None:
        """Who finds faces for a settled request, and whose they shall be; None if it names nobody.

        Loads the small models of faces. Raises BadFile and Missing.
        """
        ...

    def between(self, request: Request) -> Method:
        """Who makes the frames between frames for a settled request. Raises BadFile and Missing."""
        ...

    def choices(self, field: str) -> Sequence[str]:
        """What can be chosen for a field of the request (checkpoint, vae, motion, loras,
        motion_loras, sampler, user_id), looked up anew; empty for other fields."""
        ...

    def defaults(self) -> Mapping[str, Any]:
        """Fields of the request whose default here is not the declared one, from the settings."""
        ...

    def turn(self, job: str) -> AbstractContextManager[None]:
        """Waits until the models are ours, and holds them until the `with` ends."""
        ...

    def is_stopped(self) -> bool:
        """Whether the user pressed a stop button of the host's own during this turn."""
        ...

    def missing(self) -> Sequence[str]:
        """What is not installed, each with the command that installs it; a sentence each."""
        ...
