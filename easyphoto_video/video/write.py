"""Clips into files, a span at a time; a half-written file never carries the final name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadRequest, HostFailed
from easyphoto_video.held import TOKEN, claimed, sweep
from easyphoto_video.setting.number import FINEST
from easyphoto_video.video.encode import sink_for
from easyphoto_video.video.film import Extras, Film, Sink
from easyphoto_video.video.place import check_writable, format_of, place_of, publish
from easyphoto_video.video.stamp import storable
from easyphoto_video.watch import Watch, unwatched

PART = ".part"
PARTS = rf"(?s)\..+\.{TOKEN}\{PART}"
"""What the folder is called that a film is worked on in."""
EARLIER = rf"(?s)\..+\.[a-z0-9_]{{8}}\{PART}"
"""What earlier versions called it too."""


class Writer:
    """A film that is written span by span: `with Writer(...) as out: out.add(frames)`.

    It is worked on in a hidden folder beside its place, and moved there in one step when the
    `with` ends well; else nothing is left. What those left there who were killed goes first. `path`
    is where the film lies after the `with`.

    `fps` is exact, `note` any text, `extras` what only some formats have: a sound goes along in MP4
    and WEBM, cut to the film's length. The watch hears ("writing", 1.0) while the film is finished.

    Raises BadRequest when the place or the frame rate cannot be used, BadFile when the sound has no
    sound, Missing without ffmpeg, HostFailed when ffmpeg or the disk gives up.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        fps: Fraction,
        note: str = "",
        extras: Extras | None = None,
        watch: Watch = unwatched,
    ) -> None:
        self.path = place_of(path)
        self._given = path
        self._frames = 0
        self._watch = watch
        self._film = Film(
            format=format_of(path),
            width=width,
            height=height,
            fps=_exact(fps),
            note=storable(note),
            extras=extras or Extras(),
        )

    def __enter__(self) -> Writer:
        check_writable(self._given)
        with ExitStack() as stack:
            prefix = f".{self.path.name[:40]}."
            with self._translated():
                sweep(self.path.parent, PARTS)
                folder = stack.enter_context(claimed(self.path.parent, prefix, PART))
            self._sink: Sink = sink_for(self._film, folder, stack)
            self._stack = stack.pop_all()
        return self

    def add(self, frames: Frames) -> None:
        """Write the next frames, (n, H, W, 3) uint8 RGB of the film's size."""
        size = (self._film.height, self._film.width, 3)
        if frames.dtype.name != "uint8" or frames.ndim != 4 or frames.shape[1:] != size:
            given = f"{frames.shape} {frames.dtype}"
            raise ValueError(f"a span holds (n, {size[0]}, {size[1]}, 3) uint8 frames, not {given}")
        with self._translated():
            self._sink.add(frames)
        self._frames += len(frames)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            if kind is None:
                self._finish()

    def _finish(self) -> None:
        if not self._frames:
            raise ValueError("a film holds at least one frame")
        self._tick()
        with self._translated():
            finished = self._sink.finish(self._tick)
        self.path = publish(finished, self.path)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise HostFailed(
                f"{self.path} could not be written: {error.strerror or error}. Look for free disk "
                "space, or choose another folder with --out."
            ) from error

    def _tick(self) -> None:
        self._watch("writing", 1.0)


def _exact(fps: Fraction) -> Fraction:
    if max(fps.numerator, fps.denominator) > FINEST:
        raise BadRequest(
            "Frames per second",
            str(fps),
            "is too fine a fraction to be exact in a file",
            f"Give a fraction of whole numbers up to {FINEST}, such as 30000/1001.",
        )
    return fps
