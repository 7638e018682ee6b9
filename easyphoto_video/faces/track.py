"""Following: from frames, one after the other, to a track for each person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Detector, FaceTrack, Floats, Recogniser
from easyphoto_video.faces.paths import Paths, Trail
from easyphoto_video.faces.smooth import filled, smoothed
from easyphoto_video.watch import Watch, unwatched

STAGE = "finding faces"
SMALL = (48, 27)
"""px of the pictures by which scenes are told apart."""
CUT = 0.35
"""Share of the picture's grey levels that must move to others to be a cut."""
THOROUGH = 4
"""Of so many searches on the stride one is for small faces too."""
PATIENCE = 12
"""Frames for which somebody who was lost is searched in each; then on the stride again."""


@dataclass(frozen=True, kw_only=True)
class TrackPlan:
    """How to follow."""

    stride: int = 6
    """Faces are searched in every so manieth frame; between, those that are known are followed."""
    smoothing: float = 1.5
    """Frames, see `smoothed`; 0 is off."""
    gap: int = 8
    """Frames for which somebody may be out of sight and is thought to go on; 0 fills nothing."""
    alike: float = 0.45
    """Cosine from which on two faces are one person's."""
    least: int = 5
    """Frames in which somebody must be seen, or half of a shorter clip."""


def follow(
    frames: Iterable[Frames],
    detector: Detector,
    recogniser: Recogniser | None = None,
    plan: TrackPlan | None = None,
    *,
    total: int = 0,
    watch: Watch = unwatched,
) -> list[FaceTrack]:
    """A track for each person, the largest first; looks at each picture (H, W, 3) once.

    `total` is the number of frames where it is known, for the watch's stage "finding faces".
    Memory holds the tracks and two pictures. Raises what the models and the watch raise.
    """
    plan = plan or TrackPlan()
    paths = Paths(detector, recogniser, plan.alike)
    cuts: list[bool] = []
    before = None
    lost_for = PATIENCE
    for frame, picture in enumerate(frames):
        watch(STAGE, frame / total if total else 0.0)
        levels = _levels(picture)
        cuts.append(before is not None and _moved(before, levels) > CUT)
        before = levels
        if cuts[-1]:
            paths.cut()
        known = len(paths.live)
        is_whole = paths.go_on(frame, picture)
        is_due = frame % plan.stride == 0 or cuts[-1]
        if is_due or (not is_whole and lost_for < PATIENCE):
            # A picture without any large face costs many looks, so it gets them now and then.
            is_thorough = cuts[-1] or frame % (plan.stride * THOROUGH) == 0
            paths.look(frame, picture, small=is_thorough)
        lost_for = 0 if is_whole or len(paths.live) >= max(known, 1) else lost_for + 1
        if is_due:
            paths.remember(frame, picture)
    tracks = [_track(path, np.array(cuts), plan) for path in paths.paths]
    least = min(plan.least, (len(cuts) + 1) // 2)
    return sorted((track for track in tracks if track.seen.sum() >= least), key=_presence)


def chosen(tracks: Sequence[FaceTrack], reference: Floats | None, alike: float) -> int | None:
    """The track of whom the reference embedding shows, else the largest; None without any."""
    if not tracks:
        return None
    return assigned(tracks, [reference], alike)[0]


def assigned(
    tracks: Sequence[FaceTrack], references: Sequence[Floats | None], alike: float
) -> list[int | None]:
    """For each reference the number of its track: first those that are alike, the most alike
    first; then the largest of the others in turn. None where no track is left."""
    pairs = [
        (float(track.embedding @ reference), who, number)
        for who, reference in enumerate(references)
        for number, track in enumerate(tracks)
        if reference is not None and track.embedding is not None
    ]
    found: list[int | None] = [None] * len(references)
    for cosine, who, number in sorted(pairs, key=lambda pair: -pair[0]):
        if cosine >= alike and found[who] is None and number not in found:
            found[who] = number
    for who, number in enumerate(found):
        if number is None:
            found[who] = next((n for n in range(len(tracks)) if n not in found), None)
    return found


def _track(path: Trail, cuts: npt.NDArray[np.bool_], plan: TrackPlan) -> FaceTrack:
    count, rows = len(cuts), sorted(path.faces)
    faces = [path.faces[row] for row in rows]
    seen = np.zeros(count, bool)
    seen[rows] = True
    scores = np.full(count, np.nan, np.float32)
    scores[rows] = [face.score for face in faces]
    dense = None
    if all(face.dense is not None for face in faces):
        dense = _spread([face.dense for face in faces], rows, cuts, plan)
    embeddings = None
    if path.embeddings:
        embeddings = np.full((count, next(iter(path.embeddings.values())).size), np.nan, np.float32)
        for row, embedding in path.embeddings.items():
            embeddings[row] = embedding
    return FaceTrack(
        boxes=_spread([face.box for face in faces], rows, cuts, plan),
        points=_spread([face.points for face in faces], rows, cuts, plan),
        dense=dense,
        seen=seen,
        scores=scores,
        cuts=cuts,
        embeddings=embeddings,
        embedding=path.embedding,
    )


def _spread(
    values: Sequence[Floats | None], rows: list[int], cuts: npt.NDArray[np.bool_], plan: TrackPlan
) -> Floats:
    """Values at their rows, gaps filled, each stretch of a scene smoothed."""
    known = np.stack([np.asarray(value) for value in values])
    path = np.full((len(cuts), *known.shape[1:]), np.nan, np.float32)
    path[rows] = known
    path = filled(path, plan.gap, cuts)
    there = np.isfinite(path.reshape(len(path), -1)[:, 0])
    for start, stop in stretches(there, cuts):
        path[start:stop] = smoothed(path[start:stop], plan.smoothing)
    return path


def stretches(there: npt.NDArray[np.bool_], cuts: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """[start, stop) of frames that are there, broken at cuts."""
    found: list[tuple[int, int]] = []
    for frame in np.flatnonzero(there):
        if found and found[-1][1] == frame and not cuts[frame]:
            found[-1] = (found[-1][0], int(frame) + 1)
        else:
            found.append((int(frame), int(frame) + 1))
    return found


def _presence(track: FaceTrack) -> float:
    """For sorting: how much of the clip somebody covers, the most first."""
    sizes = (track.boxes[:, 2] - track.boxes[:, 0]) * (track.boxes[:, 3] - track.boxes[:, 1])
    return -float(np.nansum(sizes))


def _levels(picture: Frames) -> Floats:
    """Histograms of a small picture's channels, in ninths, each with the sum 1."""
    small = cv2.resize(picture, SMALL, interpolation=cv2.INTER_AREA)
    parts = [np.bincount(small[..., c].ravel() // 16, minlength=16) for c in range(3)]
    return (np.stack(parts) / (SMALL[0] * SMALL[1])).astype(np.float32)


def _moved(before: Floats, now: Floats) -> float:
    return float(np.abs(before - now).sum(axis=1).max() / 2)
