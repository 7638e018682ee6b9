"""Who is in a clip, and how well it shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.face_settings import FaceSettings
from easyphoto_video.faces.cast import Cast, Person
from easyphoto_video.faces.face import FaceTrack, Recogniser
from easyphoto_video.faces.score import FlickerMeter, Likeness, Scores, faces_in
from easyphoto_video.faces.track import TrackPlan, assigned, follow
from easyphoto_video.watch import Watch, unwatched

STAGE = "scoring"
UNMEASURED = (
    "Likeness was not measured, since there is no face recognition: it needs the packages "
    "insightface and onnxruntime and a pack, see docs/faces.md."
)


@dataclass(frozen=True, eq=False)
class Role:
    """A person, and the face in the clip that is or becomes hers."""

    person: Person
    track: FaceTrack


def roles(
    frames: Iterable[Frames],
    job: FaceSettings,
    cast: Cast,
    watch: Watch = unwatched,
    total: int = 0,
) -> tuple[list[Role], tuple[str, ...]]:
    """Follow everybody and give each of the cast a face, and say who got none.

    `total` is the number of frames, where `frames` does not know it.
    """
    plan = TrackPlan(stride=job.face_stride, smoothing=job.face_smoothing)
    count = len(frames) if isinstance(frames, np.ndarray) else total
    tracks = follow(frames, cast.detector, cast.recogniser, plan, total=count, watch=watch)
    numbers = assigned(tracks, [person.face.embedding for person in cast.people], plan.alike)
    found = [
        Role(person, tracks[number])
        for person, number in zip(cast.people, numbers, strict=True)
        if number is not None
    ]
    return found, tuple(_notes(cast, numbers, is_pass=job.face_pass))


def _notes(cast: Cast, numbers: Sequence[int | None], *, is_pass: bool) -> Iterator[str]:
    if all(number is None for number in numbers):
        redraws = " The clip is as it was before the face pass." if is_pass else ""
        yield f"No face was found in any frame.{redraws}"
        return
    for person, number in zip(cast.people, numbers, strict=True):
        if number is None:
            yield f"There is no further face for the user id {person.name}."
    if cast.recogniser is None:
        yield UNMEASURED


def scored(
    frames: Iterable[Frames],
    found: Sequence[Role],
    recogniser: Recogniser | None,
    watch: Watch = unwatched,
    count: int = 0,
) -> Scores:
    """What can be measured of the frames (H, W, 3), one after the other; `count` where known."""
    meter = FlickerMeter()
    cosines: list[list[float | None]] = [[] for _ in found]
    count = count or (len(found[0].track.boxes) if found else 0)
    for number, frame in enumerate(frames):
        watch(STAGE, number / count if count else 0.0)
        meter.add(frame, faces_in([role.track for role in found], number, frame.shape[:2]))
        for role, row in zip(found, cosines, strict=True):
            row.append(_cosine(frame, number, role, recogniser))
    told = [
        (role.person.name, Likeness(tuple(row))) for role, row in zip(found, cosines, strict=True)
    ]
    return Scores(
        identity=told[0][1] if told else None,
        others=tuple(told[1:]),
        flicker=meter.result(),
        frames_without_face=int((~found[0].track.present).sum()) if found else None,
    )


def _cosine(frame: Frames, number: int, role: Role, recogniser: Recogniser | None) -> float | None:
    reference, track = role.person.face.embedding, role.track
    if recogniser is None or reference is None or not track.present[number]:
        return None
    return float(recogniser.embed(frame, track.points[number]) @ reference)
