"""The modes, each a page of prose over the one verb of the engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from easyphoto_video import __version__
from easyphoto_video.clip import Clip, Frames
from easyphoto_video.engine import Engine, Shot, Start
from easyphoto_video.errors import BadRequest, EasyPhotoError, FacePassFailed, Stopped
from easyphoto_video.faces.cast import Cast, Person
from easyphoto_video.faces.cutout import cut_out
from easyphoto_video.faces.face import FaceTrack
from easyphoto_video.faces.score import Scores
from easyphoto_video.judging import Role, roles, scored
from easyphoto_video.request import Request, Text2Video, mode_of
from easyphoto_video.video.write import write
from easyphoto_video.watch import Stopwatch, Watch, Within, unwatched


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a recipe works with."""

    engine: Engine
    watch: Watch = unwatched
    cast: Callable[[Text2Video], Cast | None] = lambda request: None
    """Who finds faces for a request and whose they shall be; None when nobody is asked for."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came out, and enough to do it again."""

    clip: Clip
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


def run(request: Text2Video, tools: Tools, path: Path) -> Result:
    """Make the clip that the request asks for and write it to `path`, or where the writer put it.

    The request has nothing left open. Raises what the engine and the writer raise, and
    FacePassFailed, when the clip was made and is kept without the face pass.
    """
    watch = Stopwatch(tools.watch)
    tools = replace(tools, watch=watch)
    cast = tools.cast(request)
    clip = make(request, tools)
    found: list[Role] = []
    notes: tuple[str, ...] = ()
    if cast is not None:
        try:
            clip, found, notes = with_faces(clip, request, cast, tools)
        except Stopped:
            raise
        except EasyPhotoError as error:
            kept = write(clip, path, note=note_of(request, Scores()), watch=watch)
            raise FacePassFailed(error, kept) from error
    scores = scored(clip.frames, found, cast and cast.recogniser, watch)
    written = write(clip, path, note=note_of(request, scores), watch=watch)
    return Result(
        clip=clip,
        request=request,
        path=written,
        seconds=watch.seconds(),
        scores=scores,
        notes=notes,
    )


def note_of(request: Request, scores: Scores | None = None) -> str:
    """What a file says of how it was made: JSON text with the request as run, and the scores."""
    note = {"easyphoto_video": __version__, "request": request.to_json()}
    said = {**note, **({"scores": scores.to_json()} if scores else {})}
    return json.dumps(said, ensure_ascii=False)


def make(request: Request, tools: Tools) -> Clip:
    """The clip that the request asks for, before the face pass."""
    if isinstance(request, Text2Video):
        return text2video(request, tools)
    raise BadRequest("Mode", mode_of(request), "has no recipe", "Choose text2video.")


def text2video(job: Text2Video, tools: Tools) -> Clip:
    """Render from noise."""
    frames = tools.engine.render(Shot.of(job), tools.watch)
    return Clip(frames=frames, fps=job.fps)


def with_faces(
    clip: Clip, job: Text2Video, cast: Cast, tools: Tools
) -> tuple[Clip, list[Role], tuple[str, ...]]:
    """Follow everybody, choose whose face becomes whose, redraw it where it is.

    The clip, who was found, and what there is to say. A frame without the face stays as it was.
    """
    found, notes = roles(clip.frames, job, cast, tools.watch)
    if not job.face_pass or not found:
        return clip, found, notes
    frames = clip.frames.copy()
    for role in found:
        for rows in role.track.stretches():
            frames[rows] = redrawn(frames[rows], role.track[rows], role.person, job, cast, tools)
    return replace(clip, frames=frames), found, notes


def redrawn(
    frames: Frames, track: FaceTrack, person: Person, job: Text2Video, cast: Cast, tools: Tools
) -> Frames:
    """The face pass over neighbouring frames: cut out, fuse, render anew, blend back."""
    tools.watch("cutting out", 0.0)
    face = cut_out(frames, track, person, job)
    pictures = face.fused(face.pictures, job.fusion_before, job.color_match)
    if job.face_strength > 0:
        start = Start(frames=pictures, strength=job.face_strength, mask=face.redrawn)
        shot = Shot.of_face(job, person.name, start)
        pictures = tools.engine.render(shot, Within("face", tools.watch))
    tools.watch("blending", 0.0)
    pictures = face.matched(pictures, job.color_match)
    pictures = face.fused(pictures, job.fusion_after, job.color_match)
    pictures = face.retouched(pictures, job.skin_retouch)
    pictures = face.restored(pictures, cast.restorer, job.restore_weight)
    tools.watch("blending", 0.5)
    return np.asarray(face.put_back(frames, pictures))
