"""Frames into files, one sink for each kind of file. A sink holds no more than it was just given.

Every sink writes into a folder of its own; write.py moves what is finished to its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.video.animation import GifSink, WebpSink
from easyphoto_video.video.backward import reordered
from easyphoto_video.video.ffmpeg import Ffmpeg, Tick, named, run
from easyphoto_video.video.film import Film, Sink, piped
from easyphoto_video.video.sound import beside, sound_codec
from easyphoto_video.video.stamp import ffmetadata, png_info

BT709 = (
    "scale=out_color_matrix=bt709:out_range=tv"
    ":flags=bicubic+accurate_rnd+full_chroma_inp,format=yuv420p,"
    "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
)
"""RGB to the YUV of high definition; players take untagged or wrongly turned YUV for another."""
TAGS = (
    "-color_range",
    "tv",
    "-colorspace",
    "bt709",
    "-color_primaries",
    "bt709",
    "-color_trc",
    "bt709",
)

CODECS = {
    "mp4": ("-c:v", "libx264", "-preset", "medium", "-crf", "16"),
    "webm": (
        "-c:v",
        "libvpx-vp9",
        "-b:v",
        "0",
        "-crf",
        "20",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
    ),
}
"""VP9's realtime mode is five times as fast as its good mode, for 15 % more bytes."""
MUXERS = {"mp4": ("-movflags", "+faststart", "-f", "mp4"), "webm": ("-f", "webm")}

PNG_LEVEL = 3
"""Of zlib: twice as fast as the default 6 for a twentieth more bytes."""


def sink_for(film: Film, folder: Path, stack: ExitStack) -> Sink:
    """A sink that works in `folder`; what it runs ends with the stack."""
    return SINKS[film.format](film, folder, stack)


class VideoSink:
    """MP4 and WEBM."""

    def __init__(self, film: Film, folder: Path, stack: ExitStack) -> None:
        self._film = film
        self._sound = film.extras.sound
        self._codec = sound_codec(self._sound.path) if self._sound else ""
        self._file = folder / f"silent.{film.format}"
        self._joined = folder / f"joined.{film.format}"
        self._frames = 0
        # H.264's 4:2:0 has no odd sizes; VP9's has.
        self._multiple = 2 if film.format == "mp4" else 1
        width, height = (side + side % self._multiple for side in (film.width, film.height))
        arguments = [*piped(width, height, film.fps), *_noted(film.note, folder)]
        arguments += ["-vf", BT709, *TAGS, *CODECS[film.format], *MUXERS[film.format]]
        self._ffmpeg = stack.enter_context(Ffmpeg([*arguments, named(self._file)]))

    def add(self, frames: Frames) -> None:
        """See Sink."""
        self._ffmpeg.feed(padded(frames, self._multiple))
        self._frames += len(frames)

    def finish(self, tick: Tick) -> Path:
        """See Sink."""
        self._ffmpeg.wait(tick)
        if self._sound is None:
            return self._file
        format = self._film.format
        out = (*MUXERS[format], named(self._joined))
        if self._sound.order == "forward":
            seconds = self._frames / self._film.fps
            run([*beside(self._file, self._sound, self._codec, format, seconds), *out], tick)
        else:
            reordered(self._file, self._sound, (self._frames, self._film.fps), out, tick)
        return self._joined


class PngSink:
    """A folder of pictures, 00000.png and on, each with the note."""

    def __init__(self, film: Film, folder: Path, stack: ExitStack) -> None:
        self._folder = folder / "pictures"
        self._folder.mkdir()
        self._info = png_info(film.note)
        self._count = 0

    def add(self, frames: Frames) -> None:
        """See Sink."""
        for frame in frames:
            picture = Image.fromarray(frame)
            path = self._folder / f"{self._count:05d}.png"
            picture.save(path, pnginfo=self._info, compress_level=PNG_LEVEL)
            self._count += 1

    def finish(self, tick: Tick) -> Path:
        """See Sink."""
        tick()
        return self._folder


SINKS: dict[str, Callable[[Film, Path, ExitStack], Sink]] = {
    "mp4": VideoSink,
    "webm": VideoSink,
    "gif": GifSink,
    "webp": WebpSink,
    "png": PngSink,
}


def padded(frames: Frames, multiple: int) -> Frames:
    """(n, H, W, 3) with the last column and row repeated until both sides are multiples."""
    down, right = (-side % multiple for side in frames.shape[1:3])
    return np.pad(frames, ((0, 0), (0, down), (0, right), (0, 0)), mode="edge")


def _noted(note: str, folder: Path) -> Sequence[str]:
    if not note:
        return ()
    path = folder / "note.txt"
    path.write_bytes(ffmetadata(note))
    return ("-f", "ffmetadata", "-i", named(path), "-map", "0:v", "-map_metadata", "1")
