"""A driving film's landmarks on another face (antgroup/echomimic, motion_utils.py).

Head and eyes move as the driver's do; each part of the face keeps the reference's place and shape.
Landmarks are MediaPipe's: (478, 3) in the picture, (468, 3) of its metric mesh, and its 4x4 pose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MESH, IRISES = 468, 10
SIDE = 512
"""px of the square that landmarks are projected to."""
FIELD, NEAR, FAR = math.radians(63), 1.0, 10_000.0
"""Vertical field of view, and the planes of MediaPipe's camera."""
SLOPE = float(np.float32(1 / math.tan(FIELD / 2)))
DEPTH = float(np.float32(NEAR * FAR / (FAR - NEAR)))
"""Of the official matrix, in its precision. It scales all by the depth's constant term, 1.0001."""

PARTS: dict[str, tuple[int, ...]] = {
    "left eye": (
        249, 263, 362, 373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466, 473,
    ),
    "right eye": (
        7, 33, 133, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173, 246, 468,
    ),
    "mouth": (
        0, 13, 14, 17, 37, 39, 40, 61, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191,
        267, 269, 270, 291, 308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415,
    ),
    "nose": (1, 4, 5, 44, 45, 51, 220, 274, 275, 281, 440),
    "left brow": (276, 282, 283, 285, 293, 295, 296, 300, 334, 336),
    "right brow": (46, 52, 53, 55, 63, 65, 66, 70, 105, 107),
}  # fmt: skip
"""Points of each part that moves by itself."""
EYES = tuple(i for part in ("left eye", "right eye") for i in PARTS[part] if i < MESH)
POSE_AROUND, POINTS_AROUND = 2, 1
"""Frames before and behind over which the pose and the points are averaged."""


@dataclass(frozen=True)
class Measured:
    """One face as MediaPipe measures it, in float64."""

    picture: Array
    """(478, 3) in shares of the picture."""
    mesh: Array
    """(468, 3) cm."""
    pose: Array
    """(4, 4) from the mesh's space to the camera's."""

    def whole(self) -> Array:
        """(478, 3) cm: the mesh, and the irises carried over to it by the eyes around them."""
        carried = affine(self.picture[[*EYES]], self.mesh[[*EYES]])
        return np.concatenate([self.mesh, applied(carried, self.picture[-IRISES:])])


def affine(source: Array, target: Array) -> Array:
    """The (D+1, D+1) map of points (N, D) on others by the normalised DLT.

    Hartley and Zisserman, Multiple View Geometry, 4.4: least squares in which both sides may err.
    """
    (to_source, source), (to_target, target) = normalised(source), normalised(target)
    count, size = source.shape
    rows = np.zeros((count * size, size * (size + 1) + 1))
    for i in range(size):
        part = slice(i * count, (i + 1) * count)
        rows[part, i * (size + 1) : i * (size + 1) + size] = source
        rows[part, i * (size + 1) + size] = 1.0
        rows[part, -1] = target[:, i]
    null = np.linalg.svd(rows)[2][-1]
    inner = np.eye(size + 1)
    inner[:size] = (-null[:-1] / null[-1]).reshape(size, size + 1)
    return np.linalg.inv(to_target) @ inner @ to_source


def normalised(points: Array) -> tuple[Array, Array]:
    """The map that centres points (N, D) and brings them to a mean square of D, and the points."""
    centre, size = points.mean(0), points.shape[1]
    scale = math.sqrt(size) / math.sqrt(float(((points - centre) ** 2).sum()) / len(points))
    matrix = np.eye(size + 1) * scale
    matrix[-1, -1] = 1.0
    matrix[:size, size] = -scale * centre
    return matrix, applied(matrix, points)


def applied(matrix: Array, points: Array) -> Array:
    """A (D+1, D+1) map of points (N, D)."""
    whole = np.concatenate([points, np.ones((len(points), 1))], 1) @ matrix.T
    return whole[:, :-1] / whole[:, -1:]


def synchronised(driver: Sequence[Measured], reference: Measured, *, by_part: bool = True) -> Array:
    """(F, 478, 2) px of a SIDE square: the reference's face as the driver moves it.

    Without `by_part` the driver's own face stands at the reference's place.
    """
    points = np.stack([face.whole() for face in driver])
    maps = _maps(points.mean(0), reference.whole()) if by_part else {}
    first = np.linalg.inv(driver[0].pose)
    poses = _averaged(np.stack([face.pose @ first for face in driver]), POSE_AROUND)
    moved = _averaged(points, POINTS_AROUND)
    found = []
    for pose, face in zip(poses, moved, strict=True):
        for part, matrix in maps.items():
            face[[*PARTS[part]]] = applied(matrix, face[[*PARTS[part]]])
        found.append(projected(face, pose @ reference.pose))
    return np.stack(found)


def _maps(driver: Array, reference: Array) -> dict[str, Array]:
    return {part: affine(driver[[*points]], reference[[*points]]) for part, points in PARTS.items()}


def _averaged(values: Array, around: int) -> Array:
    """The mean over so many frames before and behind each, fewer at the ends."""
    return np.stack(
        [values[max(i - around, 0) : i + around + 1].mean(0) for i in range(len(values))]
    )


def projected(points: Array, pose: Array) -> Array:
    """Points (N, 3) cm in a pose -> (N, 2) px of a SIDE square, y downwards."""
    seen = applied(pose, points)
    places = seen[:, :2] * (SLOPE / DEPTH) / -seen[:, 2:]
    return (places * (1.0, -1.0) + 1) / 2 * SIDE
