"""Draw a person in a pose: a function for each part, from the back of the picture to the front."""

from __future__ import annotations

import numpy as np

from tools.canvas import Canvas, Tint, darker, mix, smooth
from tools.head import Head
from tools.world import BACKGROUND, CLOTHES, EYES, HAIR, SKIN, Clip, Person, Pose

_EYE_HEIGHT = 0.08
_MOUTH_HEIGHT = 0.6
_INK = (52, 38, 44)
_SIDES = (-1.0, 1.0)
_ROUND = np.linspace(0.0, 2 * np.pi, 24, endpoint=False)
_HALF = np.linspace(0.0, np.pi, 13)


def render(person: Person, pose: Pose) -> np.ndarray:
    """The portrait, (128, 128, 3) uint8 RGB."""
    canvas, head = Canvas(BACKGROUND[person.background]), Head(person, pose)
    _back_hair(canvas, head)
    _neck(canvas, head)
    _sweater(canvas, head)
    _ears(canvas, head)
    _face(canvas, head)
    for side in _SIDES:
        _eye(canvas, head, side)
        _brow(canvas, head, side)
    _nose(canvas, head)
    _mouth(canvas, head)
    if person.glasses:
        _glasses(canvas, head)
    _front_hair(canvas, head)
    return canvas.image()


def render_clip(clip: Clip) -> np.ndarray:
    """Every frame of the clip, (F, 128, 128, 3) uint8 RGB."""
    return np.stack([render(clip.person, pose) for pose in clip.poses])


