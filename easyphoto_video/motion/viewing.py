"""Which windows each step of the sampler sees the clip through, by their known names.

`windows = plan(64, Viewing(context=16, overlap=4, method="standard_uniform"))` knows them all:
`windows.at(step)` are those that the UNet sees one after the other, and `windows.views(step)` those
inside its temporal layers, if the method has such. A clip no longer than the context is one window.
A closed clip is a ring: frame F-1 stands before frame 0 in windows that lie across the seam, and a
ring that fits into one window is seen from another frame on in each step, so that its seam is
nowhere for long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from easyphoto_video.engine import Shot
from easyphoto_video.errors import BadRequest
from easyphoto_video.motion.windows import Window, balanced, flat, pyramid, relative

INSIDE = "inside"
"""The method whose windows lie inside the temporal layers: the UNet sees the clip as one."""

Span = tuple[int, ...]
"""The frames of a window, in their order."""


@dataclass(frozen=True, kw_only=True)
class Viewing:
    """How a clip is seen in windows. Raises BadRequest when made of what cannot be."""

    context: int = 16
    """The most frames in a window."""
    overlap: int = 0
    """Frames that neighbouring windows share, below the context."""
    stride: int = 1
    """1 for neighbouring frames only; N also every 2nd, 4th .. 2^(N-1)th, where the clip has so
    many frames."""
    method: str = "alternating"
    """One of METHODS."""
    fuse: str = "pyramid"
    """One of FUSES: how much each window counts for a frame that is in several."""
    is_closed: bool = False
    """Whether the last frame goes on to the first."""

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.context:
            raise BadRequest(
                "Context overlap",
                self.overlap,
                f"is not from 0 to below the context length of {self.context}",
                f"Give 0 to {max(self.context, 1) - 1}, and a context length of at least 1.",
            )
        if self.stride < 1:
            raise BadRequest("Context stride", self.stride, "is below 1", "Give 1 or more.")
        _known("Context method", self.method, METHODS)
        _known("Context fuse", self.fuse, FUSES)


@dataclass(frozen=True)
class Windows:
    """The windows of a clip, which may differ from step to step; `plan` makes it."""

    frames: int
    viewing: Viewing

    def at(self, step: int) -> tuple[Window, ...]:
        """The windows that the UNet sees one after the other in a step, counted from 0.

        No two are alike, and the weights of each frame add up to 1.
        """
        if self._is_inside:
            return balanced([(_span(0, self.frames, self.frames), flat(self.frames))])
        return _seen(self.frames, self.viewing, step)

    def views(self, step: int) -> tuple[Window, ...]:
        """The windows inside the temporal layers, as `Handle.frames` takes them; mostly none."""
        return _seen(self.frames, self.viewing, step) if self._is_inside else ()

    @property
    def _is_inside(self) -> bool:
        return self.viewing.method == INSIDE and self.frames > self.viewing.context

    def count(self, begin: int, end: int) -> int:
        """How many windows there are from step `begin` to before step `end`."""
        return sum(len(self.at(step)) for step in range(begin, end))

    def calls_per_frame(self, steps: int) -> float:
        """How often the UNet sees a frame in each of so many steps, on average."""
        seen = sum(len(window.frames) for step in range(steps) for window in self.at(step))
        return seen / (steps * self.frames)


def plan(frames: int, viewing: Viewing) -> Windows:
    """The windows of a clip. Raises BadRequest unless there is a frame."""
    if frames < 1:
        raise BadRequest("Frames", frames, "is no clip", "Give at least 1.")
    return Windows(frames, viewing)


def bit_reversed(step: int) -> float:
    """0, 1/2, 1/4, 3/4, 1/8 ..: shares of 1 that fill it evenly, however many are taken."""
    share, digit = 0.0, 0.5
    while step:
        share += digit * (step & 1)
        step, digit = step >> 1, digit / 2
    return share


@lru_cache(maxsize=1024)
def _seen(frames: int, viewing: Viewing, step: int) -> tuple[Window, ...]:
    if frames <= viewing.context:
        turn = int(bit_reversed(step) * frames) if viewing.is_closed else 0
        spans = [_span(turn, frames, frames)]
    else:
        spans = list(dict.fromkeys(METHODS[viewing.method](frames, viewing, step)))
    return balanced([(span, _weights(span, frames, viewing)) for span in spans])


def _weights(span: Span, frames: int, viewing: Viewing) -> tuple[float, ...]:
    begins, ends = span[0] == 0, span[-1] == frames - 1
    if viewing.is_closed:
        begins = ends = False
    return FUSES[viewing.fuse](
        len(span), 0 if begins else viewing.overlap, 0 if ends else viewing.overlap
    )


def _span(start: int, length: int, frames: int, stride: int = 1) -> Span:
    """Frames from `start` on, past the last one from the first on again."""
    return tuple((start + i * stride) % frames for i in range(length))


def _strides(frames: int, viewing: Viewing) -> list[int]:
    """1, 2, 4 .. as far as asked, and as far as a window of them is no longer than the clip."""
    wanted = (1 << level for level in range(viewing.stride))
    return [stride for stride in wanted if stride == 1 or stride * viewing.context <= frames]


def _alternating(frames: int, viewing: Viewing, step: int) -> Iterator[Span]:
    """Even tiles, whose borders lie elsewhere in the next step; first with the largest strides.

    A frame is seen about once a step, and the overlap comes on top.
    """
    strides = _strides(frames, viewing)
    stride = strides[max(len(strides) - 1 - step, 0)]
    for first in range(stride):
        numbers = range(first, frames, stride)
        for start, end in _tiles(len(numbers), viewing, step):
            yield tuple(numbers[i % len(numbers)] for i in range(start, end))


def _tiles(frames: int, viewing: Viewing, step: int) -> Iterator[tuple[int, int]]:
    """Where each tile starts, and before which frame it ends; past the end goes round."""
    for start, border in pairwise(_borders(frames, viewing, bit_reversed(step))):
        end = border + viewing.overlap
        yield start, end if viewing.is_closed else min(end, frames)


def _borders(frames: int, viewing: Viewing, share: float) -> list[int]:
    """Where tiles begin and end, moved on by a share of a tile.

    Motion modules see little in a handful of frames, so a short end of an open clip shares with its
    neighbour: no tile is shorter than half of the others, or a third of the clip.
    """
    most = viewing.context - viewing.overlap
    count = -(-frames // most)
    moved = [(i + share) * frames / count for i in range(count + 1)]
    if viewing.is_closed:
        return [int(border) for border in moved]
    inner = moved[1:-1]
    if count > 1 and 2 * frames <= 3 * most:
        inner = [frames * (1 + share) / 3]
    elif count > 1 and share:
        inner = _balanced_ends(moved[:-1], frames)
    return sorted({0, *map(int, inner), frames})


def _balanced_ends(borders: Sequence[float], frames: int) -> Sequence[float]:
    first, *middle, last = borders
    tile = frames / len(borders)
    if first < tile / 2:
        first = (first + tile) / 2
    if frames - last < tile / 2:
        last = (last - tile + frames) / 2
    return [first, *middle, last]


def _standard_static(frames: int, viewing: Viewing, step: int) -> Sequence[Span]:
    """The same windows in every step; the last one ends with the clip."""
    starts = _starts(frames, viewing, 0)
    return _looped(starts, frames, viewing) if viewing.is_closed else _open(starts, frames, viewing)


def _standard_uniform(frames: int, viewing: Viewing, step: int) -> Sequence[Span]:
    """Moved on in each step by a bit-reversed share of the clip, but never across its ends."""
    starts = _starts(frames, viewing, step)
    return _looped(starts, frames, viewing) if viewing.is_closed else _open(starts, frames, viewing)


def _looped_uniform(frames: int, viewing: Viewing, step: int) -> Sequence[Span]:
    """Moved on in each step by a bit-reversed share of the clip, and round its ends."""
    return _looped(_starts(frames, viewing, step), frames, viewing)


def _starts(frames: int, viewing: Viewing, step: int) -> list[tuple[int, int]]:
    """The first frame of each window, maybe past the clip's end, and its stride."""
    share = bit_reversed(step)
    pad = round(frames * share)
    end = frames + pad - (0 if viewing.is_closed else viewing.overlap)
    return [
        (start, stride)
        for stride in _strides(frames, viewing)
        for start in range(
            int(share * stride) + pad, end, viewing.context * stride - viewing.overlap
        )
    ]


