"""One person's face through a stretch of frames, cut out: what is redrawn, and how it goes back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.face_settings import FaceSettings
from easyphoto_video.faces.blend import blend
from easyphoto_video.faces.cast import Person, Restorer
from easyphoto_video.faces.colour import match_colour
from easyphoto_video.faces.crop import CropPlan, Views, cut, to_crop, views
from easyphoto_video.faces.face import FaceTrack, Floats
from easyphoto_video.faces.fusion import Crops, Reference, fuse
from easyphoto_video.faces.mask import face_mask, redraw_mask
from easyphoto_video.faces.retouch import restored, retouched


@dataclass(frozen=True, kw_only=True, eq=False)
class Cutout:
    """A face cut out of neighbouring frames; make it with `cut_out`.

    Every stage takes pictures (n, s, s, 3) uint8 RGB and gives such; at 0 it gives the same array.
    """

    path: Views
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

    def put_back(self, frames: Frames, pictures: Frames) -> Frames:
        """(n, H, W, 3) the frames with these pictures where the face was cut out."""
        return np.stack(list(blend(frames, pictures, self.path, self.masks)))


def cut_out(frames: Frames, track: FaceTrack, person: Person, job: FaceSettings) -> Cutout:
    """The track's face out of (n, H, W, 3) frames, in all of which it is present."""
    size = (job.face_size, job.face_size)
    plan = CropPlan(width=size[0], height=size[1], ratio=job.face_crop)
    path = views(track, plan)
    dense = None if track.dense is None else _through(track.dense, path)
    crops = Crops(
        frames=np.stack([cut(frame, view, size) for frame, view in zip(frames, path, strict=True)]),
        points=_through(track.points, path),
        dense=dense,
        face=plan.face,
    )
    at = zip(crops.points, [None] * len(path) if dense is None else dense, strict=True)
    masks = [face_mask(*each, size, plan.face, feather=job.face_feather) for each in at]
    source = Reference(person.picture, person.face, plan.face)
    return Cutout(path=path, crops=crops, masks=np.stack(masks), source=source)


def _through(points: Floats, path: Views) -> Floats:
    """(n, ..., 2) px of the frames -> px of the crops."""
    return np.stack([to_crop(each, view) for each, view in zip(points, path, strict=True)])
