"""Kinds of control, by name: networks that say how frames must look beside the words.

A new kind is a file with a ControlKind and a line in KINDS. Engines find it here; what a shot asks
for is plain data (`engine.Control`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from easyphoto_video.engine import Control
from easyphoto_video.errors import BadRequest
from easyphoto_video.unet.attachment import Attachment

Find = Callable[[str, str], Path]
"""Kind and name of a model -> its file. Raises Missing and BadRequest."""


class ControlKind(Protocol):
    """What there is to know of a kind of control."""

    def load(self, model: str, find: Find) -> Any:
        """The network of a model's name, read once for a session. Raises BadFile and Missing."""
        ...

    def attachment(self, control: Control, network: Any) -> Attachment:
        """What enters the UNet for the control of one shot."""
        ...


KINDS: dict[str, ControlKind] = {}
"""By the name that a Control has."""


class Controls:
    """The controls of a session's shots; each network is read once."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._networks: dict[tuple[str, str], Any] = {}

    def attachments(self, controls: Sequence[Control]) -> list[Attachment]:
        """What enters the UNet for a shot. Raises BadRequest for a kind that nobody knows."""
        return [
            _kind(control.kind).attachment(control, self._network(control)) for control in controls
        ]

    def _network(self, control: Control) -> Any:
        key = control.kind, control.model
        if key not in self._networks:
            self._networks[key] = _kind(control.kind).load(control.model, self._find)
        return self._networks[key]


def _kind(name: str) -> ControlKind:
    if name not in KINDS:
        known = ", ".join(sorted(KINDS)) or "none yet"
        raise BadRequest("Controls", name, "is not known here", f"There is: {known}.")
    return KINDS[name]