def looks(person: Person) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Opposite corners, (u, u) and (v, v) in half axes, of what looks and speaks: eyes, mouth."""
    size, away = person.eye_size, person.eye_spacing
    eyes = [
        ((side * away - size, side * away + size), (_EYE_HEIGHT - size, _EYE_HEIGHT + size))
        for side in _SIDES
    ]
    wide = 1.25 * person.mouth_width
    return [*eyes, ((-wide, wide), (_MOUTH_HEIGHT - 0.12, _MOUTH_HEIGHT + 0.22))]


def _points(*pairs: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    array = np.array(pairs)
    return array[:, 0], array[:, 1]


def _mirrored(*pairs: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """The right half of a closed shape, from top to bottom, and its mirror image."""
    right = np.array(pairs)
    array = np.concatenate([right, right[::-1] * (-1.0, 1.0)])
    return array[:, 0], array[:, 1]


def _back_hair(canvas: Canvas, head: Head) -> None:
    shade = darker(HAIR[head.person.hair], 0.72)
    if head.person.style == "long hair":
        shape = _mirrored((0.5, -1.02), (1.12, -0.5), (1.24, 0.4), (1.3, 1.2), (1.34, 2.0))
    elif head.person.style == "bob cut":
        shape = _mirrored((0.5, -1.02), (1.14, -0.5), (1.24, 0.2), (1.16, 0.72), (0.8, 0.84))
    else:
        shape = _mirrored((0.5, -1.0), (1.0, -0.6), (1.04, -0.1), (0.9, 0.3))
    canvas.fill(smooth(head.behind(*shape)), shade)


def _neck(canvas: Canvas, head: Head) -> None:
    top = head.behind(*_points((-0.36, 0.6), (0.36, 0.6)))
    base = np.array([(77.0, 118.0), (51.0, 118.0)])
    canvas.fill(np.concatenate([top, base]), darker(SKIN[head.person.skin], 0.8))


def _sweater(canvas: Canvas, head: Head) -> None:
    colour = CLOTHES[head.person.clothes]
    right = [(79, 108), (92, 110), (106, 114), (114, 122), (117, 140)]
    body = np.array(right + [(128 - x, y) for x, y in reversed(right)], float)
    canvas.fill(smooth(body), colour)
    collar = np.array([(50, 103), (64, 106), (78, 103), (80, 112), (64, 116), (48, 112)], float)
    canvas.fill(smooth(collar), darker(colour, 0.86))
    canvas.stroke(smooth(collar)[14:28], darker(colour, 0.66), 1.2)


def _ears(canvas: Canvas, head: Head) -> None:
    for side in _SIDES:
        u, v = side * 1.0 + 0.13 * np.cos(_ROUND), 0.1 + 0.19 * np.sin(_ROUND)
        canvas.fill(head.behind(u, v), darker(SKIN[head.person.skin], 0.88))


def _face(canvas: Canvas, head: Head) -> None:
    skin = SKIN[head.person.skin]
    canvas.fill(head.outline(np.linspace(0.0, 2 * np.pi, 48, endpoint=False)), skin)
    for side in _SIDES:
        u, v = side * 0.56 + 0.15 * np.cos(_ROUND), 0.38 + 0.085 * np.sin(_ROUND)
        canvas.fill(head.surface(u, v), mix(skin, (236, 84, 88), 0.28))


def _lids(head: Head, side: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """u, upper v and lower v along one eye."""
    size, opening = head.person.eye_size, 1.0 - head.pose.blink
    u = side * head.person.eye_spacing - np.cos(_HALF) * size
    middle = _EYE_HEIGHT + head.pose.blink * 0.06
    arch = np.sin(_HALF) * size * opening
    return u, middle - 0.82 * arch, middle + 0.66 * arch


def _eye(canvas: Canvas, head: Head, side: float) -> None:
    u, upper, lower = _lids(head, side)
    if head.pose.blink > 0.75:
        sag = np.sin(_HALF) * 0.06
        canvas.stroke(head.surface(u, upper + sag), _INK, 2.2)
        return
    canvas.fill(head.surface(np.r_[u, u[::-1]], np.r_[upper, lower[::-1]]), (252, 252, 252))
    colour, size = EYES[head.person.eyes], head.person.eye_size
    _disc(canvas, head, side, (0.0, 0.0, size * 0.66), darker(colour, 0.7))
    _disc(canvas, head, side, (0.0, 0.0, size * 0.52), colour)
    _disc(canvas, head, side, (0.0, 0.0, size * 0.32), (22, 18, 26))
    _disc(canvas, head, side, (-size * 0.22, -size * 0.24, size * 0.2), (255, 255, 255))
    canvas.stroke(head.surface(u, upper), _INK, 2.4)


def _disc(
    canvas: Canvas, head: Head, side: float, disc: tuple[float, float, float], colour: Tint
) -> None:
    """A disc (u and v from the eye's middle, radius) in the eye, cut off by the lids."""
    u, upper, lower = _lids(head, side)
    across, down, radius = disc
    x = side * head.person.eye_spacing + across + radius * np.cos(_ROUND)
    aspect = head.person.face_width / head.person.face_height
    y = _EYE_HEIGHT + down + radius * aspect * 1.15 * np.sin(_ROUND)
    canvas.fill(head.surface(x, np.clip(y, np.interp(x, u, upper), np.interp(x, u, lower))), colour)


def _brow(canvas: Canvas, head: Head, side: float) -> None:
    person = head.person
    along = np.linspace(-1.0, 1.0, 7)
    u = side * person.eye_spacing + along * person.eye_size
    v = _EYE_HEIGHT - person.eye_size - 0.1 + 0.05 * along**2 - side * along * person.brow_tilt
    dark = mix(darker(HAIR[person.hair], 0.6), _INK, 0.4)
    canvas.stroke(head.surface(u, v), dark, person.brow_thickness)


def _nose(canvas: Canvas, head: Head) -> None:
    tip = _EYE_HEIGHT + head.person.nose_length
    u, v = _points((-0.08, tip - 0.03), (-0.03, tip + 0.02), (0.03, tip + 0.02), (0.08, tip - 0.03))
    canvas.stroke(head.surface(u, v, 1.12), darker(SKIN[head.person.skin], 0.68), 1.6)


def _mouth(canvas: Canvas, head: Head) -> None:
    pose, skin = head.pose, SKIN[head.person.skin]
    along = np.linspace(-1.0, 1.0, 13)
    u = along * head.person.mouth_width * (1.0 + 0.25 * pose.smile - 0.2 * pose.mouth)
    curve = _MOUTH_HEIGHT - 0.18 * pose.smile * (along**2 - 0.45)
    lips = mix(darker(skin, 0.8), (206, 40, 70), 0.75)
    if pose.mouth < 0.15:
        canvas.stroke(head.surface(u, curve), lips, 2.4)
        return
    bow = 1.0 - along**2
    upper, lower = curve - 0.05 * pose.mouth * bow, curve + 0.22 * pose.mouth * bow
    canvas.fill(head.surface(np.r_[u, u[::-1]], np.r_[upper, lower[::-1]]), (120, 24, 40))
    teeth = np.minimum(upper + 0.07 * bow, lower)
    canvas.fill(head.surface(np.r_[u, u[::-1]], np.r_[upper, teeth[::-1]]), (250, 248, 246))
    ring = head.surface(np.r_[u, u[-2:0:-1]], np.r_[upper, lower[-2:0:-1]])
    canvas.stroke(ring, lips, 1.6, closed=True)


def _glasses(canvas: Canvas, head: Head) -> None:
    frame, person = (44, 36, 52), head.person
    for side in _SIDES:
        u = side * (person.eye_spacing + 0.01) + 0.34 * np.cos(_ROUND)
        canvas.stroke(
            head.surface(u, _EYE_HEIGHT + 0.27 * np.sin(_ROUND), 1.06), frame, 2.0, closed=True
        )
    inner = person.eye_spacing - 0.32
    u, v = _points((-inner, 0.05), (0.0, 0.02), (inner, 0.05))
    canvas.stroke(head.surface(u, v, 1.1), frame, 2.0)


_FRINGE = {
    "short hair": (
        (0.96, 0.0),
        (0.8, -0.4),
        (0.45, -0.52),
        (0.05, -0.46),
        (-0.35, -0.6),
        (-0.72, -0.5),
        (-0.96, 0.0),
    ),
    "bob cut": (
        (0.98, 0.3),
        (0.8, -0.3),
        (0.45, -0.36),
        (0.0, -0.38),
        (-0.45, -0.36),
        (-0.8, -0.3),
        (-0.98, 0.3),
    ),
    "long hair": (
        (0.98, 0.5),
        (0.84, -0.2),
        (0.5, -0.5),
        (0.0, -0.8),
        (-0.5, -0.5),
        (-0.84, -0.2),
        (-0.98, 0.5),
    ),
}
_LOCK = {
    "bob cut": ((0.86, -0.4), (1.12, -0.3), (1.18, 0.3), (1.1, 0.74), (0.86, 0.8), (0.92, 0.2)),
    "long hair": ((0.84, -0.4), (1.12, -0.3), (1.18, 0.5), (1.2, 1.2), (0.86, 1.3), (0.94, 0.4)),
}


def _front_hair(canvas: Canvas, head: Head) -> None:
    person = head.person
    colour = HAIR[person.hair]
    if person.style in _LOCK:
        u, v = _points(*_LOCK[person.style])
        for side in _SIDES:
            canvas.fill(smooth(head.behind(side * u + head.pose.yaw * 0.2, v)), colour)
    crown = head.outline(np.linspace(-1.6, 1.6, 24), 1.1)
    canvas.fill(
        np.concatenate([crown, head.surface(*_points(*_FRINGE[person.style]), 1.04)]), colour
    )
    shine = np.linspace(-0.95, -0.15, 9)
    u, v = np.sin(shine) * 0.74, -np.cos(shine) * 0.86
    canvas.stroke(head.surface(u, v, 1.14), mix(colour, (255, 255, 255), 0.36), 3.0)
