"""A clip from a picture that comes alive, or from the first and the last picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from easyphoto_video.basics import OF_A_PICTURE, prompted
from easyphoto_video.modes.mode import Mode, Settling
from easyphoto_video.request import NONE, Sampled, side_field
from easyphoto_video.setting import PERSON, PICTURE, Choice, CurveOverFrames, Setting, declared

if TYPE_CHECKING:
    from easyphoto_video.film import Film
    from easyphoto_video.kit import Making

FITS = ("cover", "contain", "stretch")
HOLDS = ("steady", "easyphoto", "animatediff")


def _share(label: str, default: float, help: str) -> float:
    return declared(default, Setting(label=label, low=0, high=1, help=help))


def _power(label: str) -> float:
    text = "With hold animatediff: the power of the frame number by which a picture fades."
    return declared(1.0, Setting(label=label, low=0.1, high=10, help=text))


def _scale(label: str) -> float:
    text = "With hold animatediff: in how many frames, to that power, a picture fades."
    return declared(32.0, Setting(label=label, low=1, high=10_000, help=text))


@dataclass(frozen=True, kw_only=True)
class Image2Video(Sampled):
    """A clip from a picture that comes alive, or from the first and the last picture."""

    mode = "image2video"
    prompt: str = prompted(OF_A_PICTURE)
    user_id: str = declared(
        NONE,
        Setting(
            label="User id",
            kind=PERSON,
            help="The trained person whose face the clip gets; none leaves the picture's own.",
        ),
    )
    image: str = declared(
        "", Setting(label="Image", kind=PICTURE, help="The picture that the clip begins with.")
    )
    last_image: str = declared(
        "",
        Setting(
            label="Last image",
            kind=PICTURE,
            help="The picture that the clip ends with; empty lets it end as it will.",
        ),
    )
    fit: str = declared(
        "cover",
        Setting(
            label="Fit",
            kind=Choice(choices=FITS),
            help="How a picture of another shape fills the clip: cover crops it about its "
            "middle, contain puts bars around it, stretch distorts it.",
        ),
    )
    hold: str = declared(
        HOLDS[0],
        Setting(
            label="Hold",
            kind=Choice(choices=HOLDS),
            help="How the pictures hold over the frames: steady keeps the given ones and lets "
            "the others go further and further; easyphoto and animatediff mix their latents.",
        ),
    )
    strength: float = _share("Strength", 0.75, "How much of each frame may change; 0 is a still.")
    strength_schedule: str = declared(
        "",
        Setting(
            label="Strength schedule",
            kind=CurveOverFrames(low=0.0, high=1.0),
            help="Strength over frames, such as 0:(0), 8:(0.8); empty leaves it to strength and "
            "hold.",
        ),
    )
    latent_power: float = _power("Latent power")
    latent_scale: float = _scale("Latent scale")
    latent_power_last: float = _power("Latent power of the last image")
    latent_scale_last: float = _scale("Latent scale of the last image")
    width: int = side_field("Width", "the picture's, at the checkpoint's own size")
    height: int = side_field("Height", "the picture's, at the checkpoint's own size")


def settle(job: Image2Video, host: Settling) -> Image2Video:
    """In the shape of the first picture."""
    from easyphoto_video.modes.held_pictures import settled_pictures

    return host.sampled(job, lambda family: settled_pictures(job, family))


def make(job: Image2Video, making: Making) -> Film:
    """Render from one picture that is held, or from two that are joined."""
    from easyphoto_video.modes.held_pictures import held_pictures
    from easyphoto_video.rendering import rendered

    held = held_pictures(job)
    return rendered(job, lambda rows, made: held.start(rows), making)


MODE = Mode(request=Image2Video, settle=settle, make=make)
