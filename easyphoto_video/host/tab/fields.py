"""From a field of a request to a component of the form, and values to and fro."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from easyphoto_video.host.front import Host
from easyphoto_video.host.tab.widgets import DROP_HEIGHT, DROPPED, LEAST_WIDTH, WRITTEN, dropdown
from easyphoto_video.host.tab.words import CHINESE
from easyphoto_video.request import Request
from easyphoto_video.setting import Setting, settings

PERSON = "user_id"
ONE_A_LINE = "One a line."
AUTOMATIC = "{} is automatic."


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a request, as the form needs it."""

    name: str
    setting: Setting
    default: Any

    @classmethod
    def all(cls, request: type[Request], host: Host) -> dict[str, Field]:
        """Every field of a mode by name, with the host's defaults."""
        ours = host.defaults()
        return {
            field.name: cls(field.name, setting, ours.get(field.name, field.default))
            for field, setting in settings(request)
        }

    @property
    def is_dropped(self) -> bool:
        """Whether its component holds files that were dropped there."""
        return self.setting.kind.widget in DROPPED

    def component(self, host: Host, elem_id: str) -> Any:
        """The component, with the field's label, help, range and default."""
        setting, word = self.setting, self.setting.kind.widget
        if self.is_dropped:
            same = {"label": setting.label, "elem_id": elem_id, "height": DROP_HEIGHT}
            return DROPPED[word](setting, same)
        same = {
            "label": label_of(setting),
            "info": info_of(self),
            "value": setting.kind.to_form(self.default),
            "elem_id": elem_id,
            "min_width": LEAST_WIDTH,
        }
        choices = choices_of(self, host)
        return dropdown(choices, same) if choices else WRITTEN[word](setting, same)


def choices_of(field: Field, host: Host) -> list[Any]:
    """What can be chosen for a field; empty when it is written."""
    kind = field.setting.kind
    if kind.choices:
        return list(kind.choices)
    return list(host.choices(field.name)) if kind.is_listed else []


def label_of(setting: Setting, words: Mapping[str, str] | None = None) -> str:
    """The label with the unit, where it does not say it; in Chinese with `words`."""
    label = (words or {}).get(setting.label, setting.label)
    if not setting.unit.isalpha() or setting.unit in setting.label.lower().split():
        return label
    return f"{label} ({(words or {}).get(setting.unit, setting.unit)})"


def info_of(field: Field, words: Mapping[str, str] | None = None) -> str:
    """The help, and what is special about the field's form; in Chinese with `words`."""
    setting = field.setting
    parts = [(words or {}).get(setting.help, setting.help)]
    if setting.kind.several:
        parts.append((words or {}).get(ONE_A_LINE, ONE_A_LINE))
    if setting.auto is not None:
        parts.append((words or {}).get(AUTOMATIC, AUTOMATIC).format(f"{setting.auto:g}"))
    return ("" if words else " ").join(parts)


def catalogue(fields: Sequence[Field], more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Chinese by the English text that stands in the form, for the page; `more` goes first."""
    words = {**CHINESE, **(more or {})}
    return {**words, **dict(pair for field in fields for pair in _pairs(field, words))}


def _pairs(field: Field, words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield label_of(field.setting), label_of(field.setting, words)
    yield info_of(field), info_of(field, words)
