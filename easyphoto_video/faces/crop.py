"""Crops: a view that goes with a face, cut out of each frame.

A view is a (2, 3) float64 matrix from the pixels of the crop to those of the frame: a turn, a scale
and a shift. Pixel centres lie at whole numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import FaceTrack, Floats
from easyphoto_video.faces.level import levelled
from easyphoto_video.family import SD1

Views = npt.NDArray[np.float64]
"""(F, 2, 3) or, for one frame, (2, 3)."""

STEP = SD1.factor
"""px; a crop is rendered, so its sides are whole latents."""
BLUR = 0.4
"""Of the low-pass before shrinking by f, in px of the source: BLUR * sqrt(f^2 - 1)."""


@dataclass(frozen=True, kw_only=True)
class CropPlan:
    """What a crop is to be."""

    width: int = 512
    """px, a multiple of 8."""
    height: int = 512
    """px, a multiple of 8."""
    ratio: float = 1.8
    """Shorter side of the crop in sizes of the face; the size is the longer side of its box."""
    aligned: bool = True
    """Whether the crop turns with the head, so that the face always stands upright in it."""
    steadiness: float = 8.0
    """Frames to both sides over which the size of the view is levelled; 0 is off."""

    def __post_init__(self) -> None:
        if any(side < STEP or side % STEP for side in (self.width, self.height)):
            size = f"{self.width}x{self.height}"
            raise ValueError(f"a crop's sides are multiples of {STEP}, not {size}")
        if self.ratio <= 0:
            raise ValueError(f"a crop is larger than 0 faces, not {self.ratio}")

    @property
    def face(self) -> float:
        """Size of the face in the crop, px: the same in every frame."""
        return min(self.width, self.height) / self.ratio


def views(track: FaceTrack, plan: CropPlan) -> Views:
    """(F, 2, 3), where the crop lies in each frame; NaN where the track has no face.

    Size, place and turn come from the eyes and the mouth's corners, and the box only tells, once
    for the clip, how much larger the face is and where its middle is: a mouth that opens moves the
    box, but not the crop. Nothing is levelled over a gap or a cut.
    """
    out = np.full((len(track.boxes), 2, 3), np.nan)
    for rows in track.stretches():
        out[rows] = _views_of_run(track.boxes[rows], track.points[rows], plan)
    return out


def cut(picture: Frames, view: Views, size: tuple[int, int]) -> Frames:
    """The crop, (h, w, 3) uint8 of `size` (w, h); beyond the border its edge goes on."""
    return resample(picture, view, size)


def seen(mask: Floats, view: Views, size: tuple[int, int]) -> Floats:
    """A mask (H, W) 0..1 of the frame as the crop shows it, (h, w) of `size` (w, h)."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out = cv2.warpAffine(mask, view, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.float32)


def to_crop(points: Floats, view: Views) -> Floats:
    """(..., 2) px of the frame -> px of the crop."""
    return _moved(points, inverse(view))


def to_frame(points: Floats, view: Views) -> Floats:
    """(..., 2) px of the crop -> px of the frame."""
    return _moved(points, view)


def inverse(view: Views) -> Views:
    """The way back, (2, 3)."""
    back = np.linalg.inv(view[:, :2])
    return np.concatenate([back, -back @ view[:, 2:]], axis=1).astype(np.float64)


def scale_of(view: Views) -> float:
    """How many px of the frame one px of the crop spans."""
    return math.hypot(view[0, 0], view[1, 0])


def finer(view: Views, factor: float) -> Views:
    """The view of a crop that has `factor` times the pixels along each side."""
    shift = (1 / factor - 1) / 2
    return view @ np.array([[1 / factor, 0, shift], [0, 1 / factor, shift], [0, 0, 1]])


def resample(picture: Frames, view: Views, size: tuple[int, int]) -> Frames:
    """The picture through a view, (h, w, 3) uint8 of `size` (w, h).

    Lanczos over 8 px; where the view shrinks, after a low-pass that grows with the factor, so that
    a slow zoom shows no step.
    """
    sigma = BLUR * math.sqrt(max(scale_of(view) ** 2 - 1, 0))
    source = cv2.GaussianBlur(picture, (0, 0), sigma) if sigma > 0.05 else picture
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    # A mirrored border would put a second mouth under a face that is close to it.
    out = cv2.warpAffine(source, view, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


def upright(points: Floats | Views) -> npt.NDArray[np.complex128]:
    """(..., 5, 2) -> (...): the direction to the face's right as a complex number, x + iy.

    Its length is the face's measure: the eyes' distance and that from the eyes to the mouth
    together, of which a head that turns or nods shortens only one.
    """
    at = points[..., 0] + 1j * points[..., 1]
    across = at[..., 1] - at[..., 0]
    down = at[..., 3:].mean(axis=-1) - at[..., :2].mean(axis=-1)
    # What lies below, turned back by a quarter, lies to the right: y points down.
    along = across + down / 1j
    length = np.hypot(np.abs(across), np.abs(down))
    return np.asarray(along / np.maximum(np.abs(along), 1e-9) * length, np.complex128)


def _moved(points: Floats, matrix: Views) -> Floats:
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)


def _centres(boxes: Floats) -> Views:
    return (boxes[:, :2].astype(np.float64) + boxes[:, 2:]) / 2


def _sizes(boxes: Floats) -> Views:
    return (boxes[:, 2:].astype(np.float64) - boxes[:, :2]).max(axis=1)


def _views_of_run(boxes: Floats, points: Floats, plan: CropPlan) -> Views:
    along = upright(points.astype(np.float64))
    measure = np.maximum(np.abs(along), 1e-6)
    centres = _centres(boxes) @ np.array([1, 1j])
    features = (points[:, :2].mean(axis=1) + points[:, 3:].mean(axis=1)) / 2 @ np.array([1, 1j])
    # In the face's own axes the box's middle and size hardly change: one figure for the clip.
    offsets = (centres - features) / along
    offset = np.median(offsets.real) + 1j * np.median(offsets.imag)
    larger = float(np.median(_sizes(boxes) / measure))
    size = larger * np.exp(levelled(np.log(measure), plan.steadiness))
    scale = size / plan.face
    turn = along / measure if plan.aligned else np.ones_like(along)
    middle = features + offset * along
    step = scale * turn
    corner = middle - step * complex(plan.width - 1, plan.height - 1) / 2
    rows = [[step.real, -step.imag, corner.real], [step.imag, step.real, corner.imag]]
    return np.array(rows).transpose(2, 0, 1)
