"""A film whose face, or whole picture, is drawn anew; the rest and the sound stay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from easyphoto_video.basics import OF_A_PICTURE, prompted
from easyphoto_video.modes.mode import Mode, Settling
from easyphoto_video.request import Sampled, fps_setting, frames_field, side_field
from easyphoto_video.setting import FILM, CurveOverFrames, Setting, declared

if TYPE_CHECKING:
    from easyphoto_video.engine import Start
    from easyphoto_video.film import Film
    from easyphoto_video.kit import Making
    from easyphoto_video.rendering import Made


@dataclass(frozen=True, kw_only=True)
class Video2Video(Sampled):
    """A film whose face, or whole picture, is drawn anew; the rest and the sound stay."""

    mode = "video2video"
    prompt: str = prompted(OF_A_PICTURE)
    video: str = declared(
        "", Setting(label="Video", kind=FILM, help="The film to begin from; animations too.")
    )
    start_time: float = declared(
        0.0,
        Setting(label="Start time", unit="s", low=0, high=1e6, help="Where in the film to begin."),
    )
    end_time: float = declared(
        0.0,
        Setting(
            label="End time", unit="s", low=0, high=1e6, help="Where to end; 0 is the film's end."
        ),
    )
    mask_video: str = declared(
        "",
        Setting(
            label="Mask video",
            kind=FILM,
            help="A film or picture that is white where the clip may change; empty is everywhere.",
        ),
    )
    redraw: float = declared(
        0.0,
        Setting(
            label="Redraw",
            low=0,
            high=1,
            help="How much of the whole picture to draw anew before the face; 0 is nothing.",
        ),
    )
    redraw_schedule: str = declared(
        "",
        Setting(
            label="Redraw schedule",
            kind=CurveOverFrames(low=0.0, high=1.0),
            help="Redraw over frames, such as 0:(0.2), 30:(0.6); empty keeps the one value.",
        ),
    )
    width: int = side_field("Width", "the film's", least=8, most=8192, step=1)
    height: int = side_field("Height", "the film's", least=8, most=8192, step=1)
    frames: int = frames_field(0, "How many frames to take; automatic is all.", auto=0)
    fps: Fraction = declared(
        Fraction(0),
        fps_setting(
            "Frames in a second to make of the film; automatic is the film's.", 0.01, 1000, 0
        ),
    )

    @property
    def redraws(self) -> bool:
        """Whether the whole picture is drawn anew."""
        return self.redraw > 0 or bool(self.redraw_schedule.strip())

    @property
    def rendered_pixels(self) -> int:
        """See Request."""
        return self.width * self.height if self.redraws else 0


def settle(job: Video2Video, host: Settling) -> Video2Video:
    """In the size, the length and the rate of the film. What would change nothing is refused."""
    from easyphoto_video.modes.change import check_change
    from easyphoto_video.modes.source_film import settled_film

    settled = host.sampled(job, lambda family: settled_film(job, family))
    check_change(settled)
    return settled


def make(job: Video2Video, making: Making) -> Film:
    """The film as it is; where it is to be redrawn as a whole, rendered from its frames."""
    from easyphoto_video.engine import Start
    from easyphoto_video.modes.source_film import mask_of, masked, source_film, stacked
    from easyphoto_video.rendering import rendered

    film = source_film(job)
    if not job.redraws:
        return film

    def begin(rows: range, made: Made) -> Start:
        return Start(
            frames=stacked(film.frames(rows.start, rows.stop), rows),
            strength=job.over_frames("redraw_schedule", rows) or job.redraw,
            mask=mask_of(film.allowed, job.frames, rows),
        )

    drawn = replace(rendered(job, begin, making), sound=film.sound, allowed=film.allowed)
    return drawn if film.allowed is None else masked(drawn, film)


MODE = Mode(request=Video2Video, settle=settle, make=make)
