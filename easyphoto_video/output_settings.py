"""What every request asks of the file."""

from __future__ import annotations

from dataclasses import dataclass

from easyphoto_video.setting import Choice, Setting, declared

FORMATS = ("mp4", "gif", "webp", "webm", "png")
ORDERS = ("forward", "reverse", "ping-pong")
PALETTES = ("film", "frame")
DITHERS = ("bayer", "floyd-steinberg", "none")
FLOW = "flow"


@dataclass(frozen=True, kw_only=True)
class OutputSettings:
    """Fields that every mode has."""

    format: str = declared(
        "mp4",
        Setting(label="Format", kind=Choice(choices=FORMATS), help="The kind of file to write."),
    )
    interpolation: int = declared(
        1,
        Setting(
            label="Interpolation",
            low=1,
            high=8,
            step=1,
            help="Play so many times the frames in a second, those between made from their "
            "neighbours; 1 is off.",
        ),
    )
    interpolator: str = declared(
        FLOW,
        Setting(
            label="Interpolator",
            help="flow, which needs no file, or a RIFE file in models/RIFE.",
        ),
    )
    order: str = declared(
        "forward",
        Setting(
            label="Order",
            kind=Choice(choices=ORDERS),
            help="How the frames play; ping-pong is forward and back.",
        ),
    )
    loop: int = declared(
        0,
        Setting(
            label="Loops",
            low=0,
            high=65535,
            step=1,
            help="How many times a GIF or WEBP plays; 0 is for ever.",
        ),
    )
    palette: str = declared(
        "film",
        Setting(
            label="GIF palette",
            kind=Choice(choices=PALETTES),
            help="256 colours for the whole film, which is steady, or for each frame.",
        ),
    )
    dither: str = declared(
        "bayer",
        Setting(
            label="GIF dither",
            kind=Choice(choices=DITHERS),
            help="How colours between those of the palette are drawn.",
        ),
    )
