"""From a field of a request to a component of the form, and values to and fro."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import gradio as gr

from easyphoto_video.host.front import Host
from easyphoto_video.host.tab.compat import make
from easyphoto_video.host.tab.words import CHINESE
from easyphoto_video.request import NONE, Request
from easyphoto_video.setting import PICTURE, Setting, settings

PERSON = "user_id"
LISTS = ("tuple[Lora, ...]", "tuple[str, ...]")
NUMBERS = ("int", "float")
SLIDABLE = 300
"""Most positions of a slider; a longer range is typed."""
FINE, COARSE = 0.05, 0.1
"""Steps of a slider whose field has none, for a range below and above 10."""
LEAST_WIDTH = 200
"""px of a component; below, a row becomes two."""
ONE_A_LINE = "One a line."
AUTOMATIC = "{} is automatic."
DROP_HEIGHT = 240
"""px of a field for files."""


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a request, as the form needs it."""

    name: str
    setting: Setting
    kind: str
    """Its annotation."""
    default: Any

    @classmethod
    def all(cls, request: type[Request], host: Host) -> dict[str, Field]:
        """Every field of a mode by name, with the host's defaults."""
        ours = host.defaults()
        return {
            field.name: cls(
                field.name, setting, str(field.type), ours.get(field.name, field.default)
            )
            for field, setting in settings(request)
        }

    @property
    def choosable(self) -> bool:
        """Whether it is one text that a host may have a list for."""
        return self.kind == "str" and self.setting.lines == 1 and not self.setting.file

    def component(self, host: Host, elem_id: str) -> Any:
        """The component, with the field's label, help, range and default."""
        setting = self.setting
        if setting.file:
            return self._dropped(elem_id)
        same = {
            "label": label_of(setting),
            "info": info_of(self),
            "value": shown(self, self.default),
        }
        id = {"elem_id": elem_id, "min_width": LEAST_WIDTH}
        choices = choices_of(self, host)
        if choices:
            # A pasted name that is not there (yet) is shown, and refused in words when it is used.
            return make(gr.Dropdown, choices=choices, allow_custom_value=True, **same, **id)
        if self.kind == "bool":
            return make(gr.Checkbox, **same, **id)
        if self.kind not in NUMBERS:
            lines = 2 if self.kind in LISTS else setting.lines
            return make(gr.Textbox, lines=lines, max_lines=max(lines, 12), **same, **id)
        if _slides(setting):
            low, high, step = _span(setting)
            return make(gr.Slider, minimum=low, maximum=high, step=step, **same, **id)
        return make(gr.Number, **same, **id)

    def _dropped(self, elem_id: str) -> Any:
        """Where a picture, or the file or files of a film, are dropped."""
        same = {"label": self.setting.label, "elem_id": elem_id, "height": DROP_HEIGHT}
        if self.setting.file == PICTURE:
            # As pixels: as a file, the oldest gradio would compress a photo once more.
            source = {"source": "upload", "sources": ["upload", "clipboard"]}
            mode = {"image_mode": None, "type": "pil", "interactive": True}
            return make(gr.Image, **same, **source, **mode)
        return make(gr.File, file_count="multiple", **same)


def choices_of(field: Field, host: Host) -> list[Any]:
    """What can be chosen for a field; empty when it is written."""
    if field.setting.choices:
        return list(field.setting.choices)
    found: Sequence[str] = host.choices(field.name) if field.choosable else ()
    return list(found)


def shown(field: Field, value: Any) -> Any:
    """A value of a request, or its plain JSON form, as the field's component shows it."""
    if field.name == PERSON:
        return value or NONE
    if isinstance(value, (list, tuple)):
        return "\n".join(map(str, value))
    return str(value) if isinstance(value, Fraction) else value


def read(field: Field, value: Any) -> Any:
    """What a component holds as a plain value for the request."""
    if field.kind in LISTS:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]
    if field.kind != "str":
        return value
    return "" if value is None else value


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
    if field.kind in LISTS:
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


def _span(setting: Setting) -> tuple[float, float, float]:
    """Lowest and highest position and step; automatic is a position too."""
    assert setting.low is not None and setting.high is not None
    low = setting.low if setting.auto is None else min(setting.low, setting.auto)
    return low, setting.high, setting.step or (FINE if setting.high - low < 10 else COARSE)


def _slides(setting: Setting) -> bool:
    if setting.low is None or setting.high is None:
        return False
    low, high, step = _span(setting)
    return (high - low) / step <= SLIDABLE
