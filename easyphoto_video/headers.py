"""What stands at the beginning of a safetensors file: names and shapes, without a number read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easyphoto_video.errors import BadFile
from easyphoto_video.files import check_file, parsed

LONGEST = 1 << 24
"""Bytes. The format allows six times as much, which may become gigabytes once it is read; the
longest that are in use have a tenth."""
GIVE_A_FILE = "Give a file."


@dataclass(frozen=True)
class Header:
    """The first words of a safetensors file."""

    shapes: Mapping[str, tuple[int, ...]]
    """By the tensor's name; empty in a file that ends before its header does."""
    notes: Mapping[str, Any]
    whole: int
    """Bytes that the file should have."""


def read_header(path: Path) -> Header | None:
    """The header of a safetensors file; None for other files, and where it makes no sense.

    Raises BadFile for what is no file or cannot be read.
    """
    check_file(path, GIVE_A_FILE)
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= LONGEST or file.read(1) != b"{":
                return None
            if 8 + length > path.stat().st_size:
                return Header({}, {}, 8 + length)
            text = b"{" + file.read(length - 1)
    except OSError as error:
        raise BadFile(path, f"it cannot be read ({error.strerror})", GIVE_A_FILE) from error
    return _header(text)


def _header(text: bytes) -> Header | None:
    try:
        entries = parsed(text)
        notes = entries.pop("__metadata__", None) or {}
        shapes = {name: tuple(map(_size, entry["shape"])) for name, entry in entries.items()}
        ends = [_size(entry["data_offsets"][1]) for entry in entries.values()]
        return Header(shapes, dict(notes), 8 + len(text) + max(ends, default=0))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _size(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(f"{number!r} is no size")
    return number
