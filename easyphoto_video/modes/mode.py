"""A mode: what is asked for, how what is left open is chosen, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from easyphoto_video.family import Family
from easyphoto_video.request import Request, Sampled

if TYPE_CHECKING:
    from easyphoto_video.film import Film
    from easyphoto_video.kit import Making

SampledT = TypeVar("SampledT", bound=Sampled)
RequestT = TypeVar("RequestT", bound=Request)
Chosen = dict[str, Any]
"""Fields of a request by name, with nothing left open."""


class Settling(Protocol):
    """What a host chooses of a request. Every call raises BadRequest, BadFile and Missing."""

    def output(self, job: RequestT) -> RequestT:
        """The request with what every clip needs chosen."""
        ...

    def sampled(self, job: SampledT, material: Callable[[Family], Chosen]) -> SampledT:
        """The request with all chosen that denoising needs: seed, models, motion, people.

        `material` says the fields that the request's own files choose, above all its size, given
        the family of the checkpoint.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Mode:
    """What there is to know of a mode. Functions import what is heavy when they are called."""

    request: type[Request]
    """What is asked for; it says the mode's name."""
    settle: Callable[[Any, Settling], Any]
    """A request -> the same with nothing left open. Raises BadRequest, BadFile and Missing."""
    make: Callable[[Any, Making], Film]
    """A settled request -> its clip, before the face pass. Raises what the engine raises."""

    @property
    def name(self) -> str:
        """By which the command line and the API know it."""
        return self.request.mode

    @property
    def label(self) -> str:
        """For people: text2video is `Text to video`."""
        return self.name.replace("2", " to ").capitalize()
