"""What every request asks of movement: which frames go together, and from what noise."""

from __future__ import annotations

from dataclasses import dataclass

from easyphoto_video.setting import Choice, CurveOverFrames, Setting, declared

ALTERNATING = "alternating"
INSIDE = "inside"
"""Windows inside the temporal layers alone; the rest of the UNet sees each frame once."""
WINDOWS = (
    ALTERNATING,
    INSIDE,
    "uniform",
    "standard_static",
    "standard_uniform",
    "looped_uniform",
)
FUSES = ("pyramid", "flat", "relative", "overlap-linear")
FILTERS = ("butterworth", "gaussian", "ideal", "box")


@dataclass(frozen=True, kw_only=True)
class MotionSettings:
    """Fields that every mode has."""

    motion_amount: float = declared(
        1.0,
        Setting(
            label="Motion amount",
            low=0,
            high=2,
            help="How much of what the motion module adds; 1 is as trained, 0 renders stills.",
        ),
    )
    motion_schedule: str = declared(
        "",
        Setting(
            label="Motion schedule",
            kind=CurveOverFrames(low=0.0, high=2.0),
            help="Motion amount over frames, such as 0:(1), 16:(0.5); empty keeps the amount.",
        ),
    )
    context: int = declared(
        16,
        Setting(
            label="Context length",
            unit="frames",
            low=1,
            high=64,
            step=1,
            help="How many frames the motion module sees at once; longer clips go in windows.",
        ),
    )
    overlap: int = declared(
        -1,
        Setting(
            label="Context overlap",
            unit="frames",
            low=0,
            high=63,
            step=1,
            auto=-1,
            help="How many frames neighbouring windows share; automatic is a quarter of the "
            "context, and 1 with alternating windows.",
        ),
    )
    stride: int = declared(
        1,
        Setting(
            label="Context stride",
            low=1,
            high=8,
            step=1,
            help="1 is windows of neighbouring frames alone; 2 also of every second frame, 3 also "
            "of every fourth, and so on.",
        ),
    )
    windows: str = declared(
        INSIDE,
        Setting(
            label="Windows",
            kind=Choice(choices=WINDOWS),
            help="How clips longer than the context are cut into windows: inside the motion "
            "module alone, which is cheapest; alternating takes less memory; and known names.",
        ),
    )
    fuse: str = declared(
        "pyramid",
        Setting(
            label="Fuse method",
            kind=Choice(choices=FUSES),
            help="How frames that stand in several windows are averaged.",
        ),
    )
    closed_loop: bool = declared(
        False,
        Setting(label="Closed loop", help="The last frame leads on to the first."),
    )
    free_noise: bool = declared(
        False,
        Setting(
            label="FreeNoise",
            help="Later windows begin from the first one's noise in another order (arXiv "
            "2310.15169), so that long clips keep their scene.",
        ),
    )
    free_init: int = declared(
        1,
        Setting(
            label="FreeInit passes",
            low=1,
            high=10,
            step=1,
            help="Render so many times, each from the slow changes of the one before (arXiv "
            "2312.07537), which steadies the clip; 1 is off.",
        ),
    )
    free_init_filter: str = declared(
        "butterworth",
        Setting(
            label="FreeInit filter",
            kind=Choice(choices=FILTERS),
            help="What counts as a slow change.",
        ),
    )
    free_init_space: float = declared(
        0.25,
        Setting(
            label="FreeInit cut in space",
            low=0,
            high=1,
            help="Up to which share of the spatial frequencies the pass before is kept.",
        ),
    )
    free_init_time: float = declared(
        0.25,
        Setting(
            label="FreeInit cut in time",
            low=0,
            high=1,
            help="Up to which share of the temporal frequencies the pass before is kept.",
        ),
    )
    span: int = declared(
        64,
        Setting(
            label="Span",
            unit="frames",
            low=8,
            high=1024,
            step=1,
            help="Most frames that are rendered together; longer clips go span after span, each "
            "kept on disk when it is done.",
        ),
    )
    span_overlap: int = declared(
        5,
        Setting(
            label="Span overlap",
            unit="frames",
            low=0,
            high=256,
            step=1,
            help="How many frames of the span before each span begins from; 0 joins them hard.",
        ),
    )
