"""How clips that are longer than the motion module sees hold together, by kinds of windows.

    python -m tools.seams --frames 32 96 --clips 3

renders clips of the embedded model as the program does, span after span. A person moves unevenly,
so the changes from frame to frame, each over the median of its clip, are averaged over the clips
first. Then it prints for each kind of windows:

evaluations    how often the UNet sees a frame in a step
span           the largest change at a seam of spans, over the median elsewhere
border         the mean change at borders of windows over the mean elsewhere, mean of the steps
last step      the largest change at a border that windows have in the last step, over the median
elsewhere      the largest change where neither is, over the median
last to first  the change from the last frame to the first, over the median
levels         the median itself, of 255, which tells that the clip moves
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from easyphoto_video.engine import Shot
from easyphoto_video.host.library import EMBEDDED_FOLDER, Library
from easyphoto_video.host.standalone.engine import StandaloneEngine
from easyphoto_video.host.standalone.settle import settle
from easyphoto_video.kit import Tools
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.motion.viewing import INSIDE, Windows, plan, viewing_of
from easyphoto_video.rendering import rendered
from easyphoto_video.spans import Span, spans
from easyphoto_video.watch import unwatched

PERSON = "1girl, long hair, red hair, blue eyes, fair skin, {}, green sweater, purple background"
ACTS = (
    "nodding", "turning head", "smile, talking", "turning head, blinking", "nodding, talking",
    "talking", "smile, nodding", "blinking",
)  # fmt: skip

KINDS: dict[str, dict[str, object]] = {
    "fixed, no overlap": {"windows": "standard_static", "overlap": 0},
    "standard_static": {"windows": "standard_static", "overlap": 4},
    "standard_uniform": {"windows": "standard_uniform", "overlap": 4},
    "alternating": {"windows": "alternating", "overlap": 0},
    "alternating, overlap 1": {"windows": "alternating", "overlap": 1},
    "inside": {"windows": INSIDE, "overlap": 4},
    "alternating, closed": {"windows": "alternating", "overlap": 0, "closed_loop": True},
    "inside, closed": {"windows": INSIDE, "overlap": 4, "closed_loop": True},
}
"""Names of rows, and what they ask of the request."""

Changes = npt.NDArray[np.float64]
"""(F,) mean absolute difference between a frame and the next; the last one's next is the first."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the table; see the module."""

    kind: str
    frames: int
    evaluations: float
    span: float
    border: float
    last_step: float
    elsewhere: float
    last_to_first: float
    levels: float

    def __str__(self) -> str:
        return (
            f"{self.kind:<24}{self.frames:>6}{self.evaluations:>13.3f}{self.span:>8.2f}"
            f"{self.border:>8.2f}{self.last_step:>11.2f}{self.elsewhere:>11.2f}"
            f"{self.last_to_first:>15.2f}{self.levels:>8.2f}"
        )


HEAD = (
    f"{'windows':<24}{'frames':>6}{'evaluations':>13}{'span':>8}{'border':>8}{'last step':>11}"
    f"{'elsewhere':>11}{'last to first':>15}{'levels':>8}"
)


@dataclass(frozen=True, kw_only=True)
class Seams:
    """Where a clip is joined: a seam's number is that of the frame before it."""

    frames: int
    evaluations: float
    spans: frozenset[int]
    steps: tuple[frozenset[int], ...]
    """Borders of windows, in each step."""


def changes(frames: npt.NDArray[np.uint8]) -> Changes:
    """Of a clip (F, H, W, 3), in levels of 255."""
    exact = frames.astype(np.float64)
    return np.abs(np.roll(exact, -1, 0) - exact).mean((1, 2, 3))


def borders(windows: Windows, step: int) -> set[int]:
    """The frames behind which a window begins or ends in a step; F-1 of a closed clip only."""
    frames, found = windows.frames, set[int]()
    for window in windows.views(step) or windows.at(step):
        found |= {(window.frames[0] - 1) % frames, window.frames[-1]}
    return found if windows.viewing.is_closed else found - {frames - 1}


