r"""Weights in a prompt: `(more)`, `[less]`, `(this much:1.3)`, and BREAK.

Round brackets multiply by 1.1, square ones divide by it, and they nest. A backslash takes a
bracket's meaning away. BREAK begins a new chunk of 75 tokens.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

MORE = 1.1
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
MARK = re.compile(
    rf"(?P<break>\s*\bBREAK\b\s*)|\\(?P<escaped>[()\[\]\\]?)|(?P<open>[(\[])"
    rf"|:\s*(?P<number>{NUMBER})\s*\)|(?P<close>[)\]])|(?P<plain>[^\\()\[\]:B]+|:|B)"
)


@dataclass(frozen=True)
class Piece:
    """A part of a prompt, and how much it counts; 1 is as much as in a plain prompt."""

    text: str
    weight: float


@dataclass
class _Draft:
    text: str
    section: int
    weight: float = 1.0


def sections(prompt: str) -> list[list[Piece]]:
    """The pieces of each section between BREAKs; neighbours of the same weight are one piece."""
    drafts = _Reader().read(prompt)
    count = 1 + max((draft.section for draft in drafts), default=0)
    return [list(_joined([d for d in drafts if d.section == i])) for i in range(count)]


class _Reader:
    """Reads from left to right; a bracket that closes weighs all since the one that opened."""

    def __init__(self) -> None:
        self._drafts: list[_Draft] = []
        self._open: dict[str, list[int]] = {"(": [], "[": []}
        self._section = 0

    def read(self, prompt: str) -> list[_Draft]:
        for match in MARK.finditer(prompt):
            self._take(match)
        for start in self._open["("]:
            self._weigh(start, MORE)
        for start in self._open["["]:
            self._weigh(start, 1 / MORE)
        return self._drafts

    def _take(self, match: re.Match[str]) -> None:
        kind = match.lastgroup
        if kind == "break":
            self._section += 1
            self._say("")
        elif kind == "open":
            self._open[match["open"]].append(len(self._drafts))
        elif kind == "number" and self._open["("]:
            self._weigh(self._open["("].pop(), float(match["number"]))
        elif match[0] == ")" and self._open["("]:
            self._weigh(self._open["("].pop(), MORE)
        elif match[0] == "]" and self._open["["]:
            self._weigh(self._open["["].pop(), 1 / MORE)
        else:
            self._say(match["escaped"] if kind == "escaped" else match[0])

    def _say(self, text: str) -> None:
        self._drafts.append(_Draft(text, self._section))

    def _weigh(self, start: int, factor: float) -> None:
        for draft in self._drafts[start:]:
            draft.weight *= factor


def _joined(drafts: list[_Draft]) -> Iterator[Piece]:
    for weight, same in itertools.groupby(drafts, key=lambda draft: draft.weight):
        text = "".join(draft.text for draft in same)
        if text:
            yield Piece(text, weight)
