"""Kinds of people: those of the data folder, by user id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from easyphoto_video.setting.several import Names
from easyphoto_video.setting.text import NONE, Text


@dataclass(frozen=True)
class Person(Text):
    """A user id; empty and none are nobody."""

    def to_form(self, value: Any) -> Any:
        """See Kind."""
        return value or NONE


PERSON, PEOPLE = Person(), Names()
