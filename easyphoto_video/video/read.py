"""Films out of files: what a file holds, and its frames, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile
from easyphoto_video.files import check_file, is_folder
from easyphoto_video.video import pictures
from easyphoto_video.video.decode import of_ffmpeg, size_of
from easyphoto_video.video.ffmpeg import GIVE_ANOTHER
from easyphoto_video.video.pictures import composited
from easyphoto_video.video.probe import SoundTrack, facts_of
from easyphoto_video.video.timing import Timing

Source = Callable[[int, int | None], Generator[Frames, None, None]]
"""(start, stop) -> the frames (H, W, 3 or 4) uint8 RGB or RGBA from `start` to before `stop`."""


@dataclass(frozen=True, kw_only=True)
class Video:
    """A film in a file; make it with `open_video`."""

    path: Path
    width: int
    """px as it is shown, turned as the file says."""
    height: int
    """px as it is shown."""
    fps: Fraction | None
    """Exact; the mean where frames last differently; None for a still and a folder of pictures."""
    count: int
    """Frames; a damaged file may give fewer."""
    has_sound: bool
    source: Source = field(repr=False)
    timing: Timing | None = field(default=None, repr=False)
    """When each frame is shown; None for a still and a folder of pictures."""
    sound: SoundTrack | None = None
    """When its first sound begins and how long it is."""
    offset: Fraction = Fraction(0)
    """Seconds on the file's own clock at which the first picture is shown."""

    def frames(self, start: int = 0, stop: int | None = None) -> Generator[Frames, None, None]:
        """(H, W, 3) uint8 RGB of each frame from `start` to before `stop`, to the end without.

        What is transparent lies on white. Nothing but the frame at hand is held; closing the
        iterator ends the program that reads. Raises BadFile with the reader's words.
        """
        with closing(self.layers(start, stop)) as layers:
            for layer in layers:
                yield composited(layer)

    def layers(self, start: int = 0, stop: int | None = None) -> Generator[Frames, None, None]:
        """See frames; (H, W, 4) RGBA, not premultiplied, where the file has alpha."""
        if start < 0 or (stop is not None and stop < start):
            raise ValueError(f"frames run from 0 on, not from {start} to {stop}")
        with closing(self.source(start, stop)) as layers:
            for layer in layers:
                if layer.shape[:2] != (self.height, self.width):
                    size = f"{layer.shape[1]}x{layer.shape[0]}"
                    raise BadFile(self.path, f"it changes its size to {size}", GIVE_ANOTHER)
                yield layer


def open_video(path: Path | str) -> Video:
    """Look at a film: any that ffmpeg reads, a picture, animated or not, or a folder of .png files.

    Raises BadFile when there are no pictures in it or too large ones, Missing without ffmpeg.
    """
    path = Path(path)
    if is_folder(path):
        return _of_folder(path)
    check_file(path, GIVE_ANOTHER)
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise BadFile(path, f"it cannot be read ({error.strerror})", GIVE_ANOTHER) from error
    return _of_picture(path) if pictures.is_picture(head) else _of_film(path)


def _of_folder(path: Path) -> Video:
    count = len(pictures.pictures_in(path))
    return _silent(path, partial(pictures.of_folder, path), count, None)


def _of_picture(path: Path) -> Video:
    timing = pictures.pages(path)
    return _silent(
        path,
        partial(pictures.of_picture, path),
        1 if timing is None else len(timing.starts),
        timing,
    )


def _silent(path: Path, source: Source, count: int, timing: Timing | None) -> Video:
    height, width = next(source(0, 1)).shape[:2]
    return Video(
        path=path,
        width=width,
        height=height,
        fps=timing and timing.fps,
        count=count,
        has_sound=False,
        source=source,
        timing=timing,
    )


def _of_film(path: Path) -> Video:
    facts = facts_of(path)
    width, height = size_of(path, facts)
    return Video(
        path=path,
        width=width,
        height=height,
        fps=facts.timing.fps,
        count=len(facts.timing.starts),
        has_sound=facts.sound is not None,
        source=partial(of_ffmpeg, path, facts, (height, width, 4 if facts.has_alpha else 3)),
        timing=facts.timing,
        sound=facts.sound,
        offset=facts.offset,
    )
