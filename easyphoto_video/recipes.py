"""The modes, each a page of prose over the one verb of the engine."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from easyphoto_video import __version__
from easyphoto_video.clip import Frames
from easyphoto_video.engine import Start
from easyphoto_video.errors import EasyPhotoError, FacePassFailed, Stopped
from easyphoto_video.face_pass import with_faces
from easyphoto_video.faces.score import Scores
from easyphoto_video.film import Film
from easyphoto_video.finishing import written
from easyphoto_video.judging import Role, scored
from easyphoto_video.kit import Tools
from easyphoto_video.material import (
    allowed_in,
    held_pictures,
    mask_of,
    masked,
    source_film,
    stacked,
)
from easyphoto_video.rendering import rendered
from easyphoto_video.request import Image2Video, Request, Video2Video
from easyphoto_video.watch import Stopwatch
from easyphoto_video.work import Work

__all__ = ["Result", "Tools", "make", "note_of", "run"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came out, and enough to do it again."""

    shown: Frames
    """(n, H, W, 3) uint8 RGB: some of the clip's frames, evenly spread."""
    request: Request
    """As run: seed drawn, sizes and files chosen."""
    path: Path
    seconds: dict[str, float]
    """By stage."""
    scores: Scores = field(default_factory=Scores)
    notes: tuple[str, ...] = ()
    """Sentences about the clip, such as that nobody's face was in it."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "path": str(self.path),
            "request": self.request.to_json(),
            "seconds": {stage: round(spent, 3) for stage, spent in self.seconds.items()},
            "scores": self.scores.to_json(),
            "notes": list(self.notes),
        }


def run(request: Request, tools: Tools, path: Path) -> Result:
    """Make the clip that the request asks for and write it to `path`, or where the writer put it.

    The request has nothing left open. Raises what the engine and the writer raise, and
    FacePassFailed, when the clip was made and is kept without the face pass.
    """
    watch = Stopwatch(tools.watch)
    tools = replace(tools, watch=watch)
    cast = tools.cast(request)
    with tools.work(request) as work:
        film = make(request, tools, work)
        found: list[Role] = []
        notes: tuple[str, ...] = ()
        if cast is not None:
            try:
                allowed = allowed_in(request)
                film, found, notes = with_faces(film, request, cast, tools, work, allowed)
            except Stopped:
                raise
            except EasyPhotoError as error:
                kept = written(film, request, tools, path, note_of(request))
                raise FacePassFailed(error, kept.path) from error
        scores = scored(film.frames(), found, cast and cast.recogniser, watch, film.count)
        made = written(film, request, tools, path, note_of(request, scores))
    return Result(
        shown=made.shown,
        request=request,
        path=made.path,
        seconds=watch.seconds(),
        scores=scores,
        notes=notes,
    )


def note_of(request: Request, scores: Scores | None = None) -> str:
    """What a file says of how it was made: JSON text with the request as run, and the scores."""
    note = {"easyphoto_video": __version__, "request": request.to_json()}
    said = {**note, "scores": (scores or Scores()).to_json()}
    return json.dumps(said, ensure_ascii=False)


def make(request: Request, tools: Tools, work: Work) -> Film:
    """The clip that the request asks for, before the face pass."""
    if isinstance(request, Image2Video):
        return image2video(request, tools, work)
    if isinstance(request, Video2Video):
        return video2video(request, tools, work)
    return text2video(request, tools, work)


def text2video(job: Request, tools: Tools, work: Work) -> Film:
    """Render from noise."""
    return rendered(job, lambda rows: None, tools, work)


def image2video(job: Image2Video, tools: Tools, work: Work) -> Film:
    """Render from one picture that is held, or from two that are joined."""
    held = held_pictures(job)
    return rendered(job, held.start, tools, work)


def video2video(job: Video2Video, tools: Tools, work: Work) -> Film:
    """The film as it is; where it is to be redrawn as a whole, rendered from its frames."""
    film, allowed = source_film(job), allowed_in(job)
    if not job.redraws:
        return film

    def begin(rows: range) -> Start:
        return Start(
            frames=stacked(film.frames(rows.start, rows.stop), rows),
            strength=job.over_frames("redraw_schedule", rows) or job.redraw,
            mask=mask_of(allowed, job.frames, rows),
        )

    drawn = replace(rendered(job, begin, tools, work), sound=film.sound)
    return drawn if allowed is None else masked(drawn, film, allowed)
