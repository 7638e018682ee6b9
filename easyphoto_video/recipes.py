"""From a settled request to a file: the mode makes its clip, then the faces, then the writing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from easyphoto_video import __version__
from easyphoto_video.clip import Frames
from easyphoto_video.errors import EasyPhotoError, FacePassFailed, Stopped
from easyphoto_video.face_pass import with_faces
from easyphoto_video.faces.score import Scores
from easyphoto_video.finishing import written
from easyphoto_video.judging import Role, scored
from easyphoto_video.kit import Tools
from easyphoto_video.modes.registry import mode_of
from easyphoto_video.request import Request, Sampled
from easyphoto_video.watch import Stopwatch

__all__ = ["Result", "Tools", "note_of", "run"]


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
    with tools.open(request, watch) as making:
        film = mode_of(request).make(request, making)
        found: list[Role] = []
        notes: tuple[str, ...] = ()
        if cast is not None and isinstance(request, Sampled):
            try:
                film, found, notes = with_faces(film, request, cast, making)
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
