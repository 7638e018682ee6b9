"""When each frame of a film is shown. A film's time begins with its first picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from easyphoto_video.setting.number import FINEST

COARSE = Fraction(1, 500)
"""Ticks longer than this are exact; in finer ones a moment may be rounded to the next tick."""
ROUNDED = Fraction(1, 10**4)
"""Seconds to which moments agree, since rounded ones add up where ticks are very fine."""
SLACK = Fraction(1, 10**6)
"""Seconds by which a moment may be early: what is left of 1/3 when it is typed as 0.333333."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Timing:
    """The moments of a film; make it with `timing_of`."""

    starts: npt.NDArray[np.int64] = field(repr=False)
    """(count,) ticks from the first picture on, in order; the first is 0."""
    tick: Fraction
    """Seconds."""
    last: int
    """Ticks that the last frame lasts."""
    fps: Fraction
    """Frames in a second: exact where all last equally long, else the mean."""
    is_steady: bool
    """Whether all frames last equally long, as far as the file's ticks can tell."""

    @property
    def seconds(self) -> Fraction:
        """From the first picture to the end of the last."""
        if self.is_steady:
            return len(self.starts) / self.fps
        return (int(self.starts[-1]) + self.last) * self.tick

    def at(self, moment: Fraction) -> int:
        """The number of the frame that is on screen `moment` seconds after the film's begin.

        Before the first it is the first, after the last the last. Where frames last differently,
        one that begins up to a tick later counts, since a file rounds moments to ticks.
        """
        early = moment + SLACK
        if self.is_steady:
            number = math.floor(early * self.fps)
        else:
            ticks = early / self.tick + (0 if self.tick > COARSE else 1)
            number = int(np.searchsorted(self.starts, math.floor(ticks), side="right")) - 1
        return min(max(number, 0), len(self.starts) - 1)


def timing_of(moments: Sequence[int], tick: Fraction, last: int) -> Timing:
    """Timing from the moments of all frames in ticks, in any order; `last` 0 is not known."""
    starts = np.sort(np.array(moments, np.int64))
    starts -= starts[0]
    length = int(starts[-1])
    if last <= 0:
        last = round(length / (len(starts) - 1)) if length else round(1 / tick)
    if not length:
        fps = _written(len(starts) / (last * tick))
        return Timing(starts=starts, tick=tick, last=last, fps=fps, is_steady=True)
    steady = _steady_rate(starts, tick)
    # Films often tell too short a last frame, which no player heeds; a long one is meant.
    if steady and last * tick * steady > 2:
        steady = None
    mean = _written(len(starts) / ((length + last) * tick))
    return Timing(
        starts=starts, tick=tick, last=last, fps=steady or mean, is_steady=steady is not None
    )


def _written(rate: Fraction) -> Fraction:
    """A rate near this one that a file can hold; damaged files tell of frames that last days."""
    return rate.limit_denominator(1001) or max(rate.limit_denominator(FINEST), Fraction(1, FINEST))


def _steady_rate(starts: npt.NDArray[np.int64], tick: Fraction) -> Fraction | None:
    """The simplest rate that all moments, rounded to ticks, agree with; None when none does."""
    mean = (len(starts) - 1) / (int(starts[-1]) * tick)
    whole = round(mean)
    ntsc = Fraction(round(mean * 1001 / 1000) * 1000, 1001)
    off = float(max(1, ROUNDED / tick))
    for rate in (Fraction(whole), ntsc, mean.limit_denominator(1001)):
        expected = np.arange(len(starts)) / float(rate * tick or 1)
        if rate > 0 and (np.abs(starts - expected) <= off).all():
            return rate
    return None
