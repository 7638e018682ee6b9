"""Notes into files: what ffmpeg and Pillow cannot put there while they write.

A note is JSON text. Two kinds of character have no place in every format: NUL, and surrogates
that stand alone. They are written as the escapes that JSON has for them, which mean the same.
"""

from __future__ import annotations

import re
import shutil
import struct
from pathlib import Path

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

PNG_KEY = "Comment"
UNICODE = b"UNICODE\0"
EXIF_IFD = int(ExifTags.IFD.Exif)
USER_COMMENT = int(ExifTags.Base.UserComment)
GIF_HEAD = 13
"""Bytes of signature and logical screen descriptor."""
WEBP_EXIF_FLAG = 0x08


def storable(note: str) -> str:
    """The note without NUL and lone surrogates; a second time changes nothing."""
    text = note.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\0", "\\u0000")


def ffmetadata(note: str) -> bytes:
    """The note as ffmpeg's own metadata file, for the `comment` tag.

    A carriage return would end the line for ffmpeg, and a backslash at the end would swallow the
    line's end: so the one is escaped like the other special characters, and no line end follows.
    """
    escaped = re.sub(r"([=;#\\\n\r])", r"\\\1", note)
    return b";FFMETADATA1\ncomment=" + escaped.encode("utf-8")


def png_info(note: str) -> PngInfo:
    """The note as an iTXt chunk, for Pillow's `pnginfo`."""
    info = PngInfo()
    if note:
        info.add_itxt(PNG_KEY, note)
    return info


def stamp_gif(source: Path, target: Path, note: str) -> None:
    """Copy a GIF, with the note as a comment extension before the first frame."""
    with source.open("rb") as read, target.open("wb") as write:
        head = read.read(GIF_HEAD)
        palette = 3 << ((head[10] & 7) + 1) if head[10] & 0x80 else 0
        write.write(head + read.read(palette) + _gif_comment(note.encode("utf-8")))
        shutil.copyfileobj(read, write)


def _gif_comment(text: bytes) -> bytes:
    blocks = [text[start : start + 255] for start in range(0, len(text), 255)]
    return b"\x21\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def stamp_webp(path: Path, size: tuple[int, int], note: str) -> None:
    """Put the note into a WEBP of (width, height) pixels as EXIF UserComment, as the WebUI does.

    Layout: https://developers.google.com/speed/webp/docs/riff_container
    """
    _extend(path, size)
    with path.open("r+b") as file:
        file.seek(20)
        flags = file.read(1)[0]
        file.seek(20)
        file.write(bytes([flags | WEBP_EXIF_FLAG]))
        file.seek(0, 2)
        file.write(_chunk(b"EXIF", _exif(note)))
        length = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", length - 8))


def _extend(path: Path, size: tuple[int, int]) -> None:
    """A file of one simple picture gets the header that says what else it holds."""
    with path.open("rb") as file:
        if file.read(16)[12:] == b"VP8X":
            return
    content = path.read_bytes()
    width, height = (side - 1 for side in size)
    header = bytes(4) + width.to_bytes(3, "little") + height.to_bytes(3, "little")
    path.write_bytes(content[:12] + _chunk(b"VP8X", header) + content[12:])


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _exif(note: str) -> bytes:
    exif = Image.Exif()
    exif[EXIF_IFD] = {USER_COMMENT: UNICODE + note.encode("utf-16-be")}
    return exif.tobytes().removeprefix(b"Exif\0\0")
