"""What a mouth does while sounds are spoken: a table of shapes, mixed by dominance.

After Cohen and Massaro, "Modeling coarticulation in synthetic visual speech" (1993): each sound
pulls the mouth towards its shape, the more the nearer in time and the more it insists on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 50
"""Values a second."""

SHAPES = (
    "silence", "p b m", "f v", "t d n l", "s z", "sh", "k g h", "w", "i", "e", "a", "schwa", "o",
    "u",
)  # fmt: skip
"""Names of the classes of shapes, as people of lip reading group them."""


@dataclass(frozen=True)
class Shape:
    """How a sound wants the mouth."""

    opening: float
    """0 shut .. 1 wide open."""
    width: float
    """-1 rounded .. 1 spread."""
    dominance: float
    """How much it insists."""
    reach: float
    """Seconds after which it pulls 1/e as much."""
    shape: int
    """Its class, an index of SHAPES."""


SILENCE = Shape(0.0, 0.0, 1.0, 0.05, 0)
LIPS = SHAPES.index("p b m")

_ROWS: dict[str, tuple[float, float, float, float, int]] = {
    "a ɑ": (1.0, 0.15, 1.0, 0.06, 10),
    "æ": (0.85, 0.4, 1.0, 0.06, 10),
    "ɐ ʌ": (0.7, 0.1, 0.9, 0.06, 10),
    "ɒ": (0.85, -0.3, 1.0, 0.06, 10),
    "ɛ ε": (0.6, 0.4, 1.0, 0.06, 9),
    "e": (0.45, 0.5, 1.0, 0.06, 9),
    "ə ɘ ɜ ɚ ɝ ɤ ᵊ": (0.4, 0.0, 0.7, 0.06, 11),
    "ɪ ᵻ": (0.35, 0.5, 0.9, 0.06, 8),
    "i": (0.25, 0.8, 1.0, 0.06, 8),
    "ɨ ɯ": (0.25, 0.3, 0.9, 0.06, 8),
    "ɔ": (0.65, -0.6, 1.0, 0.06, 12),
    "œ": (0.55, -0.5, 1.0, 0.06, 12),
    "o ø ɵ": (0.45, -0.8, 1.0, 0.06, 12),
    "ʊ ʏ": (0.3, -0.7, 1.0, 0.06, 13),
    "u y ʉ": (0.2, -1.0, 1.2, 0.06, 13),
    "p b m ɓ": (0.0, 0.0, 5.0, 0.03, 1),
    "f v ʋ ɱ": (0.08, 0.1, 2.5, 0.035, 2),
    "β ɸ": (0.08, 0.0, 2.0, 0.035, 2),
    "w ʍ ɥ": (0.12, -1.0, 2.0, 0.045, 7),
    "θ ð": (0.2, 0.1, 1.0, 0.04, 3),
    "t d n ɾ ʈ ɖ ɳ ɗ": (0.2, 0.2, 0.8, 0.04, 3),
    "l r ɭ ɫ ɬ": (0.3, 0.1, 0.6, 0.04, 3),
    "ɹ ɻ": (0.25, -0.4, 0.8, 0.04, 3),
    "s z": (0.12, 0.4, 1.2, 0.04, 4),
    "ʃ ʒ ʂ ʐ ɕ ʑ": (0.18, -0.6, 1.4, 0.045, 5),
    "j ɲ ʎ c ɟ ç": (0.22, 0.5, 0.8, 0.04, 8),
    "k g ɡ ŋ x ɣ q χ ʁ ɢ": (0.3, 0.0, 0.5, 0.04, 6),
    "h ɦ ħ ʕ ʔ": (0.4, 0.0, 0.15, 0.04, 6),
}
TABLE = {name: Shape(*row) for names, row in _ROWS.items() for name in names.split()}
"""By IPA letter."""

ARPABET = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "aʊ", "ax": "ə", "axr": "ɚ", "ay": "aɪ",
    "eh": "ɛ", "er": "ɚ", "ey": "eɪ", "ih": "ɪ", "iy": "i", "ow": "oʊ", "oy": "ɔɪ", "uh": "ʊ",
    "uw": "u", "ch": "tʃ", "jh": "dʒ", "dh": "ð", "th": "θ", "sh": "ʃ", "zh": "ʒ", "ng": "ŋ",
    "hh": "h", "y": "j", "r": "ɹ",
}  # fmt: skip
"""IPA by ARPAbet's names in small letters, as flite and pocketsphinx give them."""


