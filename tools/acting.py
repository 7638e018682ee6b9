"""Who drives a portrait in the small world: poses, films, and key points of known geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from tools.canvas import SIZE
from tools.head import Head
from tools.world import CLIP_FRAMES, PITCH_LIMIT, ROLL_LIMIT, YAW_LIMIT, Person, Pose

POINTS = (
    "left upper lid", "right upper lid", "left lower lid", "right lower lid", "left eye",
    "right eye", "left corner", "right corner", "upper lip", "lower lip", "chin", "nose",
    "fringe", "crown",
)  # fmt: skip
"""Left and right are the picture's."""
EYES, MOUTH = slice(0, 6), slice(6, 10)
_EYE, _MOUTH = 0.08, 0.6
_SHUT_BELOW = 0.15
"""A mouth that is opened less is drawn shut."""
_STEP = 1e-3
_LIFT = np.array([1.0] * 11 + [1.12, 1.04])


def rest_pose(rng: np.random.Generator) -> Pose:
    """As a film begins: nearly frontal, eyes open, mouth shut."""
    return Pose(
        yaw=rng.uniform(-0.06, 0.06),
        pitch=rng.uniform(-0.03, 0.03),
        roll=rng.uniform(-0.04, 0.04),
        shift=rng.uniform(-1.0, 1.0),
    )


def source_pose(rng: np.random.Generator) -> Pose:
    """Of a picture that is driven: mostly at rest, always with open eyes."""
    if rng.random() < 0.6:
        return rest_pose(rng)
    return _wide(rng, smiling=0.3, speaking=0.25, blinking=0.0)


def driver_pose(rng: np.random.Generator) -> Pose:
    """Of a frame that drives: everything apart, so that each part moves without the others."""
    return _wide(rng, smiling=0.3, speaking=0.65, blinking=0.4)


def _wide(rng: np.random.Generator, smiling: float, speaking: float, blinking: float) -> Pose:
    blink = rng.choice([1.0, rng.uniform(0.0, 1.0)])
    return Pose(
        yaw=rng.uniform(-YAW_LIMIT, YAW_LIMIT),
        pitch=rng.uniform(-PITCH_LIMIT, PITCH_LIMIT),
        roll=rng.uniform(-ROLL_LIMIT, ROLL_LIMIT),
        shift=rng.uniform(-1.0, 1.0),
        smile=rng.uniform(0.0, 1.0) if rng.random() < smiling else 0.0,
        mouth=rng.uniform(_SHUT_BELOW, 1.0) if rng.random() < speaking else 0.0,
        blink=float(blink) if rng.random() < blinking else 0.0,
    )


def film(rng: np.random.Generator, frames: int = CLIP_FRAMES) -> list[Pose]:
    """A driver that begins at rest, then turns, nods, talks and blinks once; a third smile."""
    start, time = rest_pose(rng), np.arange(frames) / frames

    def swing(least: float, most: float) -> np.ndarray:
        side = rng.choice([-1.0, 1.0])
        return side * rng.uniform(least, most) * np.sin(2 * np.pi * rng.uniform(0.6, 1.1) * time)

    middle = rng.uniform(0.25, 0.85) * frames
    blink = np.clip(1.7 - 0.75 * np.abs(np.arange(frames) - middle), 0.0, 1.0)
    mouth = rng.uniform(0.6, 1.0) * np.abs(np.sin(np.pi * rng.uniform(1.5, 2.5) * time))
    smile = rng.uniform(0.5, 1.0) * np.minimum(2 * time, 1.0) * (rng.random() < 1 / 3)
    changes = {
        "yaw": swing(0.12, 0.24), "pitch": swing(0.02, 0.07), "roll": swing(0.0, 0.03),
        "shift": swing(0.0, 0.5), "smile": smile, "mouth": mouth, "blink": blink,
    }  # fmt: skip
    return [
        moved(start, Pose(**{name: float(x[i]) for name, x in changes.items()}), Pose())
        for i in range(frames)
    ]


def moved(source: Pose, driving: Pose, first: Pose) -> Pose:
    """The pose that a relative transfer is to give: the source's, changed as the driver changed."""
    return Pose(
        **{
            field.name: getattr(source, field.name)
            + getattr(driving, field.name)
            - getattr(first, field.name)
            for field in fields(Pose)
        }
    )


def key_points(person: Person, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Where POINTS lie, (K, 2) in -1..1, x before y, and the face's axes there, (K, 2, 2).

    The axes are the columns, in the face's own half axes: the identity on a frontal face.
    """
    head = Head(person, pose)
    u, v = _on_face(person, pose)

    def at(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        places = zip(u, v, _LIFT, strict=True)
        return np.stack([head.surface(a, b, float(lift)) for a, b, lift in places])

    across = (at(u + _STEP, v) - at(u - _STEP, v)) / (2 * _STEP * person.face_width)
    down = (at(u, v + _STEP) - at(u, v - _STEP)) / (2 * _STEP * person.face_height)
    pixels = np.concatenate([at(u, v), head.outline(np.zeros(1), 1.1)])
    pixels[POINTS.index("chin")] = head.outline(np.full(1, np.pi))[0]
    c, s = np.cos(pose.roll), np.sin(pose.roll)
    rolled = np.array([[c, -s], [s, c]])
    axes = np.concatenate([np.stack([across, down], axis=-1), rolled[None]])
    axes[POINTS.index("chin")] = rolled
    return (pixels - 0.5) / ((SIZE - 1) / 2) - 1.0, axes


def _on_face(person: Person, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """u and v of all points but the crown, as `tools.drawing` draws them."""
    size, away, opening = person.eye_size, person.eye_spacing, 1.0 - pose.blink
    middle = _EYE + pose.blink * 0.06
    upper, lower = middle - 0.82 * size * opening, middle + 0.66 * size * opening
    wide = person.mouth_width * (1.0 + 0.25 * pose.smile - 0.2 * pose.mouth)
    corner, centre = _MOUTH - 0.18 * pose.smile * 0.55, _MOUTH + 0.18 * pose.smile * 0.45
    mouth = pose.mouth if pose.mouth >= _SHUT_BELOW else 0.0
    points = np.array(
        [
            (-away, upper), (away, upper), (-away, lower), (away, lower), (-away, _EYE),
            (away, _EYE), (-wide, corner), (wide, corner), (0.0, centre - 0.05 * mouth),
            (0.0, centre + 0.22 * mouth), (0.0, 0.95), (0.0, _EYE + person.nose_length),
            (0.0, -0.6),
        ]
    )  # fmt: skip
    return points[:, 0], points[:, 1]


def stacked(pairs: Sequence[tuple[Person, Pose]]) -> tuple[np.ndarray, np.ndarray]:
    """Key points of several, (N, K, 2) and (N, K, 2, 2), float32."""
    found = [key_points(person, pose) for person, pose in pairs]
    value, axes = (np.stack(part).astype(np.float32) for part in zip(*found, strict=True))
    return value, axes
