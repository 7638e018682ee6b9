"""The face pass's part of a request: who, how strongly, how it is blended in."""

from __future__ import annotations

from dataclasses import dataclass

from easyphoto_video.family import SD1
from easyphoto_video.setting import PEOPLE, PERSON, CurveOverFrames, Setting, Text, declared
from easyphoto_video.setting.text import AUTO, NONE

TAIL = "easyphoto_face, easyphoto, 1person, masterpiece, beauty"
"""EasyPhoto's: the words that its training ties the person to, and its two words of praise."""


def _share(label: str, default: float, help: str) -> float:
    return declared(default, Setting(label=label, low=0, high=1, help=help))


@dataclass(frozen=True, kw_only=True)
class FaceSettings:
    """Fields that every mode has; the numbers are in the spirit of EasyPhoto's defaults."""

    user_id: str = declared(
        AUTO,
        Setting(
            label="User id",
            kind=PERSON,
            help="The trained person whose face the clip gets; auto is demo with the embedded "
            "checkpoint and nobody with another, none is nobody.",
        ),
    )
    more_user_ids: tuple[str, ...] = declared(
        (),
        Setting(
            label="More user ids",
            kind=PEOPLE,
            help="For further people in the clip: the second largest face, the third, unless a "
            "face already looks like one of them.",
        ),
    )
    face_pass: bool = declared(
        True,
        Setting(
            label="Face pass",
            help="Redraw the face in every frame as the user's; off leaves the clip as it is.",
        ),
    )
    user_weight: float = declared(
        0.9,
        Setting(
            label="User LoRA weight",
            low=-2,
            high=2,
            help="How much of the user id's LoRA to add in the face pass; 1 is as trained, 0 none.",
        ),
    )
    scene_weight: float = declared(
        0.0,
        Setting(
            label="User LoRA weight in the scene",
            low=-2,
            high=2,
            help="How much of the user id's LoRA to add where the clip itself is made; 0 leaves "
            "the scene to the prompt.",
        ),
    )
    face_prompt: str = declared(
        TAIL,
        Setting(
            label="Face prompt",
            kind=Text(lines=2),
            help="The words for the redrawn face; the first three are what training ties it to.",
        ),
    )
    face_strength: float = _share(
        "Face redraw strength",
        0.45,
        "How much of the face is made anew: 0 redraws nothing, 1 begins from noise.",
    )
    face_schedule: str = declared(
        "",
        Setting(
            label="Face redraw schedule",
            kind=CurveOverFrames(low=0.0, high=1.0),
            help="Face redraw strength over frames, such as 0:(0.6), 30:(0.3); empty keeps it.",
        ),
    )
    face_steps: int = declared(
        0,
        Setting(
            label="Face steps",
            low=1,
            high=150,
            step=1,
            auto=0,
            help="Steps of a whole denoising, of which the strength's share is done; automatic is "
            "as many as Steps.",
        ),
    )
    face_size: int = declared(
        0,
        Setting(
            label="Face render size",
            unit="px",
            low=64,
            high=1024,
            step=SD1.factor,
            auto=0,
            help="Side of the square in which the face is redrawn; automatic is the checkpoint's "
            "own size.",
        ),
    )
    face_crop: float = declared(
        1.8,
        Setting(
            label="Face crop",
            low=1.2,
            high=4,
            help="Side of the square that is cut out, in sizes of the face.",
        ),
    )
    fusion_before: float = _share(
        "Reference fusion before",
        0.8,
        "How much of the reference picture's face is laid over the frame's before it is redrawn; "
        "0 is off.",
    )
    fusion_after: float = _share(
        "Reference fusion after",
        0.6,
        "How much of the reference picture's face is laid over the redrawn one; 0 is off.",
    )
    color_match: float = _share(
        "Colour match",
        0.25,
        "How far the face takes on the light and colour of the clip's own; 0 keeps the person's "
        "skin.",
    )
    face_feather: float = declared(
        0.15,
        Setting(
            label="Mask feather",
            low=0,
            high=0.5,
            help="Width of the mask's soft edge, in sizes of the face; 0 is a hard edge.",
        ),
    )
    skin_retouch: float = _share("Skin retouch", 0.0, "How much to smooth the skin; 0 is off.")
    restore: str = declared(
        NONE,
        Setting(
            label="Face restorer",
            help="What sharpens the redrawn face: one of the WebUI's face restorers or upscalers; "
            "none is off.",
        ),
    )
    restore_weight: float = _share(
        "Face restorer weight", 0.5, "How much of the restored face to take; 0 is off."
    )
    face_stride: int = declared(
        6,
        Setting(
            label="Face search stride",
            unit="frames",
            low=1,
            high=64,
            step=1,
            help="Faces are searched in every so manieth frame and followed between; 1 searches "
            "in each.",
        ),
    )
    face_smoothing: float = declared(
        1.5,
        Setting(
            label="Face path smoothing",
            unit="frames",
            low=0,
            high=16,
            help="Over how many frames the face's path is smoothed, to both sides; 0 is off.",
        ),
    )
    face_model: str = declared(
        AUTO,
        Setting(
            label="Face recognition",
            help="The pack that tells people apart, in models/insightface/models; auto is "
            "embedded with the embedded checkpoint, else a pack that is there; none goes without.",
        ),
    )
