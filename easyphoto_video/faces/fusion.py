"""Fusion: a reference picture's face over the one in a crop.

The frame keeps its mouth, which speaks, its eyes where they are closed, and its light.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.bend import Reference
from easyphoto_video.faces.colour import tone, toned, tones
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.level import levelled
from easyphoto_video.faces.mask import eyes_mask, face_mask, mouth_mask

EYES = (((159, 145), (33, 133)), ((386, 374), (362, 263)))
"""Upper and lower lid and the two corners, of the left and of the right eye in the mesh."""
CLOSED, OPEN = 0.35, 0.7
"""An eye's opening in the frame by that in the reference: from closed to wholly open."""
LEVELLING = 4.0
"""Frames to both sides over which the colours are levelled."""
SHADE = 0.2
"""Sizes of the face: coarser light and shade is the frame's, finer the reference's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Crops:
    """One face in n crops; places in px of the crop."""

    frames: Frames
    """(n, h, w, 3) uint8 RGB."""
    points: Floats
    """(n, 5, 2)."""
    dense: Floats | None
    """(n, 468, 2)."""
    face: float
    """Size of the face, px."""

    @property
    def size(self) -> tuple[int, int]:
        """(w, h) px."""
        return self.frames.shape[2], self.frames.shape[1]

    @property
    def places(self) -> Iterator[tuple[Floats, Floats | None]]:
        """The five and the dense points of each crop."""
        for index, points in enumerate(self.points):
            yield points, None if self.dense is None else self.dense[index]


def fuse(crops: Crops, reference: Reference, ratio: float, *, eyes: float = 1.0) -> Frames:
    """(n, h, w, 3) uint8: the crops with the reference's face laid over theirs by `ratio` 0..1.

    Where the frame's eyes are open they are the reference's by `eyes` 0..1 instead of `ratio`: two
    pairs of eyes through each other look like nobody's. Ratio 0 gives the same array.
    """
    if ratio == 0:
        return crops.frames
    masks = [face_mask(*place, crops.size, crops.face) for place in crops.places]
    looks = levelled(tones(crops.frames, np.stack(masks)), LEVELLING)
    fused = []
    for frame, place, mask, look in zip(crops.frames, crops.places, masks, looks, strict=True):
        bent = reference.bent(*place, crops.size)
        shown = mask * bent.trust
        in_tone = toned(bent.picture, tone(bent.picture, shown), look)
        in_light = _lit(in_tone, frame, shown, SHADE * crops.face)
        weight = _weight(ratio * mask, eyes * mask, reference, place[1], crops)
        fused.append(_over(frame, in_light, weight * bent.trust))
    return np.stack(fused)


def eye_openings(dense: Floats) -> tuple[float, float]:
    """Height by width of the left and of the right eye."""
    left, right = (
        float(np.linalg.norm(dense[upper] - dense[lower]))
        / max(float(np.linalg.norm(dense[one] - dense[other])), 1e-6)
        for (upper, lower), (one, other) in EYES
    )
    return left, right


def _weight(
    weight: Floats, eyes: Floats, reference: Reference, dense: Floats | None, crops: Crops
) -> Floats:
    """(h, w) 0..1 how much of the reference each pixel takes."""
    if dense is None or reference.dense is None:
        return weight
    parts = eyes_mask(dense, crops.size, crops.face)
    openings = zip(eye_openings(dense), eye_openings(reference.dense), strict=True)
    for part, (own, theirs) in zip(parts, openings, strict=True):
        is_open = np.clip((own / max(theirs, 1e-6) - CLOSED) / (OPEN - CLOSED), 0, 1)
        weight = np.asarray(weight + part * (eyes * float(is_open) - weight), np.float32)
    return np.asarray(weight * (1 - mouth_mask(dense, crops.size, crops.face)), np.float32)


def _lit(picture: Frames, frame: Frames, mask: Floats, sigma: float) -> Floats:
    """(h, w, 3) float32: the picture's fine parts on the frame's coarse light and shade."""
    difference = (frame.astype(np.float32) - picture) * mask[..., None]
    # Averaged over the face alone, or hair and background would shine in.
    total = cv2.GaussianBlur(difference, (0, 0), sigma)
    share = np.maximum(cv2.GaussianBlur(mask, (0, 0), sigma), 1e-3)
    return (picture + total / share[..., None]).astype(np.float32)


def _over(frame: Frames, picture: Floats, weight: Floats) -> Frames:
    out = frame + weight[..., None] * (picture - frame)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)
