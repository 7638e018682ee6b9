"""The user's own face, from the reference picture, laid over the face of a frame.

Where dense points are known the reference is bent triangle by triangle; else it is moved, turned
and scaled as the five points say. The frame keeps its mouth, and its eyes where they are shut.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Face, Floats
from easyphoto_video.faces.mask import face_size, soft

LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
"""The lips' outline in MediaPipe's mesh."""
EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)
"""The outlines of both eyes."""
LIDS = ((159, 145, 33, 133), (386, 374, 362, 263))
"""Upper and lower lid, and the corners, of each eye."""
SHUT = 0.55
"""An eye opened less than this share of the reference's keeps the frame's look."""
ROOM = 0.05
"""How far around mouth and eyes the frame is kept, in face sizes."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference picture, ready to be laid over frames; make it with `reference`."""

    picture: Frames
    face: Face
    triangles: np.ndarray | None
    """(T, 3) numbers of dense points; None without dense points."""


def reference(picture: Frames, face: Face, shown: Floats | None = None) -> Reference:
    """The reference picture (H, W, 3) and its face, taken apart once for frames with these dense
    points (n, 468, 2); None where there are none.

    The triangles are those of the most frontal face of all: on a turned one points that are no
    neighbours lie side by side.
    """
    if face.dense is None or shown is None:
        return Reference(picture, face, None)
    frontal = min([face.dense, *shown], key=_turn)
    return Reference(picture, face, _triangles(frontal))


def _turn(dense: Floats) -> float:
    """0 for a frontal face, more the more it is turned: how far the nose is from the middle."""
    five = _five(dense)
    eyes = five[:2].mean(axis=0)
    along = five[1] - five[0]
    return abs(float((five[2] - eyes) @ along)) / max(float(along @ along), 1e-6)


def laid_over(source: Reference, points: Floats, size: int) -> Frames:
    """(size, size, 3) uint8 RGB: the reference's face at dense (468, 2) or five points of a crop.

    Around the face the picture means nothing: use a mask.
    """
    if source.triangles is None or len(points) == 5 or source.face.dense is None:
        target = points if len(points) == 5 else _five(points)
        matrix, _ = cv2.estimateAffinePartial2D(
            source.face.points, target.astype(np.float32), method=cv2.LMEDS
        )
        return cv2.warpAffine(
            source.picture, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=1
        ).astype(np.uint8)
    where = _map(source.triangles, source.face.dense, points, size)
    picture, where = _shrunk(source.picture, where, source.face.dense, points)
    bent = cv2.remap(
        picture, where[..., 0], where[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return bent.astype(np.uint8)


def own_parts(source: Reference, points: Floats, size: int) -> Floats:
    """(size, size) float32, 1 where the frame keeps its own: the mouth, and eyes that are shut."""
    if len(points) == 5 or source.face.dense is None:
        return np.zeros((size, size), np.float32)
    room = ROOM * face_size(points)
    kept = _around(points[list(LIPS)], size, room)
    for outline, lids in zip(EYES, LIDS, strict=True):
        if openness(points, lids) < SHUT * openness(source.face.dense, lids):
            kept = np.maximum(kept, _around(points[list(outline)], size, room))
    return kept


def openness(dense: Floats, lids: tuple[int, int, int, int]) -> float:
    """Height of an eye in its widths."""
    upper, lower, left, right = (dense[number] for number in lids)
    return float(np.linalg.norm(upper - lower) / max(float(np.linalg.norm(left - right)), 1e-6))


def blended(below: Frames, above: Frames, weight: Floats) -> Frames:
    """(s, s, 3) uint8: `above` over `below` by (s, s) weights 0..1; 0 keeps `below` exactly."""
    mixed = below + weight[..., None] * (above.astype(np.float32) - below)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _around(outline: Floats, size: int, room: float) -> Floats:
    hull = cv2.convexHull(outline.astype(np.float32))[:, 0]
    middle = hull.mean(axis=0)
    away = hull - middle
    length = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    return soft(middle + away * (1 + 2 * room / length), size, 2 * room)


def _five(dense: Floats) -> Floats:
    eyes = [dense[[33, 133]].mean(axis=0), dense[[362, 263]].mean(axis=0)]
    return np.stack([*eyes, dense[4], dense[61], dense[291]])


def _triangles(dense: Floats) -> np.ndarray:
    """Delaunay's triangulation of the points, as numbers of points."""
    low, high = np.floor(dense.min(axis=0)) - 2, np.ceil(dense.max(axis=0)) + 2
    plane = cv2.Subdiv2D((int(low[0]), int(low[1]), *(int(n) for n in high - low)))
    numbers: dict[tuple[float, float], int] = {}
    for number, (x, y) in enumerate(dense.astype(np.float32)):
        plane.insert((float(x), float(y)))
        numbers[float(x), float(y)] = number
    corners = np.asarray(plane.getTriangleList()).reshape(-1, 3, 2)
    rows = [[numbers.get((float(x), float(y)), -1) for x, y in triangle] for triangle in corners]
    found = np.array(rows)
    return found[(found >= 0).all(axis=1)]


def _map(triangles: np.ndarray, source: Floats, target: Floats, size: int) -> Floats:
    """(size, size, 2): for each pixel of the crop its place in the reference picture."""
    number = np.full((size, size), -1, np.int32)
    corners = np.rint(target[triangles] * 16).astype(np.int32)
    for index, corner in enumerate(corners):
        cv2.fillConvexPoly(number, corner, index, shift=4)
    affine = _affines(target[triangles].astype(np.float64), source[triangles].astype(np.float64))
    # Outside of all triangles, and for folded ones, any place does: the mask is empty there.
    places = np.full((size, size, 2), -1.0)
    y, x = np.nonzero(number >= 0)
    chosen = affine[number[y, x]]
    places[y, x] = np.einsum("nij,nj->ni", chosen[:, :, :2], np.stack([x, y], 1)) + chosen[:, :, 2]
    return places.astype(np.float32)


def _affines(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(T, 2, 3) that take each triangle of `start` (T, 3, 2) to that of `end`."""
    system = np.concatenate([start, np.ones((len(start), 3, 1))], axis=2)
    flat = np.abs(np.linalg.det(system)) < 1e-6
    system[flat] = np.eye(3)
    return np.linalg.solve(system, end).transpose(0, 2, 1)


def _shrunk(
    picture: Frames, where: Floats, source: Floats, target: Floats
) -> tuple[Frames, Floats]:
    """The reference at about the crop's resolution, so that nothing of it aliases."""
    factor = face_size(source) / max(face_size(target), 1.0)
    if factor <= 1.5:
        return picture, where
    shape = tuple(max(1, round(side / factor)) for side in picture.shape[1::-1])
    small = cv2.resize(picture, shape, interpolation=cv2.INTER_AREA)
    ratio = np.array([shape[0] / picture.shape[1], shape[1] / picture.shape[0]], np.float32)
    return small.astype(np.uint8), ((where + 0.5) * ratio - 0.5).astype(np.float32)
