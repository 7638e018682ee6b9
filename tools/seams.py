"""How clips that are longer than the motion module sees hold together, by kinds of windows.

    python -m tools.seams --frames 32 64 --clips 3

renders clips of the embedded model and prints for each kind of windows: how often the UNet sees a
frame in a step; the largest change from frame to frame at a border of windows, over the median
change elsewhere; the largest anywhere, over the median; the change from the last frame to the
first, over the median; and the median itself, which tells that the clip moves. A person moves
unevenly, so the changes are first averaged over the clips.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from easyphoto_video.engine import Shot
from easyphoto_video.host.library import EMBEDDED_FOLDER, Library
from easyphoto_video.host.shots import viewing_of
from easyphoto_video.host.standalone.engine import StandaloneEngine
from easyphoto_video.host.standalone.settle import settle
from easyphoto_video.motion.viewing import INSIDE, Windows, plan
from easyphoto_video.request import Text2Video

PERSON = "1girl, long hair, red hair, blue eyes, fair skin, {}, green sweater, purple background"
CLIPS = tuple(
    (PERSON.format(does), seed)
    for does, seed in (("nodding", 1000), ("turning head", 2000), ("smile, talking", 3000))
)
"""Prompts and seeds."""

KINDS: dict[str, dict[str, object]] = {
    "fixed, no overlap": {"windows": "standard_static", "overlap": 0},
    "standard_static": {"windows": "standard_static", "overlap": 4},
    "standard_uniform": {"windows": "standard_uniform", "overlap": 4},
    "alternating": {"windows": "alternating", "overlap": 0},
    "alternating, overlap 1": {"windows": "alternating", "overlap": 1},
    "alternating, overlap 2": {"windows": "alternating", "overlap": 2},
    "inside": {"windows": INSIDE, "overlap": 4},
    "alternating, closed": {"windows": "alternating", "overlap": 0, "closed_loop": True},
    "inside, closed": {"windows": INSIDE, "overlap": 4, "closed_loop": True},
}
"""Names of rows, and what they ask of the request."""

Changes = npt.NDArray[np.float64]
"""(F,) mean absolute difference in levels of 255 between a frame and the next; the last one's next
is the first."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the table."""

    kind: str
    frames: int
    evaluations: float
    """Of the UNet, for each frame and step."""
    at_border: float
    anywhere: float
    last_to_first: float
    median: float

    def __str__(self) -> str:
        return (
            f"{self.kind:<24}{self.frames:>6}{self.evaluations:>13.3f}{self.at_border:>11.2f}"
            f"{self.anywhere:>10.2f}{self.last_to_first:>15.2f}{self.median:>9.2f}"
        )


HEAD = (
    f"{'windows':<24}{'frames':>6}{'evaluations':>13}{'at border':>11}{'anywhere':>10}"
    f"{'last to first':>15}{'median':>9}"
)


def changes(frames: npt.NDArray[np.uint8]) -> Changes:
    """Of a clip (F, H, W, 3)."""
    exact = frames.astype(np.float64)
    return np.abs(np.roll(exact, -1, 0) - exact).mean((1, 2, 3))


def borders(windows: Windows, steps: int) -> set[int]:
    """The frames behind which a window begins or ends in some step; F-1 of a closed clip only."""
    frames = windows.frames
    found: set[int] = set()
    for window in (w for step in range(steps) for w in windows.views(step) or windows.at(step)):
        found |= {(window.frames[0] - 1) % frames, window.frames[-1]}
    return found if windows.viewing.is_closed else found - {frames - 1}


def measured(kind: str, seen: Changes, windows: Windows, steps: int) -> Line:
    """The line for clips with these mean changes, whose windows were these."""
    is_closed, frames = windows.viewing.is_closed, windows.frames
    within = seen if is_closed else seen[:-1]
    at = sorted(borders(windows, steps))
    elsewhere = np.delete(within, at)
    # Borders that wander everywhere leave no elsewhere.
    quiet = np.median(elsewhere if len(elsewhere) > frames // 4 else within)
    median = float(np.median(within))
    return Line(
        kind=kind,
        frames=frames,
        evaluations=windows.calls_per_frame(steps),
        at_border=float(max(within[at], default=0.0) / quiet),
        anywhere=float(within.max() / median),
        last_to_first=float(seen[-1] / median),
        median=median,
    )


class Bench:
    """Renders on one thread of the CPU with the embedded model."""

    def __init__(self, steps: int, clips: int) -> None:
        self._library = Library(EMBEDDED_FOLDER, embedded=EMBEDDED_FOLDER)
        self._engine = StandaloneEngine(self._library, "cpu", "fp32")
        self._steps = steps
        self._clips = CLIPS[:clips]

    def line(self, kind: str, frames: int) -> Line:
        """The figures of one kind of windows."""
        asked = Text2Video(frames=frames, steps=self._steps, **KINDS[kind])  # pyright: ignore
        jobs = [replace(asked, prompt=prompt, seed=seed) for prompt, seed in self._clips]
        shots = [Shot.of(settle(job, self._library)) for job in jobs]
        seen = np.mean([changes(self._engine.render(shot)) for shot in shots], axis=0)
        return measured(kind, seen, plan(frames, viewing_of(shots[0])), self._steps)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, line after line."""
    parser = argparse.ArgumentParser(prog="python -m tools.seams", description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[32])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--clips", type=int, default=len(CLIPS), help=f"1 to {len(CLIPS)}")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    bench = Bench(options.steps, options.clips)
    print(HEAD)
    for frames in options.frames:
        for kind in options.kinds:
            print(bench.line(kind, frames), flush=True)


if __name__ == "__main__":
    main()
