"""The modes, each a page of prose over the one verb of the engine."""

from __future__ import annotations

from dataclasses import dataclass

from easyphoto_video.clip import Clip
from easyphoto_video.engine import Engine, Shot
from easyphoto_video.errors import BadRequest
from easyphoto_video.request import Request, Text2Video, mode_of
from easyphoto_video.watch import Watch, unwatched


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a recipe works with."""

    engine: Engine
    watch: Watch = unwatched


def make(request: Request, tools: Tools) -> Clip:
    """The clip that the request asks for; the request has nothing left open."""
    if isinstance(request, Text2Video):
        return text2video(request, tools)
    raise BadRequest("Mode", mode_of(request), "has no recipe", "Choose text2video.")


def text2video(job: Text2Video, tools: Tools) -> Clip:
    """Render from noise."""
    frames = tools.engine.render(Shot.of(job), tools.watch)
    return Clip(frames=frames, fps=job.fps)
