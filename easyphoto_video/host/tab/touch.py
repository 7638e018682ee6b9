"""Answering what is touched: with updates of the page, or with a sentence in the red box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from easyphoto_video.errors import EasyPhotoError
from easyphoto_video.host.places import Places
from easyphoto_video.host.tab.compat import on
from easyphoto_video.host.tab.progress import trouble
from easyphoto_video.logs import translated

Updates = dict[Any, Any]


@dataclass(frozen=True)
class Box:
    """The red box of a page."""

    part: Any
    places: Places
    """What sentences say of files goes through it."""

    def saying(self, error: Exception | None) -> Updates:
        """Updates that show the error's sentence, or nothing."""
        return {self.part: self.html(error)}

    def html(self, error: Exception | None) -> str:
        """The same, as what the box holds."""
        return trouble(None if error is None else told(error), self.places)


def touch(
    box: Box,
    event: Callable[..., Any],
    call: Callable[..., Updates],
    inputs: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
) -> None:
    """Answer an event at once with the call's updates, or with its error's sentence in `box`."""

    def answer(*values: Any) -> Updates:
        try:
            return {box.part: "", **call(*values)}
        except Exception as error:
            return box.saying(error)

    on(event, answer, inputs, [box.part, *outputs])


def told(error: Exception) -> EasyPhotoError:
    """The error as one of ours; what nobody foresaw is logged."""
    return translated(error)
