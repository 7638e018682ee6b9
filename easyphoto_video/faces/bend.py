"""Bending: the face of a reference picture in the place and pose of another.

With dense points triangle by triangle, each by its own affine map; without by the one turn, scale
and shift that fits the five points best.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Face, Floats
from easyphoto_video.faces.mask import softened

STRETCH = 3.0
"""Factor of area, beside that of the whole face, from which on a part of the reference is too
drawn out to be shown: in its picture it was turned away."""
EDGE = 0.12
"""Sizes of the face over which a reference fades out towards where it ends."""
BITS = 4
"""Of a pixel's fraction, in what OpenCV draws."""

Triangles = npt.NDArray[np.int32]
"""(T, 3) indices of the points of each triangle."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Bent:
    """A reference in the place of a face."""

    picture: Frames
    """(h, w, 3) uint8 RGB."""
    trust: Floats
    """(h, w) float32 0..1: 0 where the reference shows nothing that could be here."""


class Reference:
    """A reference picture, made ready once: brought to the crops' scale, its mesh triangulated."""

    def __init__(self, picture: Frames, face: Face, size: float) -> None:
        """`picture` (H, W, 3) uint8 RGB, `face` there; `size` px is the face's in the crops."""
        scale = min(1.0, size / max(float((face.box[2:] - face.box[:2]).max()), 1.0))
        width, height = (max(8, round(side * scale)) for side in picture.shape[1::-1])
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        shrink = np.array([width / picture.shape[1], height / picture.shape[0]], np.float32)
        self.size = size
        self.picture: Frames = np.asarray(small, np.uint8)
        self.points: Floats = (face.points + 0.5) * shrink - 0.5
        self.dense: Floats | None = None
        if face.dense is not None:
            self.dense = (face.dense + 0.5) * shrink - 0.5
            self.triangles = delaunay(self.dense)

    def bent(self, points: Floats, dense: Floats | None, size: tuple[int, int]) -> Bent:
        """The reference where the five points are these, or the dense ones; `size` (w, h) px."""
        if dense is None or self.dense is None:
            picture, trust = _laid(self.picture, self.points, points, size)
        else:
            picture, trust = self._bent(dense, size)
        # Half of a softened edge lies inside; only that half is wanted.
        soft = softened(trust, 2 * EDGE * self.size)
        return Bent(picture=picture, trust=np.clip(2 * soft - 1, 0, 1).astype(np.float32))

    def _bent(self, dense: Floats, size: tuple[int, int]) -> tuple[Frames, Floats]:
        assert self.dense is not None
        there = dense[self.triangles].astype(np.float64)
        here = self.dense[self.triangles].astype(np.float64)
        area, own = _areas(there), _areas(here)
        # What is turned away in the crop shows its back.
        is_seen = (area * own > 0) & (np.abs(area) > 1e-3)
        there, here = there[is_seen], here[is_seen]
        stretch = area[is_seen] / own[is_seen]
        usual = float(np.median(stretch)) if len(stretch) else 1.0
        trusts = np.clip((STRETCH - stretch / usual) / (STRETCH / 2), 0, 1).astype(np.float32)
        corners = np.concatenate([there, np.ones((len(there), 3, 1))], axis=2)
        maps = np.linalg.solve(corners, here).astype(np.float32)
        return _through(self.picture, _drawn(there, size), maps, trusts)


def delaunay(points: Floats) -> Triangles:
    """The triangulation of (n, 2) points."""
    low = np.floor(points.min(axis=0)).astype(int) - 2
    high = np.ceil(points.max(axis=0)).astype(int) + 2
    plane = cv2.Subdiv2D((int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])))
    # OpenCV gives corners, not indices; its own far ones are no point of ours.
    for point in points:
        plane.insert((float(point[0]), float(point[1])))
    corners = np.asarray(plane.getTriangleList(), np.float32).reshape(-1, 3, 2)
    away = np.linalg.norm(corners[:, :, None] - points[None, None], axis=-1)
    return away.argmin(axis=2)[away.min(axis=2).max(axis=1) < 0.01].astype(np.int32)


def _areas(triangles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(T,) twice the area, positive in one sense of rotation."""
    first, second = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]


def _drawn(triangles: npt.NDArray[np.float64], size: tuple[int, int]) -> npt.NDArray[np.int32]:
    """(h, w) the number of the triangle at each pixel, from 1; 0 where there is none."""
    canvas = np.zeros((size[1], size[0]), np.int32)
    near = np.clip(triangles, -8 * max(size), 8 * max(size))
    for number, corners in enumerate(np.rint(near * 2**BITS).astype(np.int32), start=1):
        cv2.fillConvexPoly(canvas, corners, number, shift=BITS)
    return canvas


def _through(
    picture: Frames,
    which: npt.NDArray[np.int32],
    maps: Floats,
    trusts: Floats,
) -> tuple[Frames, Floats]:
    """The picture through each triangle's map (T, 3, 2), and each one's trust (T,)."""
    rows, columns = np.nonzero(which)
    number = which[rows, columns] - 1
    own = maps[number]
    source = np.full((*which.shape, 2), -1, np.float32)
    source[rows, columns] = (
        columns[:, None] * own[:, 0] + rows[:, None] * own[:, 1] + own[:, 2]
    ).astype(np.float32)
    trust = np.zeros(which.shape, np.float32)
    trust[rows, columns] = trusts[number]
    bent = cv2.remap(picture, source, np.empty(0), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(bent, np.uint8), trust


def _laid(
    picture: Frames, own: Floats, points: Floats, size: tuple[int, int]
) -> tuple[Frames, Floats]:
    """By the similarity that brings the picture's own five points closest to those."""
    here, there = own @ np.array([1, 1j]), points @ np.array([1, 1j])
    around = here - here.mean()
    factor = np.vdot(around, there - there.mean()) / max(np.vdot(around, around).real, 1e-9)
    shift = there.mean() - factor * here.mean()
    matrix = np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )
    laid = cv2.warpAffine(
        picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    inside = cv2.warpAffine(np.ones(picture.shape[:2], np.float32), matrix, size)
    return np.asarray(laid, np.uint8), np.asarray(inside, np.float32)
