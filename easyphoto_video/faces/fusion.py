"""Fusion: a reference picture's face over the one in a crop.

The frame keeps its mouth, which speaks, its eyes where they are closed, and its light.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames
from easyphoto_video.faces.bend import Reference
from easyphoto_video.faces.colour import tone, toned, tones
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.level import levelled
from easyphoto_video.faces.mask import eyes_mask, face_mask, mouth_mask, sockets_mask

EYES = (((159, 145), (33, 133)), ((386, 374), (362, 263)))
"""Upper and lower lid and the two corners, of the left and of the right eye in the mesh."""
CLOSED, OPEN = 0.72, 0.9
"""An eye's opening by the widest of the clip: from closed to open. The mesh sees little of lids, a
closed eye is three quarters as high to it, so only the person herself can be the measure."""
SHUT = 0.2
"""From this share of the reference's eyes downwards the frame keeps all around its own, too."""
WIDEST = 90
"""Percentile of the openings that is taken for the widest; the mesh's outliers lie above."""
LEVELLING = 4.0
"""Frames to both sides over which the colours are levelled."""
SHADE = 0.2
"""Sizes of the face: coarser light and shade is the frame's, finer the reference's."""
SMALLER = 8
"""How much smaller the light is worked out."""
HALF_SHOWN = 0.5
"""Share of an eye that a reference must show for it to be taken."""


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


def fuse(
    crops: Crops, reference: Reference, ratio: float, *, eyes: float = 1.0, light: float = 1.0
) -> Frames:
    """(n, h, w, 3) uint8: the crops with the reference's face laid over theirs by `ratio` 0..1.

    Where the frame's eyes are open they are the reference's by `eyes` 0..1 instead of `ratio`: two
    pairs of eyes through each other look like nobody's. `light` 0..1 is how far the reference takes
    on the frame's light and colour; at 0 it keeps its own skin. Ratio 0 gives the same array.
    """
    if ratio == 0:
        return crops.frames
    masks = [face_mask(*place, crops.size, crops.face) for place in crops.places]
    looks = levelled(tones(crops.frames, np.stack(masks)), LEVELLING)
    shares = eyes * eyes_open(crops.dense) if crops.dense is not None else np.ones(len(masks))
    fused = []
    for index, (frame, place) in enumerate(zip(crops.frames, crops.places, strict=True)):
        bent = reference.bent(*place, crops.size)
        shown = masks[index] * bent.trust
        in_tone = toned(bent.picture, tone(bent.picture, shown), looks[index], light)
        lit = _lit(in_tone, frame, shown, SHADE * crops.face)
        in_light = np.asarray(in_tone + light * (lit - in_tone), np.float32)
        weight = ratio * shown
        if place[1] is not None and reference.dense is not None:
            weight = _parted(weight, bent.trust, place[1], crops.face, float(shares[index]))
        fused.append(_over(frame, in_light, weight))
    return np.stack(fused)


def eyes_open(dense: Floats) -> npt.NDArray[np.float64]:
    """(n,) 0..1 how far both eyes are open in each of n frames (n, 468, 2)."""
    openings = np.array([eye_openings(points) for points in dense])
    by_widest = openings / np.maximum(np.percentile(openings, WIDEST, axis=0), 1e-6)
    return np.clip((by_widest.min(axis=1) - CLOSED) / (OPEN - CLOSED), 0, 1)


def eye_openings(dense: Floats) -> tuple[float, float]:
    """Height by width of the left and of the right eye."""
    left, right = (
        float(np.linalg.norm(dense[upper] - dense[lower]))
        / max(float(np.linalg.norm(dense[one] - dense[other])), 1e-6)
        for (upper, lower), (one, other) in EYES
    )
    return left, right


def _parted(weight: Floats, trust: Floats, dense: Floats, face: float, eyes: float) -> Floats:
    """The weight with both eyes at `eyes` and none on the mouth."""
    size = weight.shape[1], weight.shape[0]
    parts = eyes_mask(dense, size, face)
    # One eye of each would squint: where the reference shows only one, the frame keeps both.
    shown = min(float((part * trust).sum() / max(part.sum(), 1e-6)) for part in parts)
    share = eyes if shown > HALF_SHOWN else 0.0
    both = np.maximum(*parts)
    # The mesh draws a shut eye small; the reference's open one would stand out around it.
    shut = max(0.0, 1 - share / SHUT)
    around = weight * (1 - shut * sockets_mask(dense, size))
    taken = around + both * (share * trust - around)
    return (taken * (1 - mouth_mask(dense, size, face))).astype(np.float32)


def _lit(picture: Frames, frame: Frames, mask: Floats, sigma: float) -> Floats:
    """(h, w, 3) float32: the picture's fine parts on the frame's coarse light and shade."""
    difference = (frame.astype(np.float32) - picture) * mask[..., None]
    # Averaged over the face alone, or hair and background would shine in; and at an eighth of the
    # size, since what is that soft has no detail to lose.
    sums = np.concatenate([difference, mask[..., None]], axis=2)
    small = cv2.resize(sums, None, fx=1 / SMALLER, fy=1 / SMALLER, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / SMALLER)
    soft = cv2.resize(soft, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return (picture + soft[..., :3] / np.maximum(soft[..., 3:], 1e-3)).astype(np.float32)


def _over(frame: Frames, picture: Floats, weight: Floats) -> Frames:
    out = frame + weight[..., None] * (picture - frame)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)
