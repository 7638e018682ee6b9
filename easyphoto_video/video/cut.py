"""A stretch of a film at an exact frame rate, frame by frame."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile, BadRequest
from easyphoto_video.video.pictures import GIVE_ANOTHER, composited
from easyphoto_video.video.read import Video
from easyphoto_video.video.sound import Sound

MICROSECONDS = 10**6
"""How finely start and end are taken: 1/3 is 0.333333."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A stretch of a film; make it with `cut_of`."""

    video: Video
    start: Fraction
    """Seconds from the film's first picture."""
    fps: Fraction
    """Frames in a second, exact."""
    count: int
    """Frames, at least one; count/fps is the stretch's length within half a frame."""

    @property
    def width(self) -> int:
        """px."""
        return self.video.width

    @property
    def height(self) -> int:
        """px."""
        return self.video.height

    @property
    def seconds(self) -> Fraction:
        """Length."""
        return self.count / self.fps

    @property
    def has_sound(self) -> bool:
        """Whether anything is heard between its first and its last frame."""
        return self.sound_seconds > 0

    @property
    def sound_start(self) -> Fraction:
        """Seconds after its first frame at which the sound begins; 0 when it is heard at once."""
        track = self.video.sound
        return max(track.start - self.start, Fraction(0)) if track else Fraction(0)

    @property
    def sound_seconds(self) -> Fraction:
        """How long the sound is heard, at most to the last frame's end; 0 without."""
        track = self.video.sound
        if track is None:
            return Fraction(0)
        end = min(track.start + track.seconds - self.start, self.seconds)
        return max(end - self.sound_start, Fraction(0))

    @property
    def sound(self) -> Sound | None:
        """The sound as the writer takes it, in step with the frames; None without."""
        if not self.has_sound:
            return None
        return Sound(path=self.video.path, start=self.video.offset + self.start, spare=self._spare)

    @property
    def _spare(self) -> Fraction:
        """A frame, where the film ends with the stretch: its last sound is not cut off, although
        its length is seldom a whole number of frames."""
        timing = self.video.timing
        rest = timing.seconds - self.start - self.seconds if timing else None
        return 1 / self.fps if rest is not None and rest < 1 / self.fps else Fraction(0)

    def number(self, frame: int) -> int:
        """The number in the film of the picture that frame `frame` shows."""
        timing = self.video.timing
        if timing is not None:
            return timing.at(self.start + frame / self.fps)
        return min(int(self.start * self.fps) + frame, self.video.count - 1)

    def frames(self, start: int = 0, stop: int | None = None) -> Generator[Frames, None, None]:
        """(H, W, 3) uint8 RGB of each frame from `start` to before `stop`, to the end without.

        Frame k shows what is on screen start + k/fps seconds after the film's first picture. A
        frame or two are held, and a picture that is shown several times comes as the same array;
        closing the iterator ends the program that reads. A film that breaks off goes on with its
        last picture. Raises BadFile with the reader's words.
        """
        last, picture = -1, None
        with closing(self.layers(start, stop)) as layers:
            for number, layer in layers:
                if picture is None or number != last:
                    last, picture = number, composited(layer)
                yield picture

    def layers(
        self, start: int = 0, stop: int | None = None
    ) -> Generator[tuple[int, Frames], None, None]:
        """See frames; the picture's number in the film, and (H, W, 4) RGBA where it has alpha."""
        stop = self.count if stop is None else stop
        if not 0 <= start <= stop <= self.count:
            raise ValueError(f"frames run from 0 to {self.count}, not from {start} to {stop}")
        if start == stop:
            return
        number, layer = self.number(start) - 1, None
        with closing(self.video.layers(number + 1, self.number(stop - 1) + 1)) as layers:
            for frame in range(start, stop):
                wanted = self.number(frame)
                while number < wanted and (found := next(layers, None)) is not None:
                    number, layer = number + 1, found
                if layer is None:
                    raise BadFile(self.video.path, "it breaks off before the cut", GIVE_ANOTHER)
                yield number, layer


def cut_of(
    video: Video,
    *,
    start: float = 0,
    end: float | None = None,
    fps: Fraction | None = None,
    frames: int = 0,
) -> Cut:
    """The stretch from `start` to `end` seconds after the film's first picture, to its end without.

    `fps` None is the film's own rate, the mean where frames last differently; `frames` is how many
    there may be at most, 0 any number. A folder of pictures has no rate: there each is a frame.

    Raises BadRequest when the stretch lies outside the film or is empty, or a rate is wanting.
    """
    rate = fps or video.fps
    if rate is None:
        if video.count > 1:
            raise BadRequest(
                "Frames per second",
                0,
                f"is not enough for {video.path}: pictures in a folder have no rate",
                "Give the rate at which they play.",
                (video.path.parent,),
            )
        rate = Fraction(8)
    whole = video.timing.seconds if video.timing else video.count / rate
    first, last = _checked(start, end, whole)
    count = max(1, round((last - first) * rate))
    return Cut(
        video=video, start=first, fps=rate, count=min(count, frames) if frames > 0 else count
    )


def _checked(start: float, end: float | None, whole: Fraction) -> tuple[Fraction, Fraction]:
    """Both in exact seconds. Raises BadRequest."""
    length = f"the film is {float(whole):.3f} s long"
    first = _exact("Start time", start)
    if not 0 <= first < whole:
        step = f"Give a time from 0 to below {float(whole):.3f}."
        raise BadRequest("Start time", start, f"lies outside the film: {length}", step)
    if end is None:
        return first, whole
    last = _exact("End time", end)
    if last <= first:
        step = f"Give a time after {float(first):g}, or leave it out for the film's end."
        raise BadRequest("End time", end, f"is not after the start at {float(first):g} s", step)
    # A length that was read off a player is rounded.
    if last > whole + Fraction(1, 100):
        step = f"Give at most {float(whole):.3f}, or leave it out for the film's end."
        raise BadRequest("End time", end, f"lies beyond the film: {length}", step)
    return first, min(last, whole)


def _exact(label: str, seconds: float) -> Fraction:
    try:
        return Fraction(seconds).limit_denominator(MICROSECONDS)
    except (ValueError, OverflowError) as error:
        raise BadRequest(label, seconds, "is no time", "Give seconds, such as 1.5.") from error
