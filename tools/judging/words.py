"""Whether portraits show what their prompts say, at a CFG scale that burns lesser models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from easyphoto_video.clip import Frames
from tools.drawing import render
from tools.judging.line import FIRST_SEED, Line
from tools.judging.reader import KINDS, taught, truth
from tools.probe import PARTS, chance, right
from tools.studio import Studio
from tools.world import Person, Pose, caption, random_person, random_pose

PROMPTS = 64
CFG = 5.0
COLOUR_BAR, WORD_BAR = 85.0, 80.0
WORDS: Mapping[str, str] = {
    "smile": "expression",
    "open mouth": "expression",
    "glasses": "glasses",
    "looking left": "gaze",
}
"""Words that must be told apart, and which kind of the reader's they belong to."""


def word_lines(studio: Studio) -> list[Line]:
    """Colours by the nearest of the palette; the rest by a network that learnt on drawings."""
    asked = [_asked(FIRST_SEED + i) for i in range(PROMPTS)]
    sampled = np.stack(
        [studio.draw(caption(*who), FIRST_SEED + i, cfg=CFG)[0] for i, who in enumerate(asked)]
    )
    rendered = np.stack([render(*who) for who in asked])
    return colour_lines(asked, sampled, rendered) + read_lines(asked, sampled, rendered)


def _asked(seed: int) -> tuple[Person, Pose]:
    rng = np.random.default_rng(seed)
    return random_person(rng), random_pose(rng)


def colour_lines(
    asked: Sequence[tuple[Person, Pose]], sampled: Frames, rendered: Frames
) -> list[Line]:
    """How often the palette colour nearest to what a part shows is the prompted one."""
    shares = [
        {
            part: 100 * float(np.mean([right(picture, person)[part] for picture, person in pairs]))
            for part in PARTS
        }
        for pairs in (
            [(picture, person) for picture, (person, _) in zip(pictures, asked, strict=True)]
            for pictures in (sampled, rendered)
        )
    ]
    return [
        Line(
            name=f"prompted {part} colour right",
            value=shares[0][part],
            unit="%",
            low=COLOUR_BAR,
            note=f"{PROMPTS} prompts at CFG {CFG:g}; chance {100 * chance(part):.0f} %, "
            f"renderings {shares[1][part]:.0f} %",
        )
        for part in PARTS
    ]


def read_lines(
    asked: Sequence[tuple[Person, Pose]], sampled: Frames, rendered: Frames
) -> list[Line]:
    """How often a word is told from its absence: the mean of both shares, chance 50 %."""
    reader = taught()
    truths = [truth(*who) for who in asked]
    seen = [reader.read(pictures) for pictures in (sampled, rendered)]
    lines = []
    for word, kind in WORDS.items():
        found, drawn = (balanced(word, kind, truths, each) for each in seen)
        lines.append(
            Line(
                name=f"{word} told apart",
                value=found,
                unit="%",
                low=WORD_BAR,
                note=f"{PROMPTS} prompts at CFG {CFG:g}; chance 50 %, renderings {drawn:.0f} %",
            )
        )
    whole = [
        100 * np.mean([a[kind] == b[kind] for a, b in zip(truths, seen[0], strict=True)])
        for kind in KINDS
    ]
    told = ", ".join(f"{kind} {share:.0f} %" for kind, share in zip(KINDS, whole, strict=True))
    return [*lines, Line(name="all kinds right", value=float(np.mean(whole)), unit="%", note=told)]


def balanced(
    word: str, kind: str, truths: Sequence[dict[str, str]], seen: Sequence[dict[str, str]]
) -> float:
    """The mean, in per cent, of how often the word is seen where asked and not where not."""
    right_with = [s[kind] == word for t, s in zip(truths, seen, strict=True) if t[kind] == word]
    right_without = [s[kind] != word for t, s in zip(truths, seen, strict=True) if t[kind] != word]
    return 50 * float(np.mean(right_with) + np.mean(right_without))
