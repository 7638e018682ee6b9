"""Kinds of one text: any, or one of a few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from easyphoto_video.errors import BadRequest
from easyphoto_video.setting.kind import Kind, Setting

AUTO, NONE = "auto", "none"
"""What a text says that leaves the choice to us, and one that wants nothing."""


@dataclass(frozen=True)
class Text(Kind):
    """Any text."""

    lines: int = 1
    called = "a text"

    @property
    def is_listed(self) -> bool:
        """See Kind: nobody lists what takes several lines."""
        return self.lines == 1

    def parse(self, value: Any) -> str:
        """See Kind."""
        return as_text(value)

    def schema(self, setting: Setting, default: Any, listed: tuple[str, ...]) -> dict[str, Any]:
        """See Kind."""
        known = list(listed) if default in listed else [default, *listed]
        allowed = {"enum": known} if listed else {}
        return {"type": "string", "maxLength": self.longest, **allowed}

    def from_form(self, value: Any) -> Any:
        """See Kind."""
        return "" if value is None else value


@dataclass(frozen=True, kw_only=True)
class Choice(Text):
    """One of a few texts."""

    choices: tuple[str, ...] = ()

    def allowed(self, setting: Setting) -> str:
        """See Kind."""
        return ", ".join(self.choices)

    def check(self, value: Any, setting: Setting) -> None:
        """See Kind."""
        if value not in self.choices:
            step = f"Choose one of: {self.allowed(setting)}."
            raise BadRequest(setting.label, value, "is not known", step)


def as_text(value: Any) -> str:
    """A text as it is; raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


TEXT = Text()