def _looped(starts: Sequence[tuple[int, int]], frames: int, viewing: Viewing) -> list[Span]:
    return [_span(start % frames, viewing.context, frames, stride) for start, stride in starts]


def _open(starts: Sequence[tuple[int, int]], frames: int, viewing: Viewing) -> list[Span]:
    """A window that would reach past the end is moved back to it; one at the clip's beginning
    comes instead of what it would see there, unless others do."""
    length = viewing.context
    spans = []
    for start, stride in starts:
        latest = frames - 1 - (length - 1) * stride
        spans.append(_span(min(start % frames, latest), length, frames, stride))
    missing = set(range(frames)).difference(*spans)
    while missing:
        spans.append(_span(min(min(missing), frames - length), length, frames))
        missing.difference_update(spans[-1])
    return spans


def _overlap_linear(length: int, before: int, after: int) -> tuple[float, ...]:
    """1, and evenly down to the ends over the frames that are shared there."""
    return tuple(
        min(1.0, (i + 1) / (before + 1), (length - i) / (after + 1)) for i in range(length)
    )


def _inside(frames: int, viewing: Viewing, step: int) -> Sequence[Span]:
    """Moved on in each step by a bit-reversed share of a window's hop.

    Neighbours share the overlap everywhere, where those of the uniform methods may stand side by
    side: these are moved on by a share of the clip and brought back from its end to its beginning.
    """
    spans = []
    for stride in _strides(frames, viewing):
        hop = viewing.context * stride - viewing.overlap
        offset = int(bit_reversed(step) * hop)
        last = frames - 1 - (viewing.context - 1) * stride
        if viewing.is_closed:
            starts: Iterable[int] = range(offset, offset + frames, hop)
        else:
            starts = (min(max(start, 0), last) for start in range(offset - hop, last + hop, hop))
        spans += [_span(start % frames, viewing.context, frames, stride) for start in starts]
    return spans