def seams(cut: Sequence[Span], plans: Sequence[Windows], steps: int) -> Seams:
    """Of a clip that is rendered in these spans, each through its windows."""
    frames = cut[-1].stop - cut[0].start
    pairs = list(zip(cut, plans, strict=True))
    return Seams(
        frames=frames,
        evaluations=sum(p.calls_per_frame(steps) * p.frames for p in plans) / frames,
        spans=frozenset(span.start - 1 for span in cut[1:]),
        steps=tuple(
            frozenset(
                behind
                for span, windows in pairs
                for border in borders(windows, step)
                if span.start <= (behind := span.rows[0] + border) < span.stop - (len(cut) > 1)
            )
            for step in range(steps)
        ),
    )


def measured(kind: str, seen: Changes, where: Seams, levels: float, *, is_closed: bool) -> Line:
    """The line for clips with these mean changes."""
    within = seen if is_closed else seen[:-1]
    last = where.steps[-1] - where.spans
    median = float(np.median(np.delete(within, sorted(last | where.spans))))
    return Line(
        kind=kind,
        frames=where.frames,
        evaluations=where.evaluations,
        span=_largest(within, where.spans) / median,
        border=float(np.mean([_excess(within, step - where.spans) for step in where.steps])),
        last_step=_largest(within, last) / median,
        elsewhere=float(np.delete(within, sorted(last | where.spans)).max()) / median,
        last_to_first=float(seen[-1]) / median,
        levels=levels,
    )


def _largest(seen: Changes, at: Iterable[int]) -> float:
    return float(max(seen[sorted(at)], default=0.0))


def _excess(seen: Changes, at: frozenset[int]) -> float:
    """The mean there over the mean elsewhere; 1 where there is nowhere."""
    if not at:
        return 1.0
    return float(seen[sorted(at)].mean() / np.delete(seen, sorted(at)).mean())


class Bench:
    """Renders on one thread of the CPU with the embedded model."""

    def __init__(self, asked: Text2Video, clips: int) -> None:
        self._library = Library(EMBEDDED_FOLDER, embedded=EMBEDDED_FOLDER)
        self._engine = StandaloneEngine(self._library, "cpu", "fp32")
        self._asked = asked
        self._clips = [(PERSON.format(ACTS[i % len(ACTS)]), 1000 * (i + 1)) for i in range(clips)]

    def line(self, kind: str, frames: int) -> Line:
        """The figures of one kind of windows."""
        asked = replace(self._asked, frames=frames, **KINDS[kind])
        jobs = [
            settle(replace(asked, prompt=prompt, seed=seed), self._library)
            for prompt, seed in self._clips
        ]
        found = [changes(self._clip(job)) for job in jobs]
        medians = [float(np.median(seen)) for seen in found]
        seen = np.mean([one / median for one, median in zip(found, medians, strict=True)], axis=0)
        job = jobs[0]
        cut = spans(range(frames), job.span, job.span_overlap, is_closed=job.closed_loop)
        plans = [plan(len(span.rows), viewing_of(Shot.of(job, None, span.rows))) for span in cut]
        where = seams(cut, plans, job.steps)
        return measured(kind, seen, where, float(np.mean(medians)), is_closed=job.closed_loop)

    def _clip(self, job: Text2Video) -> npt.NDArray[np.uint8]:
        with Tools(engine=self._engine).open(job, unwatched) as making:
            film = rendered(job, lambda rows, made: None, making)
            return np.stack(list(film.source(0, film.count)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, line after line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.seams",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--frames", type=int, nargs="+", default=[32])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--cfg", type=float, default=0.0, help="0 is the checkpoint's own")
    parser.add_argument("--clips", type=int, default=3)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    bench = Bench(Text2Video(steps=options.steps, cfg=options.cfg), options.clips)
    print(HEAD)
    for frames in options.frames:
        for kind in options.kinds:
            print(bench.line(kind, frames), flush=True)


if __name__ == "__main__":
    main()
