"""Frames made by optical flow: each pixel goes its way from one picture to the next.

The flow is OpenCV's DIS (Kroeger et al. 2016), both ways; where the two contradict each other a
pixel is hidden in one picture and takes the flow around it. The flows from a moment in between are
the linear combination of Super SloMo (Jiang et al. 2018, equation 4); both pictures are drawn along
them and blended by time, by what each of them shows and by what lies outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from easyphoto_video.clip import Frames

Flow = npt.NDArray[np.float32]
"""(H, W, 2) float32, px to the right and down."""
Plane = npt.NDArray[np.float32]
"""(H, W) float32."""
Float = npt.NDArray[np.float32]

SMALLEST = 16
"""px: below this side DIS has no room for its patches."""
SLACK, SLACK_PER_PX = 2.0, 0.1
"""px: how far forward and backward flow may miss each other, more for longer ways."""
AROUND = 4.0
"""px: the radius from which hidden pixels take their flow."""
STILL = 1.5
"""Mean difference of 0..255 up to which a place stands still: less is noise, not motion."""
NEAR = (15, 15)
"""px: the window of that mean."""
HIDDEN = 0.5
"""What a picture still counts where the other one alone shows the place."""
LEAST = 1e-3
"""What a picture counts outside of its border, so that the weights never vanish together."""


@dataclass(frozen=True)
class _Way:
    """From one picture to the other: the flow, and where the other one shows the place, 0..1."""

    flow: Flow
    shown: Plane


def by_flow(before: Frames, after: Frames, times: Sequence[float]) -> Iterator[Frames]:
    """A Method of `between`. Pictures (H, W, 3) uint8 RGB, of any size."""
    if min(before.shape[:2]) < SMALLEST:
        before, after, crop = _grown(before), _grown(after), before.shape[:2]
        yield from (frame[: crop[0], : crop[1]] for frame in by_flow(before, after, times))
        return
    ways = _ways(before, after)
    for time in times:
        yield _picture((before, after), ways, time)


def _grown(picture: Frames) -> Frames:
    height, width = picture.shape[:2]
    low, right = max(0, SMALLEST - height), max(0, SMALLEST - width)
    return np.pad(picture, ((0, low), (0, right), (0, 0)), "edge")


def _ways(before: Frames, after: Frames) -> tuple[_Way, _Way]:
    """Forward and backward."""
    one, other = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (before, after))
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    forth = np.asarray(search.calc(one, other, np.zeros((*one.shape, 2), np.float32)), np.float32)
    back = np.asarray(search.calc(other, one, np.zeros((*one.shape, 2), np.float32)), np.float32)
    moving = _moving(before, after)
    return _way(forth, back, moving), _way(back, forth, moving)


def _way(flow: Flow, back: Flow, moving: Plane) -> _Way:
    miss = _length(flow + _drawn(back, flow, cv2.INTER_LINEAR))
    slack = SLACK + SLACK_PER_PX * _length(flow)
    shown = np.exp(-((miss / slack) ** 2))
    known = cv2.GaussianBlur(flow * shown[..., None], (0, 0), AROUND)
    around = known / np.maximum(cv2.GaussianBlur(shown, (0, 0), AROUND), LEAST)[..., None]
    filled = around + shown[..., None] * (flow - around)
    return _Way(np.asarray(filled * moving[..., None], np.float32), shown)


def _moving(before: Frames, after: Frames) -> Plane:
    """0 where a place stands still, so that noise does not draw at it; 1 where it moves."""
    change = cv2.absdiff(before, after).mean(axis=-1, dtype=np.float32)
    return np.clip(np.asarray(cv2.blur(change, NEAR), np.float32) / STILL - 1, 0, 1)


def _picture(pictures: tuple[Frames, Frames], ways: tuple[_Way, _Way], time: float) -> Frames:
    to_before, to_after = _from_between(ways[0].flow, ways[1].flow, time)
    gone = 1 - _drawn(ways[0].shown, to_before, cv2.INTER_LINEAR)
    new = 1 - _drawn(ways[1].shown, to_after, cv2.INTER_LINEAR)
    early = (1 - time) * (1 - HIDDEN * new * (1 - gone)) * _inside(to_before)
    late = time * (1 - HIDDEN * gone * (1 - new)) * _inside(to_after)
    share = (late / (early + late))[..., None]
    # Cubic, as softer frames among the given ones would flicker.
    one = _drawn(pictures[0].astype(np.float32), to_before, cv2.INTER_CUBIC)
    other = _drawn(pictures[1].astype(np.float32), to_after, cv2.INTER_CUBIC)
    return np.clip(np.rint(one + share * (other - one)), 0, 255).astype(np.uint8)


def _from_between(forth: Flow, back: Flow, time: float) -> tuple[Flow, Flow]:
    """To the picture before and to the one after, from the moment between them."""
    to_before = time * time * back - time * (1 - time) * forth
    to_after = (1 - time) ** 2 * forth - time * (1 - time) * back
    return np.asarray(to_before, np.float32), np.asarray(to_after, np.float32)


def _drawn(values: Float, flow: Flow, kernel: int) -> Float:
    """What each place finds where its flow points, the border's values beyond the border."""
    there = flow + _places(*flow.shape[:2])
    x, y = there[..., 0], there[..., 1]
    return np.asarray(cv2.remap(values, x, y, kernel, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _inside(flow: Flow) -> Plane:
    height, width = flow.shape[:2]
    there = flow + _places(height, width)
    x, y = there[..., 0], there[..., 1]
    is_inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return np.where(is_inside, np.float32(1), np.float32(LEAST))


def _length(flow: Flow) -> Plane:
    return np.asarray(cv2.magnitude(flow[..., 0], flow[..., 1]), np.float32)


@lru_cache(maxsize=2)
def _places(height: int, width: int) -> Flow:
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    return np.stack(np.meshgrid(x, y), axis=-1)
