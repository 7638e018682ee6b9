"""Prompt editing: a text that changes while a picture is denoised.

`[from:to:when]`, `[to:when]` and `[from::when]` change once: after that share of the steps when
`when` has a decimal point, else after that many steps. `[a|b|c]` takes turns at every step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.prompt.weights import NUMBER

TOKEN = re.compile(r"\\.|[\[\]():|]|[^\\\[\]():|]+|\\", re.DOTALL)
AND = re.compile(r"\bAND\b")
DEEPEST = 64
"""Brackets within each other."""


@dataclass
class _Bracket:
    """What stands between two brackets; separators are items of their own."""

    opens: str
    items: list[_Item] = field(default_factory=list)
    closes: str = ""

    def at(self, step: int, steps: int) -> str:
        if self.opens == "[" and self.closes:
            fields, turns = _split(self.items, ":"), _split(self.items, "|")
            last = "".join(item if isinstance(item, str) else item.opens for item in fields[-1])
            when = re.fullmatch(rf"\s*({NUMBER})\s*", last)
            if when and len(fields) in (2, 3):
                before = fields[0] if len(fields) == 3 else []
                changed = step >= _last_before(when[1], steps)
                return _text(fields[-2] if changed else before, step, steps)
            if len(turns) > 1:
                return _text(turns[step % len(turns)], step, steps)
        return self.opens + _text(self.items, step, steps) + self.closes


_Item: TypeAlias = "str | _Bracket"


def at_steps(prompt: str, steps: int, field: str = "Prompt") -> list[str]:
    """The prompt at each of the steps.

    Raises BadRequest for AND, which mixes pictures, and for too many brackets within each other.
    """
    if AND.search(prompt):
        raise BadRequest(
            field,
            prompt,
            "holds AND, which the stand-alone program does not know",
            "Join the parts with commas, or render inside the WebUI.",
        )
    items = _parsed(prompt, field)
    return [_text(items, step, steps) for step in range(steps)]


def _parsed(prompt: str, field: str) -> list[_Item]:
    """Brackets that do not close, or close what is not open, are text."""
    stack = [_Bracket("")]
    for token in TOKEN.findall(prompt):
        if token in "([":
            stack.append(_Bracket(token))
            _check_depth(len(stack) - 1, field)
        elif token in ")]" and stack[-1].opens == {")": "(", "]": "["}[token]:
            bracket = stack.pop()
            bracket.closes = token
            stack[-1].items.append(bracket)
        else:
            stack[-1].items.append(token)
    while len(stack) > 1:
        bracket = stack.pop()
        stack[-1].items.append(bracket)
    return stack[0].items


def _check_depth(depth: int, field: str) -> None:
    if depth > DEEPEST:
        reason = f"and more brackets are open within each other, {DEEPEST} at most"
        raise BadRequest(field, depth, reason, r"Close them, or write \( and \[ for brackets.")


def _split(items: list[_Item], separator: str) -> list[list[_Item]]:
    parts: list[list[_Item]] = [[]]
    for item in items:
        if item == separator:
            parts.append([])
        else:
            parts[-1].append(item)
    return parts


def _text(items: list[_Item], step: int, steps: int) -> str:
    return "".join(item if isinstance(item, str) else item.at(step, steps) for item in items)


def _last_before(when: str, steps: int) -> int:
    """How many steps the text before the change holds."""
    return min(steps, int(float(when) * steps if "." in when else float(when)))
