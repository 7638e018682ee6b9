"""The kind of a list of records: each a small frozen dataclass of declared fields, with files too.

As JSON an object, `{"kind": "pose", "film": "dance.mp4", "weight": 0.8}`; as text its fields apart
by commas, `kind=pose,film=dance.mp4,weight=0.8`. A value with commas or quotes stands in quotes, as
JSON writes a text.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from easyphoto_video.errors import BadRequest
from easyphoto_video.setting.declaration import (
    check_fields,
    check_over,
    files_of,
    plain_fields,
    settings,
    with_files,
)
from easyphoto_video.setting.kind import LONGEST_LIST, Naming, Setting
from easyphoto_video.setting.several import Names

PART = re.compile(r'\s*(\w+)\s*=(?:\s*("(?:[^"\\]|\\.)*")\s*|([^,"]*))(?:,|$)')
"""One field of a record's text."""
QUOTED = re.compile(r'[,"]|^\s|\s$')
"""What a value holds that must stand in quotes."""


class Record:
    """The base of a record: it checks itself when it is made, and prints as it is read."""

    def __post_init__(self) -> None:
        check_fields(self)

    def __str__(self) -> str:
        """The fields that are not as they are by default, or the first, for it is not nothing."""
        fields = [field for field, _ in settings(self)]
        told = [field.name for field in fields if getattr(self, field.name) != field.default]
        plain = plain_fields(self)
        return ",".join(f"{name}={_written(plain[name])}" for name in told or [fields[0].name])


@dataclass(frozen=True)
class Records(Names):
    """Any number of records of one type."""

    record: type[Record]
    called = "a list of objects, or of texts such as NAME=VALUE,NAME=VALUE"

    def typed(self, value: Any, setting: Setting) -> Any:
        """See Kind; what is wrong within a record is told by the label of its field."""
        with _within(setting):
            return super().typed(value, setting)

    def item(self, value: Any) -> Record:
        """See Names."""
        if isinstance(value, self.record):
            return value
        given = _parts(value) if isinstance(value, str) else dict(value)
        known = {field.name: setting.kind for field, setting in self._fields()}
        for name in given:
            if name not in known:
                step = f"Fields: {', '.join(known)}."
                raise BadRequest(str(name), given[name], "is no field of a record", step)
            if isinstance(value, str) and known[name].several and given[name].startswith("["):
                given[name] = json.loads(given[name])
        return self.record(**given)

    def check_over(self, value: Any, setting: Setting, frames: int) -> None:
        """See Kind."""
        with _within(setting):
            for record in value:
                check_over(record, frames)

    def plain(self, value: Any) -> list[Any]:
        """See Kind."""
        return [plain_fields(record) for record in value]

    def item_fits(self, item: Any) -> bool:
        """See Names; a field that is not known is for `item` to refuse by its name."""
        if not isinstance(item, dict):
            return super().item_fits(item)
        return all(
            setting.kind.fits(item[field.name])
            for field, setting in self._fields()
            if field.name in item
        )

    def schema(self, setting: Setting, default: Any, listed: tuple[str, ...]) -> dict[str, Any]:
        """See Kind."""
        properties = {field.name: _described(field, inner) for field, inner in self._fields()}
        record = {"type": "object", "properties": properties, "additionalProperties": False}
        text = {"type": "string", "minLength": 1, "maxLength": self.longest}
        return {"type": "array", "maxItems": LONGEST_LIST, "items": {"anyOf": [record, text]}}

    def metavar(self, setting: Setting) -> str:
        """See Kind."""
        return ",".join(f"{field.name}=..." for field, _ in self._fields())

    def to_form(self, value: Any) -> Any:
        """See Kind."""
        return super().to_form(self.parse(value))

    def files(self, value: Any) -> Mapping[str, str]:
        """See Kind."""
        return {
            f"[{number}].{place}": path
            for number, record in enumerate(value)
            for place, path in files_of(record).items()
        }

    def with_files(self, value: Any, setting: Setting, name: Naming) -> Any:
        """See Kind."""
        with _within(setting):
            return tuple(with_files(record, name) for record in self.typed(value, setting))

    def _fields(self) -> Iterator[tuple[dataclasses.Field[Any], Setting]]:
        return settings(self.record)


@contextmanager
def _within(setting: Setting) -> Iterator[None]:
    """What is wrong with a field of a record is told by both labels."""
    try:
        yield
    except BadRequest as error:
        if error.field.startswith(setting.label):
            raise
        label = f"{setting.label}, {error.field}"
        raise BadRequest(
            label, error.value, error.reason, error.next_step, error.folders
        ) from error


def _described(field: dataclasses.Field[Any], setting: Setting) -> dict[str, Any]:
    default = setting.kind.plain(field.default)
    shown = {"title": setting.label, "description": setting.help, "default": default}
    return {**shown, **setting.kind.schema(setting, default, setting.kind.choices)}


def _parts(text: str) -> dict[str, Any]:
    """The fields of a record's text. Raises ValueError."""
    parts: dict[str, Any] = {}
    place = 0
    while place < len(text):
        found = PART.match(text, place)
        if found is None or found[1] in parts:
            raise ValueError("not NAME=VALUE,NAME=VALUE, each name once")
        parts[found[1]] = json.loads(found[2]) if found[2] else found[3].strip()
        place = found.end()
    return parts


def _written(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.isprintable() and not QUOTED.search(text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())  # no line of a form ends within
