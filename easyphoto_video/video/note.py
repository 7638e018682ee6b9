"""Notes out of files: the request that a clip was made with, as the writer put it there."""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from pathlib import Path

from PIL import Image

from easyphoto_video.errors import BadFile
from easyphoto_video.files import check_file, is_folder
from easyphoto_video.video.ffmpeg import look, quoted
from easyphoto_video.video.stamp import EXIF_IFD, PNG_KEY, UNICODE, USER_COMMENT

ENTRY = re.compile(rb"((?:\\.|[^\\\n])*)\n", re.DOTALL)
COMMENT = re.compile(rb"comment=(.*)", re.DOTALL | re.IGNORECASE)
BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
BROKEN += (LookupError, TypeError, ArithmeticError)
"""What Pillow raises for damaged pictures; a GIF that is cut off is an IndexError to it."""
GIVE_ANOTHER = "Give a .mp4, .webm, .gif, .webp or .png that this program wrote."


def read_note(path: Path | str) -> str:
    """The note inside a video or picture, or inside a folder of pictures.

    Raises BadFile when there is no file, none that can be read, or no note in it.
    """
    path = Path(path)
    source = _picture_in(path) if is_folder(path) else path
    check_file(source, GIVE_ANOTHER)
    try:
        with source.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise BadFile(path, f"it cannot be read ({error.strerror})", GIVE_ANOTHER) from error
    note = _of_picture(source) if _is_picture(head) else _of_video(source)
    if not note:
        raise BadFile(path, "it carries no note of how it was made", GIVE_ANOTHER)
    return note


def _picture_in(folder: Path) -> Path:
    pictures = sorted(folder.glob("*.png"))
    if not pictures:
        raise BadFile(folder, "there are no .png files in this folder", GIVE_ANOTHER)
    return pictures[0]


def _is_picture(head: bytes) -> bool:
    webp = head[:4] == b"RIFF" and head[8:] == b"WEBP"
    return webp or head.startswith((b"\x89PNG", b"GIF8"))


def _of_picture(path: Path) -> str:
    try:
        # Pillow warns of damaged EXIF and of huge pictures; here nothing is decoded.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _comment(path)
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise BadFile(path, f"the picture is damaged ({error})", GIVE_ANOTHER) from error


def _comment(path: Path) -> str:
    with Image.open(path) as picture:
        if picture.format == "PNG":
            return str(picture.info.get(PNG_KEY, ""))
        if picture.format == "GIF":
            return picture.info.get("comment", b"").decode("utf-8", "replace")
        stored = picture.getexif().get_ifd(EXIF_IFD).get(USER_COMMENT, b"")
    return stored.removeprefix(UNICODE).decode("utf-16-be", "replace")


def _of_video(path: Path) -> str:
    done = look(path, "-loglevel", "error", "-f", "ffmetadata", "-")
    if done.returncode != 0:
        reason = f"it is no video that can be read ({quoted(done.stderr)})"
        raise BadFile(path, reason, GIVE_ANOTHER)
    return _parsed(done.stdout)


def _parsed(metadata: bytes) -> str:
    """The comment of an ffmetadata file; sections of streams and chapters are not ours."""
    for entry in ENTRY.findall(metadata):
        if entry.startswith(b"["):
            break
        if match := COMMENT.fullmatch(entry):
            return re.sub(rb"\\(.)", rb"\1", match[1], flags=re.DOTALL).decode("utf-8", "replace")
    return ""
