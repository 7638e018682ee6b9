"""Which palette colours a portrait shows, read where every person in every pose has them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tools.world import BACKGROUND, CLOTHES, HAIR, SKIN, Colour, Person

_BOXES = {
    "background": ((4, 40, 0, 7), (4, 40, 121, 128)),
    "clothes": ((119, 128, 40, 88),),
    "hair": ((20, 27, 68, 84),),
    "skin": ((73, 83, 57, 71), (84, 90, 44, 84)),
}
"""Rows from, to and columns from, to, in pixels of the 128-pixel picture. Hair is read right of the
middle, since the shine lies left of it and would come and go as the head turns."""

_PALETTES: dict[str, Mapping[str, Colour]] = {
    "background": BACKGROUND,
    "clothes": CLOTHES,
    "hair": HAIR,
    "skin": SKIN,
}
PARTS = tuple(_BOXES)


def chance(part: str) -> float:
    """How often a blind guess at the part's colour is right."""
    return 1 / len(_PALETTES[part])


def shown(picture: np.ndarray, part: str) -> np.ndarray:
    """The median colour of the part, (3,) RGB, in a picture (128, 128, 3) uint8."""
    boxes = [picture[a:b, c:d].reshape(-1, 3) for a, b, c, d in _BOXES[part]]
    return np.median(np.concatenate(boxes), axis=0)


def read(picture: np.ndarray, part: str) -> str:
    """The name of the palette colour nearest to what the part shows."""
    colour, palette = shown(picture, part), _PALETTES[part]
    return min(palette, key=lambda name: float(np.abs(np.array(palette[name]) - colour).sum()))


def right(picture: np.ndarray, person: Person) -> dict[str, bool]:
    """For each part, whether the picture shows the person's colour."""
    return {part: read(picture, part) == getattr(person, part) for part in PARTS}
