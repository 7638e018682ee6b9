"""JSON Schema of every mode, from the declarations of its fields and what the host offers."""

from __future__ import annotations

import inspect
from dataclasses import Field
from typing import Any

from easyphoto_video.host.front import Host
from easyphoto_video.modes.registry import MODES
from easyphoto_video.request import Request
from easyphoto_video.setting import Setting, settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(host: Host) -> dict[str, Any]:
    """A schema that every request's JSON satisfies, with one definition for each mode."""
    return {
        "$schema": DIALECT,
        "title": "EasyPhoto Video",
        "anyOf": [{"$ref": f"#/$defs/{mode}"} for mode in MODES],
        "$defs": {mode: _mode_schema(mode, host) for mode in MODES},
    }


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
    listed = setting.kind.choices or tuple(host.choices(field.name))
    return {**shown, **setting.kind.schema(setting, default, listed)}
