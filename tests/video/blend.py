"""What frames between frames are measured against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from easyphoto_video.clip import Frames


def by_blending(before: Frames, after: Frames, times: Sequence[float]) -> Iterator[Frames]:
    """A Method: one picture fades into the other; what moves is seen twice."""
    for time in times:
        yield np.asarray(cv2.addWeighted(before, 1 - time, after, time, 0), np.uint8)
