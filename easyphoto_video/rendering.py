"""Rendering a clip of any length, span after span, each kept on disk when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot, Start
from easyphoto_video.film import Film
from easyphoto_video.kit import Making
from easyphoto_video.request import Sampled
from easyphoto_video.spans import Span, leaning, spans
from easyphoto_video.watch import Share
from easyphoto_video.work import Work

Made = Callable[[int, int], Iterator[Frames]]
"""The frames (H, W, 3) uint8 RGB from one number to before another that are done already."""
Begin = Callable[[range, Made], Start | None]
"""What the frames of these numbers begin from, given those that are done; None is noise."""
SCENE = "scene"


@dataclass(frozen=True)
class Strip:
    """The frames of spans that are done, one after the other."""

    work: Work
    part: str
    spans: Sequence[Span]

    def name(self, span: Span) -> str:
        """Of a span's file."""
        return f"{self.part}-{span.name}"

    def frames(self, start: int, stop: int) -> Iterator[Frames]:
        """(H, W, 3) uint8 RGB of the frames from `start` to before `stop`."""
        for span in self.spans:
            low, high = max(start, span.start), min(stop, span.stop)
            if low < high:
                yield from self.work.frames(self.name(span), low - span.start, high - span.start)

    def held(self, span: Span) -> dict[int, Frames]:
        """What a span leans on, by place: the frames before it, and the first ones behind it."""
        places = [*range(span.before), *range(len(span.rows) - span.after, len(span.rows))]
        before = self.frames(span.start - span.before, span.start)
        first = self.spans[0].start
        return dict(zip(places, [*before, *self.frames(first, first + span.after)], strict=True))


def rendered(job: Sampled, begin: Begin, making: Making) -> Film:
    """The clip of a request whose frames begin as `begin` says, which is asked span after span."""
    work = making.work
    cut = spans(range(job.frames), job.span, job.span_overlap, is_closed=job.closed_loop)
    strip = Strip(work, SCENE, cut)
    for number, span in enumerate(cut):
        if work.has(strip.name(span)):
            continue
        start = leaning(begin(span.rows, strip.frames), len(span.rows), strip.held(span))
        shot = Shot.of(job, start, span.rows)
        frames = making.session.render(shot, Share(number, len(cut), making.watch))
        work.keep(strip.name(span), frames[span.new])
    return Film(
        width=job.width, height=job.height, count=job.frames, fps=job.fps, source=strip.frames
    )
