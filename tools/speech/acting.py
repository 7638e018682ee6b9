"""Poses of a person who says something: the mouth by what is said, head and eyes by chance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tools.speech.mouth import RATE, Mouth
from tools.world import PITCH_LIMIT, ROLL_LIMIT, YAW_LIMIT, Person, Pose

FPS = 25
"""Frames a second: at 12.5 a quarter of p, b and m would fall between two frames."""
LEAST = 0.15
"""Below, the drawing has a line for a mouth."""
ROUNDED = 0.35
"""How much narrower lips are that are as round as can be."""
_SILENT = 0.06
_BLINKS = 2.5
"""Seconds from one blink to the next, about."""
_BLINK = 0.12
"""Seconds that a lid is on its way."""


@dataclass(frozen=True)
class Act:
    """One frame: a person, whose lips may be rounder than they are at rest, and a pose."""

    person: Person
    pose: Pose


def acted(rng: np.random.Generator, person: Person, said: Mouth) -> list[Act]:
    """The frames of an utterance, FPS a second; `said` has two values for each."""
    count = len(said.opening) * FPS // RATE
    opening, width = mouths(said, count)
    time = np.arange(count) / FPS
    yaw = _sway(rng, time, YAW_LIMIT * rng.uniform(0.1, 0.8)) + rng.uniform(-0.1, 0.1)
    # Who speaks up nods a little.
    pitch = _sway(rng, time, PITCH_LIMIT * 0.5) + 0.02 * (_smooth(opening, FPS // 3) - 0.3)
    roll = _sway(rng, time, ROLL_LIMIT * 0.5)
    blink = blinks(rng, count)
    rows = (x.tolist() for x in (opening, width, yaw, pitch, roll, blink))
    return [
        Act(
            replace(person, mouth_width=person.mouth_width * (1 + ROUNDED * w)),
            Pose(mouth=m, yaw=y, pitch=p, roll=r, blink=b),
        )
        for m, w, y, p, r, b in zip(*rows, strict=True)
    ]


def mouths(said: Mouth, count: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Opening as `Pose.mouth` draws it, and width, for `count` frames.

    Lips that meet in either half of a frame are drawn as meeting: else every second p would be
    missed. What is open is above the drawing's dead zone.
    """
    pairs = [
        values[: count * 2].reshape(count, 2) for values in (said.opening, said.width, said.closed)
    ]
    opening, width, closed = pairs[0].mean(1), pairs[1].mean(1), pairs[2].max(1)
    shut = (closed > 0) | (opening < _SILENT)
    return np.where(shut, 0.0, LEAST + (1 - LEAST) * opening), np.where(shut, 0.5, 1.0) * width


def blinks(rng: np.random.Generator, count: int) -> NDArray[np.floating]:
    """(count,) how far the lids are shut, 0..1: now and then, and quickly."""
    time, shut = np.arange(count) / FPS, np.zeros(count)
    at = rng.uniform(0.3, _BLINKS)
    while at < count / FPS:
        shut = np.maximum(shut, np.clip(1.4 - np.abs(time - at) / _BLINK, 0.0, 1.0))
        at += rng.uniform(0.5, 1.5) * _BLINKS
    return shut


def _sway(
    rng: np.random.Generator, time: NDArray[np.floating], most: float
) -> NDArray[np.floating]:
    """Two slow waves, together at most `most`."""
    waves = [np.sin(2 * np.pi * (rng.uniform(0.1, 0.5) * time + rng.random())) for _ in range(2)]
    return most * (0.65 * waves[0] + 0.35 * waves[1])


def _smooth(values: NDArray[np.floating], length: int) -> NDArray[np.floating]:
    """The mean over about `length` frames."""
    kernel = np.ones(length) / length
    return np.convolve(np.pad(values, length, mode="edge"), kernel, "same")[length:-length]
