"""Soft masks of a face in its crop, from dense points or from the five."""

from __future__ import annotations

import cv2
import numpy as np

from easyphoto_video.faces.face import Floats

OVER = 1.08
"""How much larger than the points' hull the mask is, so that a little of the hairline is in."""


def face_mask(points: Floats, size: int, feather: float, over: float = OVER) -> Floats:
    """(size, size) float32, 1 in the face, 0 from its edge on; dense (N, 2) or five points in px.

    The edge is `feather` face sizes wide and lies inside; 0 is a hard edge. `over` is the mask's
    size in sizes of the points' hull.
    """
    hull = _oval(points) if len(points) == 5 else _hull(points)
    middle = (hull.min(axis=0) + hull.max(axis=0)) / 2
    return soft(middle + (hull - middle) * over, size, feather * face_size(hull))


def _hull(points: Floats) -> Floats:
    return np.asarray(cv2.convexHull(points.astype(np.float32))[:, 0], np.float32)


def face_size(points: Floats) -> float:
    """px: the longer side of the points' box."""
    return float((points.max(axis=0) - points.min(axis=0)).max())


def soft(hull: Floats, size: int, width: float) -> Floats:
    """(size, size) float32: 1 deep in the polygon, falling to 0 at its edge over `width` px."""
    inside = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(inside, np.rint(hull * 16).astype(np.int32), 1, shift=4)
    if width <= 0:
        return inside.astype(np.float32)
    # What lies at the crop's own border is no edge of the face.
    deep = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    ramp = np.clip(deep / width, 0, 1).astype(np.float32)
    return ramp * ramp * (3 - 2 * ramp)


def _oval(five: Floats) -> Floats:
    """A face's outline about the five points (FIVE), 32 points of an ellipse."""
    eyes, mouth = five[:2].mean(axis=0), five[3:].mean(axis=0)
    down = mouth - eyes
    across = np.array([-down[1], down[0]], np.float32)
    # About the proportions of MediaPipe's mesh of a frontal face.
    wide = max(float(np.linalg.norm(five[1] - five[0])) / max(float(np.linalg.norm(down)), 1e-6), 1)
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False, dtype=np.float32)[:, None]
    middle = eyes + 0.42 * down
    return (middle + np.sin(angle) * across * 1.05 * wide + np.cos(angle) * down * 1.4).astype(
        np.float32
    )
