"""What comes in: a body of JSON, within limits, and the request that it asks for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.requests import Request as Call

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.api.answers import Refused
from easyphoto_video.host.api.schema import defaults
from easyphoto_video.host.front import Host
from easyphoto_video.modes.registry import MODES, request_from
from easyphoto_video.request import Request
from easyphoto_video.setting import settings
from easyphoto_video.setting.declaration import with_files
from easyphoto_video.setting.kind import LONGEST_LIST, Naming

LARGEST = 2**20
"""Bytes of a body."""
DEEPEST = 8
"""Lists and objects within each other."""


async def read_object(request: Call, largest: int = LARGEST) -> dict[str, Any]:
    """The JSON object of a body of so many bytes at most. Raises Refused: 400, 413 or 415."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # No web page elsewhere can make a browser send this type without asking us first.
        raise Refused(415, ("Content-Type", kind), "is not JSON", "Send application/json.")
    values = parsed(await _read(request, largest))
    if not isinstance(values, dict):
        kind = type(values).__name__
        raise Refused(400, ("Body", kind), "is no JSON object", 'Send {"prompt": "..."}.')
    return values


def parsed(body: bytes) -> Any:
    """A body as JSON values without NaN, infinity and halves of characters. Raises Refused."""
    try:
        values = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        json.dumps(values, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        start = body[:40].decode("utf-8", "replace")
        reason = f"is no JSON in UTF-8 ({error})"
        raise Refused(400, ("Body", start), reason, "Send one JSON object.") from error
    if _depth(values) > DEEPEST:
        reason = f"is nested more than {DEEPEST} deep"
        raise Refused(400, ("Body", type(values).__name__), reason, "Send one JSON object.")
    return values


def request_of(mode: str, values: Mapping[str, Any], host: Host, files: Naming) -> Request:
    """The request that a body asks for; what it leaves out is the host's, and `files` says which
    file a name means. Raises BadRequest and BadFile."""
    if values.get("mode", mode) != mode:
        raise BadRequest(
            "Mode", values["mode"], f"is not that of the address, {mode}", "Leave it out."
        )
    for field, setting in settings(MODES[mode].request):
        kind = setting.kind
        if field.name in values and not kind.fits(values[field.name]):
            name = kind.called_in_json
            limit = f"{kind.longest} characters and {LONGEST_LIST} items at most"
            raise BadRequest(
                setting.label, values[field.name], f"is not {name}", f"Give {name}, {limit}."
            )
    request = request_from({**defaults(MODES[mode].request, host), **values, "mode": mode})
    return with_files(request, files)


async def _read(request: Call, largest: int) -> bytes:
    body = bytearray()
    async for chunk in chunks(request, largest):
        body += chunk
    return bytes(body)


async def chunks(request: Call, largest: int) -> AsyncIterator[bytes]:
    """The body in parts, read no further than it may be long. Raises Refused: 413."""
    length = request.headers.get("content-length", "0")
    refused = Refused(
        413, ("Body", length), f"is more than {largest} bytes", "Send what one call needs."
    )
    if not length.isdecimal() or int(length[:20]) > largest:
        raise refused
    come = 0
    async for chunk in request.stream():
        come += len(chunk)
        if come > largest:
            raise refused
        yield chunk


def _depth(values: Any) -> int:
    depth, level = 0, [values]
    while level := [value for value in level if isinstance(value, (list, dict))]:
        depth += 1
        level = [
            item
            for value in level
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    return depth


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
