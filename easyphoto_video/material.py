"""The pictures and films that a request begins from: looked at when it is settled, read when it
runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Mask, Mix, Start, Weights
from easyphoto_video.errors import BadRequest
from easyphoto_video.faces.cutout import Allowed
from easyphoto_video.faces.face import Floats
from easyphoto_video.film import Film
from easyphoto_video.holding import Fading, animatediff, easyphoto, rising, steady
from easyphoto_video.request import Image2Video, Request, Video2Video
from easyphoto_video.video.cut import Cut, cut_of
from easyphoto_video.video.masks import masks_of
from easyphoto_video.video.read import open_video
from easyphoto_video.video.still import fitted, read_picture

LEAST, MOST = 64, 2048
"""px of a side that is chosen by us."""


def settled_material(request: Request, side: int) -> dict[str, Any]:
    """The fields that are chosen by the files that a request names; `side` px is the checkpoint's.

    Opens the files. Raises BadRequest, BadFile and Missing.
    """
    if isinstance(request, Image2Video):
        return _settled_pictures(request, side)
    if isinstance(request, Video2Video):
        return _settled_film(request, side)
    return {"width": request.width or side, "height": request.height or side}


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """One or two pictures, and how they hold over the frames of a clip."""

    pictures: Frames
    """(K, H, W, 3) uint8 RGB."""
    mix: Mix
    strengths: Weights
    """(N,)"""

    def start(self, rows: range) -> Start:
        """What the frames of these numbers begin from; beyond the clip it is as at its end."""
        at = np.minimum(rows, len(self.strengths) - 1)
        return Start(
            frames=self.pictures,
            strength=tuple(self.strengths[at].tolist()),
            mix=Mix(weights=self.mix.weights[at], noise=self.mix.noise[at]),
        )


def held_pictures(job: Image2Video) -> Held:
    """The pictures of a settled request in its size. Raises BadFile."""
    files = [job.image, *filter(None, [job.last_image])]
    pictures = [fitted(read_picture(file), job.width, job.height, job.fit) for file in files]
    frames, count = job.frames, len(pictures)
    strengths = np.full(frames, job.strength)
    if job.hold == "easyphoto":
        mix = easyphoto(frames, count)
    elif job.hold == "animatediff":
        mix = animatediff(frames, count, _fading(job))
    else:
        mix, strengths = steady(frames, count), rising(frames, count, job.strength)
    scheduled = job.over_frames("strength_schedule", range(frames))
    if scheduled:
        strengths = np.array(scheduled)
    return Held(pictures=np.stack(pictures), mix=mix, strengths=strengths)


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
    )


def film_size(job: Video2Video) -> tuple[int, int]:
    """Width and height of the film of a settled request, px. Raises BadFile and Missing."""
    cut = _cut(job)
    return cut.width, cut.height


def allowed_in(job: Request) -> Allowed | None:
    """What may change in each frame of the clip; None is everything."""
    if not isinstance(job, Video2Video) or not job.mask_video:
        return None
    cut, size = _cut(job), (job.width, job.height)

    def allowed(start: int, stop: int) -> Iterator[Floats]:
        for mask in masks_of(job.mask_video, cut, start, stop):
            fits = mask.shape == size[::-1]
            yield mask if fits else np.asarray(cv2.resize(mask, size), np.float32)

    return allowed


def stacked(frames: Iterator[Any], rows: range) -> Any:
    """What comes for these rows as one array; beyond its end the last is repeated."""
    there = list(frames)
    return np.stack([*there, *[there[-1]] * (len(rows) - len(there))])


def mask_of(allowed: Allowed | None, frames: int, rows: range) -> Mask | None:
    """(n, H, W) what may change in these of a clip's frames; None is everything."""
    return allowed and stacked(allowed(rows.start, min(rows.stop, frames)), rows)


def masked(drawn: Film, film: Film, allowed: Allowed) -> Film:
    """The drawn film where it may change, and the other elsewhere, to the bit."""

    def source(start: int, stop: int) -> Iterator[Frames]:
        each = zip(
            drawn.frames(start, stop), film.frames(start, stop), allowed(start, stop), strict=True
        )
        for new, old, share in each:
            mixed = old + share[..., None] * (new.astype(np.float32) - old)
            yield np.rint(mixed).astype(np.uint8)

    return replace(drawn, source=source)


def _fading(job: Image2Video) -> Fading:
    return Fading(
        power=job.latent_power,
        scale=job.latent_scale,
        power_last=job.latent_power_last,
        scale_last=job.latent_scale_last,
    )


def _cut(job: Video2Video) -> Cut:
    return cut_of(
        open_video(job.video),
        start=job.start_time,
        end=job.end_time or None,
        fps=job.fps or None,
        frames=job.frames,
    )


def _settled_pictures(request: Image2Video, side: int) -> dict[str, Any]:
    if not request.image:
        raise BadRequest("Image", "", "is missing", "Give the picture that the clip begins with.")
    if request.last_image and request.frames < 2:
        reason = "is too few for a first and a last picture"
        raise BadRequest("Frames", request.frames, reason, "Give 2 at least.")
    pictures = [read_picture(file) for file in (request.image, request.last_image) if file]
    height, width = pictures[0].shape[:2]
    return _size(request, width, height, side)


def _settled_film(request: Video2Video, side: int) -> dict[str, Any]:
    if not request.video:
        raise BadRequest("Video", "", "is missing", "Give the film to begin from.")
    cut = _cut(request)
    chosen = {"frames": cut.count, "fps": Fraction(cut.fps)}
    if request.mask_video:
        next(masks_of(request.mask_video, cut, 0, 1))
    if request.redraws:
        return {**chosen, **_size(request, cut.width, cut.height, side)}
    width, height = request.width or cut.width, request.height or cut.height
    return {**chosen, "width": width, "height": height}


def _size(request: Request, width: int, height: int, side: int) -> dict[str, Any]:
    """Width and height to render at: those asked for, or the shape of what is given with its
    shorter side as the checkpoint's, both multiples of 8."""
    scale = side / min(width, height)
    chosen = {
        "width": request.width or _rounded(width * scale),
        "height": request.height or _rounded(height * scale),
    }
    for label, value in (("Width", chosen["width"]), ("Height", chosen["height"])):
        if value % 8:
            step = f"Give {value // 8 * 8 or 8} or {value // 8 * 8 + 8}."
            raise BadRequest(label, value, "is not a multiple of 8, as it is rendered", step)
    return chosen


def _rounded(side: float) -> int:
    return min(MOST, max(LEAST, 8 * round(side / 8)))
