"""A face's landmarks drawn as EchoMimic's locator was trained on them (its draw_utils.py).

Points are MediaPipe's: 468 of the mesh and, where the network gives them, 10 of the irises.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from easyphoto_video.clip import Frames

SIDE = 512
"""px of the square that is drawn; other sizes are scaled from it."""
THICKNESS, HALF = 2, 3
POINTS, WITH_IRISES = 468, 478
Colour = tuple[int, int, int]
Points = NDArray[np.floating]


@dataclass(frozen=True)
class Stroke:
    """Lines of one colour between points, and squares on points."""

    colour: Colour
    chains: tuple[tuple[int, ...], ...] = ()
    dot: int | None = None

    def edges(self) -> Iterable[tuple[int, int]]:
        """Pairs of points."""
        for chain in self.chains:
            yield from itertools.pairwise(chain)


def _ring(*points: int) -> tuple[int, ...]:
    return (*points, points[0])


PARTS: dict[str, tuple[Stroke, ...]] = {
    "head": (
        Stroke(
            (10, 200, 10),
            (
                (152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21),
                (251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152),
            ),
        ),
    ),
    "eyes": (
        Stroke(
            (180, 200, 10),
            (
                _ring(
                    263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249
                ),
            ),
        ),
        Stroke(
            (10, 200, 180),
            (_ring(33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),),
        ),
    ),
    "brows": (
        Stroke((180, 220, 10), ((276, 283, 282, 295, 285), (300, 293, 334, 296, 336))),
        Stroke((10, 220, 180), ((46, 53, 52, 65, 55), (70, 63, 105, 66, 107))),
    ),
    "irises": (
        Stroke((250, 200, 10), (_ring(474, 475, 476, 477),)),
        Stroke((10, 200, 250), (_ring(469, 470, 471, 472),)),
    ),
    "mouth": (
        Stroke((10, 180, 20), ((61, 146, 91, 181, 84, 17),)),
        Stroke((20, 10, 180), ((17, 314, 405, 321, 375, 291),)),
        Stroke((100, 100, 30), ((78, 95, 88, 178, 87, 14),)),
        Stroke((100, 150, 50), ((14, 317, 402, 318, 324, 308),)),
        Stroke((20, 80, 100), ((61, 185, 40, 39, 37, 0),)),
        Stroke((80, 100, 20), ((0, 267, 269, 270, 409, 291),)),
        Stroke((120, 100, 200), ((78, 191, 80, 81, 82, 13),)),
        Stroke((150, 120, 100), ((13, 312, 311, 310, 415, 308),)),
    ),
    "pupils": (Stroke((10, 200, 250), dot=468), Stroke((250, 200, 10), dot=473)),
    "nose": (Stroke((200, 200, 200), dot=4),),
}
"""What can be drawn, in the official order; colours are the network's channels 0, 1 and 2."""

BY_VOICE = ("eyes", "brows", "pupils", "nose")
"""What is drawn where the voice moves the mouth."""
WHOLE = ("eyes", "brows", "mouth", "pupils", "nose")
"""What is drawn where landmarks move everything."""


def draw(points: Points | None, size: tuple[int, int], parts: Sequence[str] = BY_VOICE) -> Frames:
    """Landmarks (468 or 478, 2 or more) in shares of the picture -> (H, W, 3) uint8.

    `size` is width and height in px. A line with an end outside the picture is left out, and so are
    irises and pupils where the points have none; without points all is black. Raises ValueError for
    other shapes.
    """
    canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
    if points is not None:
        if points.ndim != 2 or len(points) not in (POINTS, WITH_IRISES):
            raise ValueError(f"landmarks of the shape {points.shape}, not (468 or 478, 2 or more)")
        places = _places(points)
        for part, strokes in PARTS.items():
            for stroke in strokes if part in parts else ():
                _stroke(canvas, places, stroke)
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _places(points: Points) -> dict[int, tuple[int, int]]:
    """px of the points that lie inside."""
    found = {}
    for i, (x, y, *_) in enumerate(points.tolist()):
        if 0 <= x <= 1 and 0 <= y <= 1:
            found[i] = (min(int(x * SIDE), SIDE - 1), min(int(y * SIDE), SIDE - 1))
    return found


def _stroke(canvas: Frames, places: dict[int, tuple[int, int]], stroke: Stroke) -> None:
    for start, end in stroke.edges():
        if start in places and end in places:
            cv2.line(canvas, places[start], places[end], stroke.colour, THICKNESS)
    if stroke.dot in places:
        x, y = places[stroke.dot]
        canvas[max(y - HALF, 0) : y + HALF, max(x - HALF, 0) : x + HALF] = stroke.colour
