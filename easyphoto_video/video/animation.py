"""Frames into GIF and WEBP."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from easyphoto_video.clip import Frames
from easyphoto_video.video.ffmpeg import Ffmpeg, Tick, named, run
from easyphoto_video.video.film import Film, Thinner, piped
from easyphoto_video.video.stamp import stamp_gif, stamp_webp

WEBP = (
    "-c:v",
    "libwebp_anim",
    "-pix_fmt",
    "bgra",
    "-lossless",
    "0",
    "-quality",
    "90",
)
DITHER = {
    "bayer": "dither=bayer:bayer_scale=5",
    "floyd-steinberg": "dither=floyd_steinberg",
    "none": "dither=none",
}
"""An ordered pattern stands still from frame to frame; diffused errors would flicker."""
PALETTE_FRAMES, PALETTE_SIDE = 64, 128
"""palettegen keeps every colour it meets, so it sees only so many frames and so many px a side."""


class WebpSink:
    """Animated WEBP; a still one when there is one frame."""

    def __init__(self, film: Film, folder: Path, stack: ExitStack) -> None:
        self._film = film
        self._file = folder / "clip.webp"
        self._thinner = Thinner(film)
        rate = film.fps / self._thinner.every
        arguments = [*piped(film.width, film.height, rate), "-fps_mode", "passthrough", *WEBP]
        arguments += ["-loop", str(film.extras.loop), "-f", "webp", named(self._file)]
        self._ffmpeg = stack.enter_context(Ffmpeg(arguments))

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
    """GIF. One palette for the film is made from all frames: so they wait on disk, without loss."""

    def __init__(self, film: Film, folder: Path, stack: ExitStack) -> None:
        self._film = film
        self._lossless, self._palette = folder / "lossless.nut", folder / "palette.png"
        self._plain, self._stamped = folder / "plain.gif", folder / "stamped.gif"
        self._thinner = Thinner(film)
        arguments = piped(film.width, film.height, film.fps / self._thinner.every)
        lossless = ("-c:v", "ffv1", "-pix_fmt", "bgr0", named(self._lossless))
        self._ffmpeg = stack.enter_context(Ffmpeg([*arguments, *lossless]))

    def add(self, frames: Frames) -> None:
        """See Sink."""
        self._ffmpeg.feed(self._thinner.kept(frames))

    def finish(self, tick: Tick) -> Path:
        """See Sink."""
        self._ffmpeg.wait(tick)
        timing = ("-fps_mode", "passthrough", "-final_delay", str(self._final_delay()))
        # GIF counts the times after the first, and -1 leaves the count out: it plays once.
        loop = ("-loop", str({0: 0, 1: -1}.get(self._film.extras.loop, self._film.extras.loop - 1)))
        run([*self._mapped(tick), *timing, *loop, "-f", "gif", named(self._plain)], tick)
        if not self._film.note:
            return self._plain
        stamp_gif(self._plain, self._stamped, self._film.note)
        return self._stamped

    def _mapped(self, tick: Tick) -> Sequence[str]:
        """Arguments for ffmpeg: the frames in the colours of their palettes."""
        lossless, extras = ("-i", named(self._lossless)), self._film.extras
        use = f"paletteuse={DITHER[extras.dither]}"
        if extras.palette == "frame":
            own = f"split[shown][seen];[seen]palettegen=stats_mode=single[own];[shown][own]{use}"
            return (*lossless, "-filter_complex", f"{own}:new=1")
        run([*lossless, "-vf", self._sampled(), named(self._palette)], tick)
        return (*lossless, "-i", named(self._palette), "-filter_complex", use)

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


def _rounded(value: Fraction) -> int:
    """To the nearest whole number, halves up as ffmpeg does; Python rounds them to even."""
    return math.floor(value + Fraction(1, 2))
