"""Whether the two eyes of a clip shut together, as those of a drawn one do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Floats
from easyphoto_video.faces.fusion import EYES
from easyphoto_video.faces.mesh import MeshDetector
from tools.judging.line import Line

_SHUT, _OPEN = 0.35, 0.65
"""Shares of an eye's median white below and above which it is shut and open."""
_LEAST, _MOST_TINT = 185, 45
"""What counts as white: every channel at least so bright, and none so far from another."""
_REACH = 0.85, 0.7
"""How far an eye's box reaches from its middle to the side and up, in distances of its corners."""


def wink_line(
    sampled: Sequence[Frames], rendered: Sequence[Frames], detector: MeshDetector
) -> Line:
    """Of the frames with a shut eye, how many have the other one open."""
    (alone, both), (drawn_alone, drawn_both) = (
        np.sum([shut(whites(clip, detector)) for clip in clips], axis=0)
        for clips in (sampled, rendered)
    )
    return Line(
        name="an eye shuts alone",
        value=100 * float(alone) / max(int(alone + both), 1),
        unit="%",
        note=f"{alone} of {alone + both} frames with a shut eye "
        f"(rendered {drawn_alone} of {drawn_alone + drawn_both})",
    )


def shut(seen: Floats) -> tuple[int, int]:
    """In how many frames of `whites` one eye alone is shut, and in how many both."""
    if not len(seen):
        return 0, 0
    opening = seen / np.maximum(np.median(seen, axis=0), 1)
    least, most = opening.min(axis=1), opening.max(axis=1)
    return int(((least < _SHUT) & (most > _OPEN)).sum()), int((most < _SHUT).sum())


def whites(frames: Frames, detector: MeshDetector) -> Floats:
    """(F, 2): how many pixels of each eye are white, in the frames where there is a face.

    The mesh says where the eyes are; how far they are open it says of both together.
    """
    found = [(frame, faces[0].dense) for frame in frames if (faces := detector.detect(frame))]
    rows = [
        [_white(frame, dense[list(corners)]) for _, corners in EYES]
        for frame, dense in found
        if dense is not None
    ]
    return np.array(rows, np.float32).reshape(-1, 2)


def _white(frame: Frames, corners: Floats) -> int:
    middle, width = corners.mean(axis=0), float(np.linalg.norm(corners[1] - corners[0]))
    (x0, y0), (x1, y1) = (
        (middle + side * width * np.array(_REACH)).clip(0, frame.shape[1::-1]).round().astype(int)
        for side in (-1, 1)
    )
    pixels = frame[y0:y1, x0:x1].reshape(-1, 3).astype(int)
    return int(((pixels.min(axis=1) >= _LEAST) & (np.ptp(pixels, axis=1) <= _MOST_TINT)).sum())
