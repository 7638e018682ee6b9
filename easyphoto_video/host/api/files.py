"""Files over HTTP: in parts, so that a browser can play and seek, and folders as one zip."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from easyphoto_video.errors import Missing
from easyphoto_video.host.api.answers import Refused, failure

CHUNK = 2**18
"""Bytes that are read at once."""
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
MEDIA = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".png": "image/png",
    ".jpg": "image/jpeg",
}


def clip(path: Path, request: Request, name: str = "") -> Response:
    """A file, or the part of it that is asked for; a folder of pictures as a zip.

    `name` is what who saves it sees. Raises Missing when it is no longer there.
    """
    name = name or path.name
    if path.is_dir():
        headers = _headers("application/zip", f"{name}.zip")
        return _answer(request, _zipped(path), 200, headers)
    try:
        stat = path.stat()
    except OSError as error:
        raise Missing(path.name, "It was moved or deleted; make it again.") from error
    tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    headers = _headers(MEDIA.get(path.suffix.lower(), "application/octet-stream"), name)
    headers |= {
        "accept-ranges": "bytes",
        "etag": tag,
        "last-modified": formatdate(stat.st_mtime, usegmt=True),
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    span = _span(request, stat.st_size, tag, headers["last-modified"])
    if span is None:
        headers["content-length"] = str(stat.st_size)
        return _answer(request, _part(path, range(stat.st_size)), 200, headers)
    if not span:
        return _unsatisfiable(request, stat.st_size)
    headers["content-length"] = str(len(span))
    headers["content-range"] = f"bytes {span.start}-{span.stop - 1}/{stat.st_size}"
    return _answer(request, _part(path, span), 206, headers)


def disposition(kind: str, name: str) -> str:
    """The header that names a file for who saves it, in whatever letters (RFC 6266)."""
    plain = re.sub(r'[^\x20-\x7e]|["\\]', "_", name)
    same = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'{kind}; filename="{plain}"{same}'


def _headers(media: str, name: str) -> dict[str, str]:
    return {
        "content-type": media,
        "content-disposition": disposition("inline", name),
        # A host that packs its answers would pack films in vain, and their parts wrongly.
        "content-encoding": "identity",
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
    }


def _answer(
    request: Request, body: Iterator[bytes], status: int, headers: dict[str, str]
) -> Response:
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(body, status, headers)


def _span(request: Request, size: int, tag: str, date: str) -> range | None:
    """The bytes that are asked for; empty when they do not exist, None when all are meant."""
    asked = RANGE.fullmatch(request.headers.get("range", ""))
    is_same = request.headers.get("if-range", tag) in {tag, date}
    if not (asked and any(asked.groups()) and is_same):
        return None
    first, last = asked.groups()
    if not first:
        return range(max(0, size - int(last)), size)
    return range(int(first), min(size, int(last) + 1 if last else size))


def _unsatisfiable(request: Request, size: int) -> Response:
    asked = request.headers.get("range", "")
    reason = f"lies outside the {size} bytes of the file"
    answer = failure(Refused(416, ("Range", asked), reason, "Ask for a part within."))
    answer.headers["content-range"] = f"bytes */{size}"
    return answer


def _part(path: Path, span: range) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(span.start)
        left = len(span)
        while left and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


class _Pipe(io.RawIOBase):
    """What is written can be taken away at once."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        taken, self._written = bytes(self._written), bytearray()
        return taken


def _zipped(folder: Path) -> Iterator[bytes]:
    """A zip of the folder's files, made while it is sent."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", strict_timestamps=False) as archive:
        for file in sorted(folder.iterdir()):
            if file.is_file():
                archive.write(file, file.name)
                yield pipe.take()
    yield pipe.take()
