"""As much of JSON Schema as our schemas use; an unknown keyword is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

NOTES = {"$schema", "$defs", "title", "description", "default", "examples", "unit", "auto", "file"}
"""Keywords that say something and demand nothing."""
TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: TYPES["number"](value) and value == value // 1,
}


def is_valid(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> bool:
    """Whether the value satisfies the schema, draft 2020-12."""
    root = root or schema
    return all(
        CHECKS[keyword](value, demand, root)
        for keyword, demand in schema.items()
        if keyword not in NOTES
    )


def _has_type(value: Any, names: str | list[str], _root: Any) -> bool:
    return any(TYPES[name](value) for name in ([names] if isinstance(names, str) else names))


def _properties(value: Any, fields: Mapping[str, Any], root: Any) -> bool:
    inside = value.items() if isinstance(value, dict) else ()
    return all(is_valid(item, fields.get(name, {"enum": []}), root) for name, item in inside)


def _refers(value: Any, address: str, root: Any) -> bool:
    target = root
    for name in address.removeprefix("#/").split("/"):
        target = target[name]
    return is_valid(value, target, root)


def _number(check: Callable[[Any, Any], bool]) -> Callable[[Any, Any, Any], bool]:
    return lambda value, demand, _root: not TYPES["number"](value) or check(value, demand)


def _text(check: Callable[[str, Any], bool]) -> Callable[[Any, Any, Any], bool]:
    return lambda value, demand, _root: not isinstance(value, str) or check(value, demand)


def _items(value: Any, demand: Any, root: Any) -> bool:
    return not isinstance(value, list) or all(is_valid(item, demand, root) for item in value)


CHECKS: Mapping[str, Callable[[Any, Any, Any], bool]] = {
    "type": _has_type,
    "const": lambda value, demand, _root: value == demand and type(value) is not bool,
    "enum": lambda value, demand, _root: value in demand,
    "anyOf": lambda value, demand, root: any(is_valid(value, one, root) for one in demand),
    "$ref": _refers,
    "properties": _properties,
    "additionalProperties": lambda _value, demand, _root: demand is False,  # with properties
    "items": _items,
    "maxItems": lambda value, demand, _root: not isinstance(value, list) or len(value) <= demand,
    "minimum": _number(lambda value, demand: value >= demand),
    "maximum": _number(lambda value, demand: value <= demand),
    "multipleOf": _number(lambda value, demand: value % demand == 0),
    "minLength": _text(lambda value, demand: len(value) >= demand),
    "maxLength": _text(lambda value, demand: len(value) <= demand),
    "pattern": _text(lambda value, demand: re.search(demand, value) is not None),
}
