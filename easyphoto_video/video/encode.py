"""Frames into files, one sink for each kind of file. A sink holds no more than it was just given.

Every sink writes into a folder of its own; write.py moves what is finished to its name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.video.ffmpeg import Ffmpeg, Tick, named, run
from easyphoto_video.video.sound import beside, sound_codec
from easyphoto_video.video.stamp import ffmetadata, png_info, stamp_gif, stamp_webp

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

WEBP = (
    "-c:v",
    "libwebp_anim",
    "-pix_fmt",
    "bgra",
    "-lossless",
    "0",
    "-quality",
    "90",
    "-loop",
    "0",
    "-f",
    "webp",
)
DITHER = "paletteuse=dither=bayer:bayer_scale=5"
"""An ordered pattern stands still from frame to frame; diffused errors would flicker."""
PALETTE_FRAMES, PALETTE_SIDE = 64, 128
"""palettegen keeps every colour it meets, so it sees only so many frames and so many px a side."""

FASTEST = {"gif": 50, "webp": 90}
"""Frames a second that browsers play: GIF below 2/100 s and WEBP up to 10 ms are slowed to 1/10."""
PNG_LEVEL = 3
"""Of zlib: twice as fast as the default 6 for a twentieth more bytes."""


@dataclass(frozen=True, kw_only=True)
class Film:
    """What must be known before the first frame."""

    format: str
    width: int
    """px"""
    height: int
    """px"""
    fps: Fraction
    note: str
    sound: Path | None


class Sink(Protocol):
    """Where frames go."""

    def add(self, frames: Frames) -> None:
        """Take frames, (n, H, W, 3) uint8 RGB."""
        ...

    def finish(self, tick: Tick) -> Path:
        """Finish the file, or folder of pictures, and say where it is."""
        ...


def sink_for(film: Film, folder: Path, stack: ExitStack) -> Sink:
    """A sink that works in `folder`; what it runs ends with the stack."""
    return SINKS[film.format](film, folder, stack)


class VideoSink:
    """MP4 and WEBM."""

    def __init__(self, film: Film, folder: Path, stack: ExitStack) -> None:
        self._film = film
        self._codec = sound_codec(film.sound) if film.sound else ""
        self._file = folder / f"silent.{film.format}"
        self._joined = folder / f"joined.{film.format}"
        self._frames = 0
        # H.264's 4:2:0 has no odd sizes; VP9's has.
        self._multiple = 2 if film.format == "mp4" else 1
        width, height = (side + side % self._multiple for side in (film.width, film.height))
        arguments = [*_piped(width, height, film.fps), *_noted(film.note, folder)]
        arguments += ["-vf", BT709, *TAGS, *CODECS[film.format], *MUXERS[film.format]]
        self._ffmpeg = stack.enter_context(Ffmpeg([*arguments, named(self._file)]))

    def add(self, frames: Frames) -> None:
        """See Sink."""
        self._ffmpeg.feed(padded(frames, self._multiple))
        self._frames += len(frames)

    def finish(self, tick: Tick) -> Path:
        """See Sink."""
        self._ffmpeg.wait(tick)
        if self._film.sound is None:
            return self._file
        seconds, format = self._frames / self._film.fps, self._film.format
        both = beside(self._file, self._film.sound, self._codec, format, seconds)
        run([*both, *MUXERS[format], named(self._joined)], tick)
        return self._joined


class Thinner:
    """Keeps every n-th frame, so that browsers play the format at its true speed."""

    def __init__(self, film: Film) -> None:
        self.every = math.ceil(film.fps / FASTEST[film.format])
        self.seen = 0

    def kept(self, frames: Frames) -> Frames:
        """Those of the next frames that stay."""
        first = -self.seen % self.every
        self.seen += len(frames)
        return frames[first :: self.every]


class WebpSink:
    """Animated WEBP; a still one when there is one frame."""

    def __init__(self, film: Film, folder: Path, stack: ExitStack) -> None:
        self._film = film
        self._file = folder / "clip.webp"
        self._thinner = Thinner(film)
        rate = film.fps / self._thinner.every
        arguments = [*_piped(film.width, film.height, rate), "-fps_mode", "passthrough", *WEBP]
        self._ffmpeg = stack.enter_context(Ffmpeg([*arguments, named(self._file)]))

    def add(self, frames: Frames) -> None:
        """See Sink."""
        self._ffmpeg.feed(self._thinner.kept(frames))

    def finish(self, tick: Tick) -> Path:
        """See Sink."""
        self._ffmpeg.wait(tick)
        if self._film.note:
            stamp_webp(self._file, (self._film.width, self._film.height), self._film.note)
        return self._file


class GifSink:
    """GIF with one palette made from all frames: so they wait on disk, without loss."""

    def __init__(self, film: Film, folder: Path, stack: ExitStack) -> None:
        self._film = film
        self._lossless, self._palette = folder / "lossless.nut", folder / "palette.png"
        self._plain, self._stamped = folder / "plain.gif", folder / "stamped.gif"
        self._thinner = Thinner(film)
        arguments = _piped(film.width, film.height, film.fps / self._thinner.every)
        lossless = ("-c:v", "ffv1", "-pix_fmt", "bgr0", named(self._lossless))
        self._ffmpeg = stack.enter_context(Ffmpeg([*arguments, *lossless]))

    def add(self, frames: Frames) -> None:
        """See Sink."""
        self._ffmpeg.feed(self._thinner.kept(frames))

    def finish(self, tick: Tick) -> Path:
        """See Sink."""
        self._ffmpeg.wait(tick)
        lossless = ("-i", named(self._lossless))
        run([*lossless, "-vf", self._sampled(), named(self._palette)], tick)
        timing = ("-fps_mode", "passthrough", "-final_delay", str(self._final_delay()))
        mapped = ("-i", named(self._palette), "-filter_complex", DITHER, *timing)
        run([*lossless, *mapped, "-loop", "0", "-f", "gif", named(self._plain)], tick)
        if not self._film.note:
            return self._plain
        stamp_gif(self._plain, self._stamped, self._film.note)
        return self._stamped

    def _sampled(self) -> str:
        """The filter that makes a palette from frames and pixels spread over the whole film."""
        kept = -(-self._thinner.seen // self._thinner.every)
        every = -(-kept // PALETTE_FRAMES)
        width, height = (min(side, PALETTE_SIDE) for side in (self._film.width, self._film.height))
        sampled = f"select=not(mod(n\\,{every})),scale={width}:{height}:flags=neighbor"
        return f"{sampled},palettegen"

    def _final_delay(self) -> int:
        """Hundredths of a second from the last frame's start to the clip's end."""
        frames, every = self._thinner.seen, self._thinner.every
        last = (frames - 1) // every * every
        start, end = (_rounded(100 * frame / self._film.fps) for frame in (last, frames))
        return max(2, end - start)


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


def _rounded(value: Fraction) -> int:
    """To the nearest whole number, halves up as ffmpeg does; Python rounds them to even."""
    return math.floor(value + Fraction(1, 2))


def _piped(width: int, height: int, fps: Fraction) -> Sequence[str]:
    rate = f"{fps.numerator}/{fps.denominator}"
    raw = ("-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{width}x{height}")
    return (*raw, "-framerate", rate, "-i", "pipe:0")


def _noted(note: str, folder: Path) -> Sequence[str]:
    if not note:
        return ()
    path = folder / "note.txt"
    path.write_bytes(ffmetadata(note))
    return ("-f", "ffmetadata", "-i", named(path), "-map", "0:v", "-map_metadata", "1")
