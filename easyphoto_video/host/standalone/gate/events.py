"""What an event of the page may bring along: values, and files that its sender dropped.

gradio takes a file in an event by its path and reads it. It has its own check of where the path
leads; this one comes first and asks whose the file is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from easyphoto_video.errors import BadRequest

LARGEST = 4 * 2**20
"""Bytes of an event: the text of every form, with room."""
FILE = ("path", "url", "is_stream", "meta")
"""What an object with any of these is: a file, or something that passes itself off as one."""
ADDRESS = "/gradio_api/file="
DEEPEST = 32
"""Lists and objects within each other."""

Owns = Callable[[str], bool]


def check_event(body: bytes, owns: Owns) -> None:
    """Raises BadRequest unless every file in an event's values is one that `owns` knows."""
    for file in _files(_values(body)):
        if not _is_plain(file) or not owns(file["path"]):
            step = "Drop the file into the field again."
            name = PurePath(str(file.get("path"))).name[:100]
            raise BadRequest("File", name, "was not dropped into this page by you", step)


def _values(body: bytes) -> Any:
    try:
        event = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadRequest("Event", len(body), "bytes are no JSON", "Reload the page.") from error
    if not isinstance(event, dict):
        raise BadRequest("Event", type(event).__name__, "is no event", "Reload the page.")
    return event.get("data")


def _files(values: Any) -> Iterator[dict[str, Any]]:
    level, depth = [values], 0
    while level:
        yield from (
            each for each in level if isinstance(each, dict) and not each.keys().isdisjoint(FILE)
        )
        level = [inner for each in level for inner in _inside(each)]
        depth += 1
        if level and depth > DEEPEST:
            raise BadRequest("Event", depth, "levels are too deep", "Reload the page.")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _is_plain(file: dict[str, Any]) -> bool:
    """Whether it is a file as the page sends one: by its path; nothing leads elsewhere."""
    path, url = file.get("path"), file.get("url")
    if not isinstance(path, str) or file.get("is_stream"):
        return False
    return url is None or (
        isinstance(url, str) and unquote(urlsplit(url).path).endswith(f"{ADDRESS}{path}")
    )