@dataclass(frozen=True)
class Segment:
    """A shape from one second to another."""

    start: float
    end: float
    shape: Shape


@dataclass(frozen=True)
class Mouth:
    """What a mouth does, RATE values a second, all (T,)."""

    opening: NDArray[np.float32]
    """0 shut .. 1 wide open."""
    width: NDArray[np.float32]
    """-1 rounded .. 1 spread."""
    closed: NDArray[np.float32]
    """1 in the middle of p, b and m, else 0."""
    shape: NDArray[np.int64]
    """The class of the sound, an index of SHAPES."""


def segments(sounds: Sequence[tuple[float, str]], total: float) -> list[Segment]:
    """Sounds (start, IPA name), and where the last ends, in seconds; a diphthong gives two."""
    found: list[Segment] = []
    ends = [*[start for start, _ in sounds], total][1:]
    for (start, name), end in zip(sounds, ends, strict=True):
        if end <= start or name.startswith("("):  # such as (en), a change of the language
            continue
        shapes = _shapes(name)
        step = (end - start) / max(len(shapes), 1)
        found += [
            Segment(start + i * step, start + (i + 1) * step, shape)
            for i, shape in enumerate(shapes)
        ]
        if not shapes and name in ("", "#", "_"):
            found.append(Segment(start, end, SILENCE))
        elif not shapes and found:  # a mark such as ʲ belongs to the sound before
            found[-1] = Segment(found[-1].start, end, found[-1].shape)
    return found


def _shapes(name: str) -> list[Shape]:
    shapes = [TABLE[letter] for letter in name if letter in TABLE]
    is_affricate = len(shapes) > 1 and shapes[0].shape < SHAPES.index("i")
    return shapes[1:2] if is_affricate else shapes[:2]


def mouth(spoken: Sequence[Segment], count: int) -> Mouth:
    """What the mouth does in the first `count` values."""
    if not spoken:
        none = np.zeros(count, np.float32)
        return Mouth(none, none, none, np.zeros(count, np.int64))
    times = np.arange(count) / RATE
    start, end = (np.array([getattr(s, side) for s in spoken]) for side in ("start", "end"))
    shapes = [s.shape for s in spoken]
    kind = np.array([s.shape for s in shapes])
    # A sound holds its shape in its middle 40 %, a pause throughout.
    plateau = np.where(kind == 0, 0.5, 0.2) * (end - start)
    middle = (start + end) / 2
    away = np.maximum(np.abs(times[:, None] - middle) - plateau, 0.0)
    reach, dominance = (np.array([getattr(s, k) for s in shapes]) for k in ("reach", "dominance"))
    pull = dominance * np.exp(-away / reach) + 1e-9
    opening, width = (
        (pull @ np.array([getattr(s, of) for s in shapes])) / pull.sum(1)
        for of in ("opening", "width")
    )
    inside = (times[:, None] >= start) & (times[:, None] < end)
    which = np.where(inside.any(1), inside.argmax(1), 0)
    shape = np.where(inside.any(1), kind[which], 0)
    core = np.abs(times - middle[which]) < np.maximum(0.35 * (end - start)[which], 0.012)
    closed = (shape == LIPS) & core
    return Mouth(
        np.where(closed, opening * 0.15, opening).astype(np.float32),
        width.astype(np.float32),
        closed.astype(np.float32),
        shape.astype(np.int64),
    )
