"""Declared fields of a dataclass: which there are, of which kind, and all of them at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from easyphoto_video.setting.kind import AS_ANNOTATED, Kind, Naming, Setting
from easyphoto_video.setting.number import FRAME_RATE, NUMBER, TRUTH, WHOLE
from easyphoto_video.setting.several import LORAS, NAMES
from easyphoto_video.setting.text import TEXT

KEY = "setting"
BY_ANNOTATION: Mapping[str, Kind] = {
    "str": TEXT,
    "bool": TRUTH,
    "int": WHOLE,
    "float": NUMBER,
    "Fraction": FRAME_RATE,
    "tuple[str, ...]": NAMES,
    "tuple[Lora, ...]": LORAS,
}
"""The kind of a field whose setting names none."""

Declared = tuple[dataclasses.Field[Any], Setting]


def declared(default: Any, setting: Setting) -> Any:
    """A dataclass field with its declaration; without a kind there the annotation says it."""
    return dataclasses.field(default=default, metadata={KEY: setting})


def settings(request: Any) -> Iterator[Declared]:
    """Every declared field of a request (class or object) with its declaration, in order."""
    return iter(_declared(request if isinstance(request, type) else type(request)))


@cache
def _declared(kind: type) -> tuple[Declared, ...]:
    fields = [field for field in dataclasses.fields(kind) if KEY in field.metadata]
    return tuple((field, _of_a_kind(field, field.metadata[KEY])) for field in fields)


def _of_a_kind(field: dataclasses.Field[Any], setting: Setting) -> Setting:
    if setting.kind is not AS_ANNOTATED:
        return setting
    if field.type not in BY_ANNOTATION:
        known = ", ".join(BY_ANNOTATION)
        raise TypeError(f"{field.name}: {field.type} is not one of {known}; name a kind")
    return dataclasses.replace(setting, kind=BY_ANNOTATION[str(field.type)])


def check_fields(made: Any) -> None:
    """Bring each declared field of a frozen object to its type. Raises BadRequest."""
    for field, setting in settings(made):
        value = setting.typed(getattr(made, field.name))
        setting.check(value)
        object.__setattr__(made, field.name, value)


def check_over(made: Any, frames: int) -> None:
    """Raise BadRequest when a field does not suit so many frames; 0 is still open."""
    for field, setting in settings(made):
        setting.kind.check_over(getattr(made, field.name), setting, frames)


def plain_fields(made: Any) -> dict[str, Any]:
    """Each declared field as JSON has it."""
    return {
        field.name: setting.kind.plain(getattr(made, field.name))
        for field, setting in settings(made)
    }


def files_of(made: Any) -> dict[str, str]:
    """The files that an object names, by place: `image`, or `controls[0].image` in a list."""
    return {
        field.name + place: path
        for field, setting in settings(made)
        for place, path in setting.kind.files(getattr(made, field.name)).items()
    }


def with_files(made: Any, name: Naming) -> Any:
    """The same with each file as `name` calls it. Raises what that and the checks raise."""
    named = {
        field.name: setting.kind.with_files(getattr(made, field.name), setting, name)
        for field, setting in settings(made)
    }
    return dataclasses.replace(made, **named)
