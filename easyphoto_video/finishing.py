"""From a film to a file: frames between frames, their order, and the writing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.film import Film
from easyphoto_video.request import Request
from easyphoto_video.video.between import between
from easyphoto_video.video.film import Extras
from easyphoto_video.video.order import spans
from easyphoto_video.video.sound import Sound
from easyphoto_video.video.write import Writer
from easyphoto_video.watch import Watch

SPAN = 8
"""Frames handed over at once."""
SHOWN = 64
"""Most frames of a clip that are kept to be shown."""
SHOWN_BYTES = 2**28
"""Most memory that these take."""


@dataclass(frozen=True)
class Written:
    """A finished file."""

    path: Path
    shown: Frames
    """(n, H, W, 3) uint8 RGB: some of the film's frames, evenly spread."""


def written(film: Film, job: Request, path: Path, note: str, watch: Watch) -> Written:
    """Write a film as a request wants it, to `path` or where the writer put it.

    Raises what Writer raises, and Stopped when the watch does; then nothing is left behind.
    """
    every = -(-film.count // _most(film))
    shown: list[Frames] = []
    extras = Extras(sound=_sound(film, job), loop=job.loop, palette=job.palette, dither=job.dither)
    with Writer(
        path,
        width=film.width,
        height=film.height,
        fps=film.fps * job.interpolation,
        note=note,
        extras=extras,
        watch=watch,
    ) as out:
        for number, frames in _played(film, job, shown, every):
            watch("writing", number / (film.count * job.interpolation))
            out.add(frames)
    return Written(out.path, np.stack(shown))


def _played(
    film: Film, job: Request, shown: list[Frames], every: int
) -> Iterator[tuple[int, Frames]]:
    """The frames as they are played, some at a time, and how many came before them."""
    come, span = 0, list[Frames]()
    is_closed = job.closed_loop or job.order == "ping-pong"
    ordered = _ordered(film, job, shown, every)
    for frame in between(ordered, job.interpolation, is_closed=is_closed):
        span.append(frame)
        if len(span) == SPAN:
            yield come, np.stack(span)
            come, span = come + SPAN, []
    if span:
        yield come, np.stack(span)


def _ordered(film: Film, job: Request, shown: list[Frames], every: int) -> Iterator[Frames]:
    for rows in spans(film.count, job.order, SPAN):
        low, high = min(rows), max(rows) + 1
        frames = list(film.frames(low, high))
        for number in rows:
            if number % every == 0 and len(shown) * every <= number:
                shown.append(frames[number - low])
            yield frames[number - low]


def _most(film: Film) -> int:
    return max(1, min(SHOWN, SHOWN_BYTES // (3 * film.width * film.height)))


def _sound(film: Film, job: Request) -> Sound | None:
    return film.sound and replace(film.sound, order=job.order)
