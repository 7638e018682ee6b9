"""The modes, each a page of prose over the one verb of the engine."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from easyphoto_video import __version__
from easyphoto_video.clip import Clip
from easyphoto_video.engine import Engine, Shot
from easyphoto_video.errors import BadRequest
from easyphoto_video.request import Request, Text2Video, mode_of
from easyphoto_video.video.write import write
from easyphoto_video.watch import Stopwatch, Watch, unwatched


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a recipe works with."""

    engine: Engine
    watch: Watch = unwatched


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came out, and enough to do it again."""

    clip: Clip
    request: Request
    """As run: seed drawn, sizes and files chosen."""
    path: Path
    seconds: dict[str, float]
    """By stage."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        seconds = {stage: round(spent, 3) for stage, spent in self.seconds.items()}
        return {"path": str(self.path), "request": self.request.to_json(), "seconds": seconds}


def run(request: Request, tools: Tools, path: Path) -> Result:
    """Make the clip that the request asks for and write it to `path`, or where the writer put it.

    The request has nothing left open. Raises what the engine and the writer raise.
    """
    watch = Stopwatch(tools.watch)
    clip = make(request, replace(tools, watch=watch))
    written = write(clip, path, note=note_of(request), watch=watch)
    return Result(clip=clip, request=request, path=written, seconds=watch.seconds())


def note_of(request: Request) -> str:
    """What a file says of how it was made: JSON text with the request as run."""
    note = {"easyphoto_video": __version__, "request": request.to_json()}
    return json.dumps(note, ensure_ascii=False)


def make(request: Request, tools: Tools) -> Clip:
    """The clip that the request asks for."""
    if isinstance(request, Text2Video):
        return text2video(request, tools)
    raise BadRequest("Mode", mode_of(request), "has no recipe", "Choose text2video.")


def text2video(job: Text2Video, tools: Tools) -> Clip:
    """Render from noise."""
    frames = tools.engine.render(Shot.of(job), tools.watch)
    return Clip(frames=frames, fps=job.fps)
