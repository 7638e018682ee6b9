"""One person's face through a stretch of frames, cut out: what is redrawn, and how it goes back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.face_settings import FaceSettings
from easyphoto_video.faces.blend import blend
from easyphoto_video.faces.cast import Person, Restorer
from easyphoto_video.faces.colour import match_colour
from easyphoto_video.faces.crop import CropPlan, Views, cut, seen, to_crop, views
from easyphoto_video.faces.face import FaceTrack, Floats
from easyphoto_video.faces.fusion import Crops, Reference, fuse
from easyphoto_video.faces.mask import face_mask, redraw_mask
from easyphoto_video.faces.retouch import restored, retouched

Allowed = Callable[[int, int], Iterator[Floats]]
"""(start, stop) -> (H, W) 0..1 of each frame, what may change in it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cutout:
    """A face cut out of neighbouring frames; make it with `cut_out`.

    Every stage takes pictures (n, s, s, 3) uint8 RGB and gives such; at 0 it gives the same array.
    """

    crops: Crops
    masks: Floats
    """(n, s, s), what is blended in."""
    source: Reference

    @property
    def pictures(self) -> Frames:
        """(n, s, s, 3) uint8 RGB, as they were cut out."""
        return self.crops.frames

    @property
    def redrawn(self) -> Floats:
        """(n, s, s) 0 or 1: what is rendered anew, wholly wherever a little of it is blended in."""
        return np.stack([redraw_mask(mask) for mask in self.masks])

    def fused(self, pictures: Frames, ratio: float, light: float) -> Frames:
        """With the reference's face laid over, by `light` in that of the pictures."""
        if ratio == 0:
            return pictures
        return fuse(replace(self.crops, frames=pictures), self.source, ratio, light=light)

    def matched(self, pictures: Frames, amount: float) -> Frames:
        """In the light and colour of what was cut out."""
        return match_colour(pictures, self.pictures, self.masks, amount)

    def retouched(self, pictures: Frames, amount: float) -> Frames:
        """With even skin."""
        return retouched(self.crops, pictures, self.masks, amount)

    def restored(self, pictures: Frames, restorer: Restorer | None, amount: float) -> Frames:
        """As a restorer sharpens them."""
        if restorer is None or amount == 0:
            return pictures
        return np.stack([restored(picture, restorer, amount) for picture in pictures])


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """Where a face lies in each frame of a clip, and where it may be drawn anew."""

    track: FaceTrack
    path: Views
    """(F, 2, 3), NaN in frames without the face."""
    plan: CropPlan
    feather: float
    allowed: Allowed | None = None
    """What may change in each frame; None is everything."""

    @classmethod
    def of(cls, track: FaceTrack, job: FaceSettings, allowed: Allowed | None = None) -> Place:
        """The place that a request's settings give a track."""
        plan = CropPlan(width=job.face_size, height=job.face_size, ratio=job.face_crop)
        return cls(
            track=track,
            path=views(track, plan),
            plan=plan,
            feather=job.face_feather,
            allowed=allowed,
        )

    def masks(self, start: int, stop: int) -> Iterator[Floats]:
        """(s, s) what is blended in, of frames in all of which the face is present."""
        if self.allowed is None:
            whole: Iterator[Floats | None] = itertools.repeat(None)
        else:
            whole = iter(self.allowed(start, stop))
        for number, allowed in zip(range(start, stop), whole, strict=False):
            yield self._mask(number, allowed)

    def _mask(self, number: int, allowed: Floats | None) -> Floats:
        view, track, size = self.path[number], self.track, (self.plan.width, self.plan.height)
        dense = None if track.dense is None else to_crop(track.dense[number], view)
        points = to_crop(track.points[number], view)
        mask = face_mask(points, dense, size, self.plan.face, feather=self.feather)
        return mask if allowed is None else mask * seen(allowed, view, size)


def cut_out(frames: Iterable[Frames], place: Place, rows: range, person: Person) -> Cutout:
    """The face out of the frames (H, W, 3) of these numbers, in all of which it is present."""
    path, size = place.path[rows.start : rows.stop], (place.plan.width, place.plan.height)
    track = place.track[rows.start : rows.stop]
    crops = Crops(
        frames=np.stack([cut(frame, view, size) for frame, view in zip(frames, path, strict=True)]),
        points=_through(track.points, path),
        dense=None if track.dense is None else _through(track.dense, path),
        face=place.plan.face,
    )
    return Cutout(
        crops=crops,
        masks=np.stack(list(place.masks(rows.start, rows.stop))),
        source=Reference(person.picture, person.face, place.plan.face),
    )


def put_back(
    frames: Iterable[Frames], pictures: Iterable[Frames], place: Place, rows: range
) -> Iterator[Frames]:
    """The frames (H, W, 3) of these numbers with the pictures where the face was cut out."""
    path = place.path[rows.start : rows.stop]
    return blend(frames, pictures, path, place.masks(rows.start, rows.stop))


def _through(points: Floats, path: Views) -> Floats:
    """(n, ..., 2) px of the frames -> px of the crops."""
    return np.stack([to_crop(each, view) for each, view in zip(points, path, strict=True)])
