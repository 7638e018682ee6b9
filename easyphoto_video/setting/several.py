"""Kinds of lists whose items are texts: names, and LoRAs with weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from easyphoto_video.setting.kind import LONGEST_LIST, Kind, Setting
from easyphoto_video.setting.text import as_text


@dataclass(frozen=True)
class Lora:
    """A LoRA file by its name in the folder (no suffix needed) and its weight; 1 is as trained."""

    name: str
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Lora:
        """`NAME:WEIGHT`, or `NAME` for weight 1. Raises ValueError."""
        name, colon, weight = text.rpartition(":")
        lora = cls(name, float(weight)) if colon else cls(text)
        if not lora.name.strip() or not abs(lora.weight) <= 10:
            raise ValueError("give NAME or NAME:WEIGHT with a weight from -10 to 10")
        return lora

    def __str__(self) -> str:
        return f"{self.name}:{self.weight:g}"


class Names(Kind):
    """Any number of texts, one a line in the form."""

    called = "a list of texts"
    json = (list,)
    several = True
    lines = 2

    def item(self, value: Any) -> Any:
        """One of them from plain JSON, or itself. Raises UNREADABLE."""
        return as_text(value)

    def parse(self, value: Any) -> tuple[Any, ...]:
        """See Kind; one text is a list of one."""
        return tuple(self.item(each) for each in ([value] if isinstance(value, str) else value))

    def plain(self, value: Any) -> list[Any]:
        """See Kind."""
        return [str(item) for item in value]

    def fits(self, value: Any) -> bool:
        """See Kind."""
        return (
            isinstance(value, list)
            and len(value) <= LONGEST_LIST
            and all(self.item_fits(item) for item in value)
        )

    def item_fits(self, item: Any) -> bool:
        """Whether JSON of a stranger may hold it in the list."""
        return isinstance(item, str) and len(item) <= self.longest

    def schema(self, setting: Setting, default: Any, listed: tuple[str, ...]) -> dict[str, Any]:
        """See Kind."""
        items = {"type": "string", "minLength": 1, "maxLength": self.longest}
        items |= {"examples": list(listed)} if listed else {}
        return {"type": "array", "maxItems": LONGEST_LIST, "items": items}

    def metavar(self, setting: Setting) -> str:
        """See Kind."""
        return "NAME"

    def told(self, value: Any) -> str:
        """See Kind."""
        return ", ".join(map(str, value))

    def to_form(self, value: Any) -> Any:
        """See Kind."""
        return "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else value

    def from_form(self, value: Any) -> list[str]:
        """See Kind."""
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


class Loras(Names):
    """LoRAs with their weights."""

    called = "NAME:WEIGHT"

    @property
    def called_in_json(self) -> str:
        """See Kind."""
        return f"a list of {self.called}"

    def item(self, value: Any) -> Lora:
        """See Names."""
        return value if isinstance(value, Lora) else Lora.parse(str(value))

    def metavar(self, setting: Setting) -> str:
        """See Kind."""
        return self.called


NAMES, LORAS = Names(), Loras()
