"""JSON Schema of every mode, from the declarations of its fields and what the host offers."""

from __future__ import annotations

import inspect
from dataclasses import Field
from typing import Any

from easyphoto_video.host.front import Host
from easyphoto_video.modes.registry import MODES
from easyphoto_video.request import FRACTION, Request
from easyphoto_video.setting import PICTURE, Setting, settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
LONGEST_TEXT = 20_000
"""Characters of a text."""
LONGEST_PICTURE = 2**20
"""Characters of a picture as a data: URL."""
LONGEST_LIST = 64
"""Items of a list."""


def schema(host: Host) -> dict[str, Any]:
    """A schema that every request's JSON satisfies, with one definition for each mode."""
    return {
        "$schema": DIALECT,
        "title": "EasyPhoto Video",
        "anyOf": [{"$ref": f"#/$defs/{mode}"} for mode in MODES],
        "$defs": {mode: _mode_schema(mode, host) for mode in MODES},
    }


def longest(setting: Setting) -> int:
    """Characters of the text of a field at most."""
    return LONGEST_PICTURE if setting.file == PICTURE else LONGEST_TEXT


def defaults(kind: type[Request], host: Host) -> dict[str, Any]:
    """What every field is where a request leaves it out, as JSON values; without the mode."""
    known = {field.name for field, _ in settings(kind)}
    own = {name: value for name, value in host.defaults().items() if name in known}
    values = kind(**own).to_json()
    values.pop("mode")
    return values


def _mode_schema(mode: str, host: Host) -> dict[str, Any]:
    kind = MODES[mode].request
    own = defaults(kind, host)
    fields = {
        field.name: _field_schema(field, setting, own[field.name], host)
        for field, setting in settings(kind)
    }
    return {
        "title": mode,
        "description": inspect.getdoc(kind),
        "type": "object",
        "properties": {"mode": {"const": mode}, **fields},
        "additionalProperties": False,
    }


def _field_schema(field: Field[Any], setting: Setting, default: Any, host: Host) -> dict[str, Any]:
    shown = {"title": setting.label, "description": setting.help, "default": default}
    if setting.unit:
        shown["unit"] = setting.unit
    if setting.file:
        shown["file"] = setting.file
    choices = setting.choices or tuple(host.choices(field.name))
    if field.type == "bool":
        return {**shown, "type": "boolean"}
    if field.type.startswith("tuple"):
        items = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
        items |= {"examples": list(choices)} if choices else {}
        return {**shown, "type": "array", "maxItems": LONGEST_LIST, "items": items}
    if field.type == "str":
        known = list(choices) if default in choices else [default, *choices]
        allowed = {"enum": known} if choices else {}
        return {**shown, "type": "string", "maxLength": longest(setting), **allowed}
    return {**shown, **_number_schema(field, setting)}


def _number_schema(field: Field[Any], setting: Setting) -> dict[str, Any]:
    limits: dict[str, Any] = {"minimum": setting.low, "maximum": setting.high}
    if setting.step and setting.step > 1:
        limits["multipleOf"] = setting.step
    limits = {name: limit for name, limit in limits.items() if limit is not None}
    if setting.auto is not None:
        limits = {"auto": setting.auto, "anyOf": [{"const": setting.auto}, limits]}
    if field.type == "Fraction":
        return {"type": ["number", "string"], "pattern": f"^{FRACTION}$", **limits}
    return {"type": "integer" if field.type == "int" else "number", **limits}