Method = Callable[[int, Viewing, int], Iterator[Span] | Sequence[Span]]
METHODS: dict[str, Method] = {
    "alternating": _alternating,
    "uniform": _standard_uniform,
    "standard_static": _standard_static,
    "standard_uniform": _standard_uniform,
    "looped_uniform": _looped_uniform,
    INSIDE: _inside,
}
"""`alternating` is ours. `uniform` is sd-webui-animatediff's, which is AnimateDiff-Evolved's
standard uniform for an open clip and its looped uniform for a closed one; the others are Evolved's
own, and `inside` is known there as view options."""

FUSES: dict[str, Callable[[int, int, int], tuple[float, ...]]] = {
    "flat": lambda length, _before, _after: flat(length),
    "pyramid": lambda length, _before, _after: pyramid(length),
    "relative": lambda length, _before, _after: relative(length),
    "overlap-linear": _overlap_linear,
}
"""The weights of a window by its length and the frames that it shares at either end."""


def _known(field: str, name: str, names: Iterable[str]) -> None:
    if name not in names:
        raise BadRequest(field, name, "is not known", f"Give one of {', '.join(names)}.")


def viewing_of(shot: Shot) -> Viewing:
    """Which frames of the shot the motion module sees together."""
    return Viewing(
        context=shot.context,
        overlap=shot.overlap,
        stride=shot.stride,
        method=shot.windows,
        fuse=shot.fuse,
        is_closed=shot.is_closed,
    )
