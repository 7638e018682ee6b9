"""What a training asks, each field declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from easyphoto_video.host.library import EMBEDDED
from easyphoto_video.identity import check_name
from easyphoto_video.request import AUTO
from easyphoto_video.setting import Setting, Text, declared
from easyphoto_video.setting.declaration import check_fields, plain_fields

TRIGGER = "easyphoto_face, easyphoto, 1person"
"""The caption of every photo, EasyPhoto's; the face pass says it too."""
STRANGER = "1girl, bob cut, red hair, blue eyes, fair skin, smile, grey background"


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """Checks itself when it is made. A number of 0 leaves the choice to the checkpoint."""

    user_id: str = declared("", Setting(label="User id", help="The name of the new person."))
    checkpoint: str = declared(
        EMBEDDED,
        Setting(
            label="Checkpoint",
            help="What to train on: a file in models/Stable-diffusion, or embedded; the LoRA fits "
            "checkpoints of that family.",
        ),
    )
    caption: str = declared(
        TRIGGER, Setting(label="Caption", help="The words that call the person up.")
    )
    steps: int = declared(
        0,
        Setting(
            label="Training steps",
            low=1,
            high=20_000,
            step=1,
            auto=0,
            help="Steps of the optimiser; automatic is 500 for embedded, else 200 a photo and 800 "
            "at most.",
        ),
    )
    rank: int = declared(
        0,
        Setting(
            label="LoRA rank",
            low=1,
            high=256,
            step=1,
            auto=0,
            help="How much the LoRA can hold; automatic is 16 for embedded, else 128.",
        ),
    )
    alpha: float = declared(
        0.0,
        Setting(
            label="LoRA alpha",
            low=0.1,
            high=256,
            auto=0,
            help="What is learnt is scaled by alpha / rank; automatic is the rank for embedded, "
            "else half of it.",
        ),
    )
    learning_rate: float = declared(
        0.0,
        Setting(
            label="Learning rate",
            low=1e-7,
            high=0.1,
            auto=0,
            help="Of the UNet, at its height; the text encoder learns at half of it. Automatic is "
            "0.004 for embedded, else 0.0001.",
        ),
    )
    batch: int = declared(
        4, Setting(label="Batch size", low=1, high=64, step=1, help="Photos to a step.")
    )
    flip: bool = declared(
        False,
        Setting(
            label="Mirrored too",
            help="Train on the photos' mirror images as well; off, since few faces are the same "
            "on both sides.",
        ),
    )
    save_every: int = declared(
        100,
        Setting(
            label="Checkpoint every",
            unit="steps",
            low=1,
            high=20_000,
            step=1,
            help="How often to save, and to draw and judge validation pictures.",
        ),
    )
    best: int = declared(
        2,
        Setting(
            label="Checkpoints averaged",
            low=1,
            high=10,
            step=1,
            help="Of the checkpoints whose pictures look most like the person; 1 takes the best.",
        ),
    )
    stranger: str = declared(
        STRANGER,
        Setting(
            label="Validation prompt",
            kind=Text(lines=2),
            help="Who is drawn for validation: somebody else, whose face is then redrawn as the "
            "person's.",
        ),
    )
    photos_at_most: int = declared(
        15,
        Setting(
            label="Photos at most",
            low=3,
            high=200,
            step=1,
            help="The photos that look most like the others are taken.",
        ),
    )
    face_crop: float = declared(
        1.8,
        Setting(
            label="Face crop",
            low=1.2,
            high=4,
            help="Side of the square around the face, in sizes of the face; as in the face pass.",
        ),
    )
    seed: int = declared(
        0,
        Setting(label="Seed", low=0, high=2**32 - 1, step=1, help="The same seed trains the same."),
    )
    face_model: str = declared(
        AUTO,
        Setting(
            label="Face recognition",
            help="The pack that tells people apart; auto is embedded with the embedded checkpoint, "
            "else a pack that is there.",
        ),
    )

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "user_id", check_name(self.user_id))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return plain_fields(self)
