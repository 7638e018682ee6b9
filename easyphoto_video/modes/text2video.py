"""A clip from words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from easyphoto_video.family import Family
from easyphoto_video.modes.mode import Chosen, Mode, Settling
from easyphoto_video.request import Sampled

if TYPE_CHECKING:
    from easyphoto_video.film import Film
    from easyphoto_video.kit import Making


@dataclass(frozen=True, kw_only=True)
class Text2Video(Sampled):
    """A clip from words."""

    mode = "text2video"


def settle(job: Text2Video, host: Settling) -> Text2Video:
    """In the checkpoint's own size."""

    def chosen(family: Family) -> Chosen:
        return {"width": job.width or family.side, "height": job.height or family.side}

    return host.sampled(job, chosen)


def make(job: Text2Video, making: Making) -> Film:
    """Render from noise."""
    from easyphoto_video.rendering import rendered

    return rendered(job, lambda rows, made: None, making)


MODE = Mode(request=Text2Video, settle=settle, make=make)
