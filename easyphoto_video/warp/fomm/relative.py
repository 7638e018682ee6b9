"""What is taken over from a driver: its places, or how they change from its first frame on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch

from easyphoto_video.warp.fomm.points import KeyPoints

Points = npt.NDArray[np.floating]
"""(P, 2), x before y."""


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """How the driver's key points become the source's; the official demo's defaults are all off."""

    relative: bool = True
    """Change from the first frame on, instead of the driver's own places."""
    relative_jacobian: bool = True
    """The same for Jacobians; it does nothing without `relative`."""
    adapt_scale: bool = True
    """Whether a change is as large against the source's face as against the driver's."""


def transferred(
    driving: KeyPoints, first: KeyPoints, source: KeyPoints, how: Transfer
) -> KeyPoints:
    """Key points of N driving frames for the source; `first` and `source` are of one picture."""
    if not how.relative:
        return driving
    scale = 1.0
    if how.adapt_scale:
        areas = (hull_area(x.value[0].cpu().numpy()) for x in (source, first))
        source_area, first_area = areas
        scale = math.sqrt(source_area) / math.sqrt(first_area)
    value = (driving.value - first.value) * scale + source.value
    jacobian = driving.jacobian
    if how.relative_jacobian and jacobian is not None:
        assert first.jacobian is not None and source.jacobian is not None
        jacobian = jacobian @ torch.linalg.inv(first.jacobian) @ source.jacobian
    return KeyPoints(value, jacobian)


def hull_area(points: Points) -> float:
    """The area of the convex hull of points (P, 2)."""
    # OpenCV keeps float32 alone; about the middle its rounding is smallest.
    near = (points - points.mean(0)).astype(np.float32)
    return float(cv2.contourArea(cv2.convexHull(near)))


def normalised(points: Points) -> Points:
    """Points about their mean, in units of the root of their hull's area."""
    away = points - points.mean(0)
    return away / math.sqrt(hull_area(away))


def best_frame(source: Points, frames: Sequence[Points]) -> int:
    """Which frame's face is most like the source's, by the same landmarks of each: the first such.

    Points (P, 2) in any unit, as of a face mesh; the official code takes 68.
    """
    wanted = normalised(source)
    distances = [float(np.square(normalised(frame) - wanted).sum()) for frame in frames]
    return int(np.argmin(distances))


def from_best(best: int, frames: int) -> tuple[list[int], list[int]]:
    """The frames to animate, forward from the best one and backward from it.

    Both begin with the best; the film is the second list turned round, then the first without its
    head.
    """
    return list(range(best, frames)), list(range(best, -1, -1))
