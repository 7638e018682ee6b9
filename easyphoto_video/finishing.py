"""From a film to a file: frames between frames, their order, and the writing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.film import Film
from easyphoto_video.kit import Tools
from easyphoto_video.request import Request
from easyphoto_video.video.between import between
from easyphoto_video.video.film import Extras
from easyphoto_video.video.order import length, spans
from easyphoto_video.video.sound import Sound
from easyphoto_video.video.write import Writer

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


def written(film: Film, job: Request, tools: Tools, path: Path, note: str) -> Written:
    """Write a film as a request wants it, to `path` or where the writer put it.

    Raises what Writer raises, and Stopped when the watch does; then nothing is left behind.
    """
    shown: list[Frames] = []
    extras = Extras(sound=_sound(film, job), loop=job.loop, palette=job.palette, dither=job.dither)
    total = length(film.count, job.order) * job.interpolation
    with Writer(
        path,
        width=film.width,
        height=film.height,
        fps=film.fps * job.interpolation,
        note=note,
        extras=extras,
        watch=tools.watch,
    ) as out:
        for number, frames in _played(film, job, tools, shown):
            tools.watch("writing", number / total)
            out.add(frames)
    return Written(out.path, np.stack(shown))


def _played(
    film: Film, job: Request, tools: Tools, shown: list[Frames]
) -> Iterator[tuple[int, Frames]]:
    """The frames as they are played, some at a time, and how many came before them."""
    frames: Iterator[Frames] = _seen(_ordered(film, job.order), film, job, shown)
    if job.interpolation > 1:
        is_closed = job.is_loop or job.order == "ping-pong"
        frames = between(frames, job.interpolation, tools.between(job), is_closed=is_closed)
    come = 0
    while span := list(itertools.islice(frames, SPAN)):
        yield come, np.stack(span)
        come += len(span)


def _ordered(film: Film, order: str) -> Iterator[Frames]:
    """Forward in one go, since a file is not opened again for every few frames; back by spans."""
    for run in spans(film.count, order, film.count):
        if run.step > 0:
            yield from film.frames(run.start, run.stop)
            continue
        for start in range(0, len(run), SPAN):
            rows = run[start : start + SPAN]
            yield from reversed(list(film.frames(min(rows), max(rows) + 1)))


def _seen(
    frames: Iterator[Frames], film: Film, job: Request, shown: list[Frames]
) -> Iterator[Frames]:
    """The same frames, of which some are kept."""
    every = -(-length(film.count, job.order) // _most(film))
    for number, frame in enumerate(frames):
        if number % every == 0:
            shown.append(frame)
        yield frame


def _most(film: Film) -> int:
    return max(1, min(SHOWN, SHOWN_BYTES // (3 * film.width * film.height)))


def _sound(film: Film, job: Request) -> Sound | None:
    return film.sound and replace(film.sound, order=job.order)
