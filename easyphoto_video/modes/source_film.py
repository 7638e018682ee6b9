"""The film that a video2video begins from: looked at when it is settled, read when it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Mask
from easyphoto_video.errors import BadRequest
from easyphoto_video.faces.cutout import Allowed
from easyphoto_video.faces.face import Floats
from easyphoto_video.family import Family
from easyphoto_video.film import Film
from easyphoto_video.modes.video2video import Video2Video
from easyphoto_video.sizes import size_like
from easyphoto_video.video.cut import Cut, cut_of
from easyphoto_video.video.masks import masks_of
from easyphoto_video.video.read import open_video
from easyphoto_video.video.still import fitted


def settled_film(request: Video2Video, family: Family) -> dict[str, Any]:
    """Length, rate and size that the film chooses, where it is rendered as large as the family's.

    Opens the files. Raises BadRequest, BadFile and Missing.
    """
    if not request.video:
        raise BadRequest("Video", "", "is missing", "Give the film to begin from.")
    cut = _cut(request)
    chosen = {"frames": cut.count, "fps": Fraction(cut.fps)}
    if request.mask_video:
        next(masks_of(request.mask_video, cut, 0, 1))
    if request.redraws:
        return {**chosen, **size_like(request, cut.width, cut.height, family)}
    width, height = request.width or cut.width, request.height or cut.height
    return {**chosen, "width": width, "height": height}


def source_film(job: Video2Video) -> Film:
    """The film of a settled request, cut to its time and in its size. Raises BadFile, Missing."""
    cut = _cut(job)

    def source(start: int, stop: int) -> Iterator[Frames]:
        for frame in cut.frames(start, stop):
            yield fitted(frame, job.width, job.height)

    return Film(
        width=job.width,
        height=job.height,
        count=cut.count,
        fps=cut.fps,
        sound=cut.sound,
        source=source,
        allowed=_allowed_in(job),
    )


def film_size(job: Video2Video) -> tuple[int, int]:
    """Width and height of the film of a settled request, px. Raises BadFile and Missing."""
    cut = _cut(job)
    return cut.width, cut.height


def stacked(frames: Iterator[Any], rows: range) -> Any:
    """What comes for these rows as one array; beyond its end the last is repeated."""
    there = list(frames)
    return np.stack([*there, *[there[-1]] * (len(rows) - len(there))])


def mask_of(allowed: Allowed | None, frames: int, rows: range) -> Mask | None:
    """(n, H, W) what may change in these of a clip's frames; None is everything."""
    return allowed and stacked(allowed(rows.start, min(rows.stop, frames)), rows)


def masked(drawn: Film, film: Film) -> Film:
    """The drawn film where it may change, and the other elsewhere, to the bit."""
    allowed = film.allowed
    assert allowed is not None

    def source(start: int, stop: int) -> Iterator[Frames]:
        each = zip(
            drawn.frames(start, stop), film.frames(start, stop), allowed(start, stop), strict=True
        )
        for new, old, share in each:
            mixed = old + share[..., None] * (new.astype(np.float32) - old)
            yield np.rint(mixed).astype(np.uint8)

    return replace(drawn, source=source)


def _allowed_in(job: Video2Video) -> Allowed | None:
    """What may change in each frame of the clip; None is everything."""
    if not job.mask_video:
        return None
    cut, size = _cut(job), (job.width, job.height)

    def allowed(start: int, stop: int) -> Iterator[Floats]:
        for mask in masks_of(job.mask_video, cut, start, stop):
            fits = mask.shape == size[::-1]
            yield mask if fits else np.asarray(cv2.resize(mask, size), np.float32)

    return allowed


def _cut(job: Video2Video) -> Cut:
    return cut_of(
        open_video(job.video),
        start=job.start_time,
        end=job.end_time or None,
        fps=job.fps or None,
        frames=job.frames,
    )
