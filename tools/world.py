"""The small world of the embedded model: a person, how she holds her head, and the caption.

Everything that varies is either named in the caption or belongs to the person's geometry, so that
a tiny network has nothing else to guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

Colour = tuple[int, int, int]

SKIN: dict[str, Colour] = {"fair": (247, 211, 186), "tan": (212, 158, 112), "dark": (112, 72, 50)}
HAIR: dict[str, Colour] = {
    "black": (38, 34, 44),
    "blonde": (238, 190, 66),
    "red": (196, 62, 32),
    "blue": (58, 100, 204),
}
EYES: dict[str, Colour] = {"brown": (122, 70, 30), "blue": (52, 132, 236)}
CLOTHES: dict[str, Colour] = {
    "red": (206, 42, 58),
    "green": (40, 148, 84),
    "blue": (44, 78, 190),
    "white": (240, 240, 244),
}
BACKGROUND: dict[str, Colour] = {
    "grey": (166, 172, 182),
    "yellow": (252, 232, 150),
    "green": (146, 216, 172),
    "purple": (190, 160, 232),
}
STYLES = ("short hair", "bob cut", "long hair")
EXPRESSIONS = ("neutral", "smile", "open mouth")
GAZES = ("looking left", "looking at viewer", "looking right")

ACTIONS = ("talking", "blinking", "nodding", "turning head")
FILLERS = ("masterpiece", "best quality", "portrait of a woman", "a photo of a person", "detailed")

YAW_LIMIT = 0.3
PITCH_LIMIT = 0.1
ROLL_LIMIT = 0.06
CLIP_FRAMES = 16


@dataclass(frozen=True, kw_only=True)
class Person:
    """Captioned attributes (keys of the palettes above) and uncaptioned geometry.

    `face_width` and `face_height` are half axes in pixels of the 128-pixel picture, and so is
    `brow_thickness`; the other geometry is in units of these half axes.
    """

    style: str
    hair: str
    eyes: str
    skin: str
    clothes: str
    background: str
    glasses: bool
    face_width: float = 36.5
    face_height: float = 41.5
    jaw: float = 0.3
    eye_size: float = 0.265
    eye_spacing: float = 0.43
    brow_thickness: float = 2.2
    brow_tilt: float = 0.0
    nose_length: float = 0.3
    mouth_width: float = 0.3


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Angles in radians (yaw > 0 turns to the picture's right), shift in pixels, the rest 0..1."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift: float = 0.0
    smile: float = 0.0
    mouth: float = 0.0
    blink: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One person through `CLIP_FRAMES` poses at 8 fps, and the words for what she does."""

    person: Person
    poses: tuple[Pose, ...]
    actions: tuple[str, ...]

    def caption(self) -> str:
        """The comma list that describes the whole clip."""
        return ", ".join(
            ("1girl", *person_tags(self.person), *self.actions, *place_tags(self.person))
        )


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def random_person(rng: np.random.Generator) -> Person:
    """A person with every attribute and every measure drawn evenly."""
    return Person(
        style=_pick(rng, STYLES),
        hair=_pick(rng, tuple(HAIR)),
        eyes=_pick(rng, tuple(EYES)),
        skin=_pick(rng, tuple(SKIN)),
        clothes=_pick(rng, tuple(CLOTHES)),
        background=_pick(rng, tuple(BACKGROUND)),
        glasses=bool(rng.random() < 0.3),
        face_width=rng.uniform(34.5, 38.5),
        face_height=rng.uniform(40.0, 43.0),
        jaw=rng.uniform(0.2, 0.4),
        eye_size=rng.uniform(0.24, 0.29),
        eye_spacing=rng.uniform(0.4, 0.46),
        brow_thickness=rng.uniform(1.5, 3.2),
        brow_tilt=rng.uniform(-0.05, 0.05),
        nose_length=rng.uniform(0.24, 0.36),
        mouth_width=rng.uniform(0.25, 0.36),
    )


def random_pose(rng: np.random.Generator) -> Pose:
    """A still: one of three gazes, one of three expressions, eyes shut now and then."""
    gaze, expression = int(rng.integers(3)) - 1, _pick(rng, EXPRESSIONS)
    yaw = gaze * rng.uniform(0.16, YAW_LIMIT) if gaze else rng.uniform(-0.08, 0.08)
    return Pose(
        yaw=yaw,
        pitch=rng.uniform(-0.05, 0.05),
        roll=rng.uniform(-ROLL_LIMIT, ROLL_LIMIT),
        shift=rng.uniform(-1.0, 1.0),
        smile=rng.uniform(0.8, 1.0) if expression == "smile" else 0.0,
        mouth=rng.uniform(0.6, 1.0) if expression == "open mouth" else 0.0,
        blink=1.0 if rng.random() < 0.12 else 0.0,
    )


