"""Spans: a clip longer than what is rendered together, cut into parts that lean on each other.

Every frame has the noise of its number in the clip, whichever span it is in. A span begins with
the last frames of the one before, which are held while the others are denoised: the motion module
ties the new frames to them. In a closed loop the last span is led on to the clip's first frames in
the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Mix, Start

LEAD = 16
"""Frames beside a held one that begin from its picture."""
NEXT = 0.6
"""Strength of the first of these; it rises to 1."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Frames that are rendered together, by their numbers in the clip."""

    start: int
    """The first that is new."""
    stop: int
    """Behind the last that is new."""
    before: int = 0
    """Frames before the start that are done already and held."""
    after: int = 0
    """Frames of the clip's beginning that are held behind the end."""

    @property
    def rows(self) -> range:
        """All that are rendered together, held or new; numbers go on beyond a closed clip's end."""
        return range(self.start - self.before, self.stop + self.after)

    @property
    def new(self) -> slice:
        """The new ones among the rows."""
        return slice(self.before, self.before + self.stop - self.start)

    @property
    def name(self) -> str:
        """For files; in the order of the frames."""
        return f"{self.start:07d}"


def spans(rows: range, most: int, overlap: int, *, is_closed: bool = False) -> list[Span]:
    """The spans of the frames `rows`, of `most` frames at most, as even as can be.

    `overlap` is at most half of `most`. A clip of one span has nothing to lean on, closed or not.
    """
    count = len(rows)
    if count <= most:
        return [Span(start=rows.start, stop=rows.stop)]
    after = max(0, min(overlap, (most - overlap) // 2 - 1)) if is_closed else 0
    parts = -(-(count + after - overlap) // (most - overlap))
    seen = count + after + (parts - 1) * overlap
    stops = [part * seen // parts - (part - 1) * overlap for part in range(1, parts)]
    starts = [0, *stops]
    return [
        Span(
            start=rows.start + start,
            stop=rows.start + stop,
            before=min(overlap, start),
            after=after if stop == count else 0,
        )
        for start, stop in zip(starts, [*stops, count], strict=True)
    ]


def leaning(start: Start | None, rows: int, held: Mapping[int, Frames]) -> Start | None:
    """A start of `rows` frames in which some, by their place, are held as these pictures are.

    `held` holds (H, W, 3) uint8 RGB pictures. Without a start, the others begin from noise, but
    for those near by: these begin from the nearest picture, the nearer the less noise there is in
    it, so that the clip goes on from there and does not turn into another scene.
    """
    if not held:
        return start
    places, pictures = list(held), np.stack(list(held.values()))
    mix = _mix_of(start, rows)
    weights = np.zeros((rows, mix.weights.shape[1] + len(places)))
    weights[:, len(places) :] = mix.weights
    weights[places] = 0
    weights[places, range(len(places))] = 1
    noise = mix.noise.copy()
    noise[places] = 0
    strengths = list(start.strengths(rows) if start else (1.0,) * rows)
    if start is None:
        for row in range(rows):
            number = min(range(len(places)), key=lambda near: abs(places[near] - row))
            away = abs(places[number] - row)
            if away <= LEAD:
                weights[row, number] = 1
                strengths[row] = NEXT + (1 - NEXT) * (away - 1) / LEAD
    for place in places:
        strengths[place] = 0.0
    frames = pictures if start is None else np.concatenate([pictures, start.frames])
    return Start(
        frames=frames,
        strength=tuple(strengths),
        mask=start.mask if start else None,
        mix=Mix(weights=weights, noise=noise),
    )


def _mix_of(start: Start | None, rows: int) -> Mix:
    if start is None:
        return Mix(weights=np.zeros((rows, 0)), noise=np.zeros(rows))
    return start.mix or Mix(weights=np.eye(rows), noise=np.zeros(rows))
