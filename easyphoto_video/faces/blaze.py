"""BlazeFace, MediaPipe's short-range face detector, through OpenCV's dnn.

Network and layout: Bazarevsky et al., BlazeFace: Sub-millisecond Neural Face Detection on Mobile
GPUs, 2019 (arXiv 1907.05047), and MediaPipe's face_detection_short_range graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.net import Net

SIDE = 128
"""px of the network's square input."""
GRIDS = ((16, 2), (8, 6))
"""Cells along a side, and anchors in each cell: 896 in all."""
LEAST_SCORE = 0.5
OVERLAP = 0.3
"""Boxes that share more than this of their union are one face."""
STEEPEST = 80.0
"""Where the graph cuts the logits."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Spot:
    """Where a face is, roughly."""

    box: Floats
    """(4,) XYXY px."""
    points: Floats
    """(6, 2) px: left eye, right eye, nose, mouth, left ear, right ear, as the picture has them."""
    score: float


class Blaze:
    """Finds faces of about 8 % of the picture's longer side and more."""

    def __init__(self, file: Path) -> None:
        self.net = Net(file)
        self._anchors = _anchors()

    def spots(self, picture: Frames) -> list[Spot]:
        """Every face in (H, W, 3) uint8 RGB, the surest first; one model call."""
        height, width = picture.shape[:2]
        scale = SIDE / max(height, width)
        shape = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(picture, shape, interpolation=cv2.INTER_AREA)
        square = np.zeros((SIDE, SIDE, 3), np.float32)
        square[: shape[1], : shape[0]] = small.astype(np.float32) / 127.5 - 1
        raw = self.net(square)
        scores, values = raw["classificators"].reshape(-1), raw["regressors"].reshape(-1, 16)
        sure = 1 / (1 + np.exp(-np.clip(scores, -STEEPEST, STEEPEST)))
        kept = np.flatnonzero(sure >= LEAST_SCORE)
        values = values[kept].astype(np.float64)
        values[:, [0, *range(4, 16, 2)]] += self._anchors[kept, :1]
        values[:, [1, *range(5, 16, 2)]] += self._anchors[kept, 1:]
        # A pixel's centre lies at a whole number here, and at a half one there.
        back = np.array([width / shape[0], height / shape[1]])
        return _merged(values, sure[kept], back)


def _anchors() -> np.ndarray:
    """(896, 2) centres in px of the input."""
    found = []
    for cells, each in GRIDS:
        y, x = np.mgrid[:cells, :cells]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * (SIDE / cells)
        found.append(centres.repeat(each, axis=0))
    return np.concatenate(found)


def _merged(values: np.ndarray, scores: np.ndarray, back: np.ndarray) -> list[Spot]:
    """Weighted non-maximum suppression: overlapping boxes become their mean by score."""
    left = list(np.argsort(-scores))
    corners = np.concatenate(
        [values[:, :2] - values[:, 2:4] / 2, values[:, :2] + values[:, 2:4] / 2], axis=1
    )
    found = []
    while left:
        near = [i for i in left if iou(corners[left[0]], corners[i]) > OVERLAP] or left[:1]
        best = float(scores[left[0]])
        left = [i for i in left if i not in near]
        weights = scores[near] / scores[near].sum()
        box = (weights @ corners[near]).reshape(2, 2) * back - 0.5
        points = (weights @ values[near, 4:]).reshape(6, 2) * back - 0.5
        found.append(
            Spot(
                box=box.reshape(4).astype(np.float32), points=points.astype(np.float32), score=best
            )
        )
    return found


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the union of two XYXY boxes that both cover, 0..1."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    both = float(np.prod(np.maximum(high - low, 0)))
    areas = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]))
    return both / max(areas - both, 1e-9)