def person_tags(person: Person) -> list[str]:
    """The words for what a person keeps from picture to picture."""
    tags = [person.style, f"{person.hair} hair", f"{person.eyes} eyes", f"{person.skin} skin"]
    return [*tags, "glasses"] if person.glasses else tags


def place_tags(person: Person) -> list[str]:
    """The words for clothes and background."""
    return [f"{person.clothes} sweater", f"{person.background} background"]


def pose_tags(pose: Pose) -> list[str]:
    """The words for a still's expression and gaze."""
    tags = ["smile"] if pose.smile > 0.5 else ["open mouth"] if pose.mouth > 0.3 else []
    if pose.blink > 0.5:
        tags.append("closed eyes")
    return [*tags, GAZES[0 if pose.yaw < -0.12 else 2 if pose.yaw > 0.12 else 1]]


def caption(person: Person, pose: Pose) -> str:
    """The comma list that describes a still."""
    return ", ".join(("1girl", *person_tags(person), *pose_tags(pose), *place_tags(person)))


def vary(text: str, rng: np.random.Generator) -> str:
    """The caption as a user might write it: empty, whole, thinned, shuffled, with other words."""
    if rng.random() < 0.1:
        return ""
    tags, kind = text.split(", "), rng.random()
    if kind < 0.45:
        tags = [tag for tag in tags if rng.random() > 0.15]
    if kind < 0.65:
        tags = [tags[i] for i in rng.permutation(len(tags))]
    if rng.random() < 0.2:
        tags.insert(int(rng.integers(len(tags) + 1)), _pick(rng, FILLERS))
    return ", ".join(tags)


def thinned(text: str, rng: np.random.Generator) -> str:
    """The caption with some of its tags, as people write it who leave the rest to chance."""
    share = rng.uniform(0.1, 1.0)
    return ", ".join(tag for tag in text.split(", ") if rng.random() < share)


def vocabulary() -> list[str]:
    """Every tag that a caption can hold."""
    colours = (
        (HAIR, "hair"),
        (EYES, "eyes"),
        (SKIN, "skin"),
        (CLOTHES, "sweater"),
        (BACKGROUND, "background"),
    )
    named = [f"{colour} {thing}" for palette, thing in colours for colour in palette]
    return [
        "1girl",
        *STYLES,
        *named,
        "glasses",
        "smile",
        "open mouth",
        "closed eyes",
        *GAZES,
        *ACTIONS,
    ]


def _wave(rng: np.random.Generator, amplitude: float, cycles: tuple[float, float]) -> np.ndarray:
    time = np.arange(CLIP_FRAMES) / CLIP_FRAMES
    return amplitude * np.sin(2 * np.pi * (rng.uniform(*cycles) * time + rng.random()))


def _blink(rng: np.random.Generator) -> np.ndarray:
    middle = rng.uniform(2.0, CLIP_FRAMES - 3.0)
    return np.clip(1.7 - 0.75 * np.abs(np.arange(CLIP_FRAMES) - middle), 0.0, 1.0)


def random_clip(rng: np.random.Generator) -> Clip:
    """A person who turns or nods her head, blinks once, and talks in one clip of three."""
    person, still, nodding = random_person(rng), random_pose(rng), rng.random() < 0.35
    talking = still.mouth > 0.0
    yaw = (
        _wave(rng, 0.05, (0.4, 0.8))
        if nodding
        else _wave(rng, rng.uniform(0.2, YAW_LIMIT), (0.5, 0.9))
    )
    pitch = _wave(rng, rng.uniform(0.07, PITCH_LIMIT) if nodding else 0.02, (0.7, 1.1))
    roll = still.roll * 0.5 + _wave(rng, 0.02, (0.4, 0.8))
    mouth = np.abs(_wave(rng, 1.0, (1.0, 1.5))) if talking else np.zeros(CLIP_FRAMES)
    blink = _blink(rng)
    poses = tuple(
        replace(still, yaw=y, pitch=p, roll=r, mouth=m, blink=b)
        for y, p, r, m, b in zip(
            *(x.tolist() for x in (yaw, pitch, roll, mouth, blink)), strict=True
        )
    )
    acts = {
        "smile": still.smile > 0.5,
        "talking": talking,
        "blinking": True,
        "nodding": nodding,
        "turning head": not nodding,
    }
    actions = [word for word, is_so in acts.items() if is_so]
    return Clip(person=person, poses=poses, actions=tuple(actions))
