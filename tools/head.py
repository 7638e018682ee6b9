"""Where things on a turned head lie in the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tools.world import Person, Pose

_CENTRE = (64.0, 60.0)
_NECK = (64.0, 106.0)


@dataclass(frozen=True)
class Head:
    """An ellipsoid for the face's parts, a silhouette with a jaw, and one rotation for both."""

    person: Person
    pose: Pose

    def _place(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Pixels from the head's centre -> (N, 2) in the picture, rolled about the neck."""
        pose = self.pose
        dx = x + _CENTRE[0] - _NECK[0] + pose.shift + pose.yaw * 5.0
        dy = y + _CENTRE[1] - _NECK[1] + pose.pitch * 12.0
        c, s = math.cos(pose.roll), math.sin(pose.roll)
        return np.stack([_NECK[0] + c * dx - s * dy, _NECK[1] + s * dx + c * dy], axis=-1)

    def surface(self, u: np.ndarray, v: np.ndarray, lift: float = 1.0) -> np.ndarray:
        """Points u, v of the face (half axes, v down) -> (N, 2); a `lift` over 1 floats above."""
        width, height, pose = self.person.face_width, self.person.face_height, self.pose
        z = np.sqrt(np.maximum(lift * lift - u * u - 0.8 * v * v, 0.02))
        x = u * math.cos(pose.yaw) + z * math.sin(pose.yaw)
        y = v * math.cos(pose.pitch) + 0.8 * z * math.sin(pose.pitch)
        return self._place(x * width, y * height)

    def outline(self, angle: np.ndarray, scale: float = 1.0) -> np.ndarray:
        """The silhouette at angles clockwise from the crown -> (N, 2); the chin follows the yaw."""
        low = np.maximum(-np.cos(angle), 0.0)
        x = np.sin(angle) * (1 - self.person.jaw * low**2) * self.person.face_width * scale
        x = x + self.pose.yaw * 9.0 * low
        return self._place(x, -np.cos(angle) * self.person.face_height * scale)

    def behind(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Points in half axes on the plane through the head's axis -> (N, 2).

        They move a little against the yaw.
        """
        return self._place(
            u * self.person.face_width - self.pose.yaw * 8.0, v * self.person.face_height
        )

    def box(self) -> tuple[int, int, int, int]:
        """The face's bounding box, x0 y0 x1 y1 in pixels."""
        points = self.outline(np.linspace(0.0, 2 * np.pi, 33))
        (x0, y0), (x1, y1) = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
        return max(int(x0), 0), max(int(y0), 0), min(int(x1), 128), min(int(y1), 128)
