"""Files as the result panel shows them, and the last ones that were made."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadRequest, HostFailed, Missing
from easyphoto_video.finishing import SHOWN
from easyphoto_video.host.tab.views import Views
from easyphoto_video.video.note import read_note
from easyphoto_video.video.place import SUFFIXES

FILMS = (".mp4", ".webm")
LAST = 20
PATIENCE = 3.0
"""Seconds in which a file manager may say that it cannot."""
PARAMETERS = "parameters"
"""Where the WebUI keeps a picture's infotext."""


@dataclass(frozen=True)
class Shown:
    """What the panel shows of a file; paths that are None are hidden."""

    film: str | None = None
    picture: str | None = None
    frames: tuple[Any, ...] = ()


def shown(path: Path, frames: Frames | None, infotext: str, views: Views) -> Shown:
    """How a clip is shown: a film plays, an animation moves, pictures lie beside each other."""
    if path.is_dir():
        opened = [_opened(file, infotext) for file in _some(path)]
        return Shown(frames=tuple(views.pictures(opened)))
    noted = [_noted(Image.fromarray(frame), infotext) for frame in _all(frames)]
    pictures = tuple(views.pictures(noted))
    if path.suffix.lower() in FILMS:
        return Shown(film=views.file(path), frames=pictures)
    return Shown(picture=views.file(path), frames=pictures)


def history(outputs: Path) -> list[str]:
    """Names of the last clips in the folder, the newest first."""
    try:
        entries = [(entry.stat().st_mtime_ns, entry.name) for entry in outputs.iterdir()]
    except OSError:
        return []
    names = (name for _, name in sorted(entries, reverse=True) if not name.startswith("."))
    clips = (name for name in names if _is_clip(outputs / name))
    return [name for _, name in zip(range(LAST), clips, strict=False)]


def of_history(outputs: Path, name: str) -> Path:
    """The clip of that name. Raises Missing, also for names that lead elsewhere, and to what lies
    there besides clips."""
    is_name = isinstance(name, str) and not name.startswith(".") and not set(name) & set("/\\:\0")
    if not is_name or not _is_clip(outputs / name) or _leads_out(outputs / name, outputs):
        raise Missing(f"Result {name!r}", "Refresh the list and choose another.")
    return outputs / name


def note_in(path: Path) -> str:
    """What a file says of how it was made: our note, or the WebUI's infotext in a picture.

    Raises BadFile when it says nothing.
    """
    try:
        with Image.open(path) as picture:
            text = picture.info.get(PARAMETERS)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        text = None
    return text if isinstance(text, str) and text else read_note(path)


def open_folder(path: Path) -> None:
    """Show a folder in the system's file manager. Raises Missing and HostFailed."""
    hint = f"The folder is {path}."
    if not path.is_dir():
        raise Missing(str(path), "It is made with the first clip.")
    try:
        if sys.platform == "win32":
            os.startfile(path)
            return
        command = "open" if sys.platform == "darwin" else "xdg-open"
        process = subprocess.Popen([command, str(path)], stderr=subprocess.DEVNULL)
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:  # it shows the folder until somebody closes it
        return
    except OSError as error:
        raise HostFailed(f"No file manager can be started ({error.strerror}). {hint}") from error
    if code:
        raise HostFailed(f"The file manager ended with code {code}. {hint}")


def _leads_out(path: Path, outputs: Path) -> bool:
    """Whether it is a link to what lies elsewhere, which is no result."""
    return path.resolve() != outputs.resolve() / path.name


def _is_clip(path: Path) -> bool:
    if path.is_dir():
        return any(path.glob("*.png"))
    return path.suffix.lower() in SUFFIXES and path.suffix.lower() != ".png" and path.is_file()


def _some(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.png"))
    return files[:: max(1, -(-len(files) // SHOWN))]


def _all(frames: Frames | None) -> list[Frames]:
    return [] if frames is None else list(frames)


def _opened(file: Path, infotext: str) -> Image.Image:
    try:
        with Image.open(file) as picture:
            return _noted(picture.convert("RGB"), infotext)
    except (OSError, SyntaxError, ValueError) as error:
        raise BadRequest("Result", file.name, f"is damaged ({error})", "Choose another.") from error


def _noted(picture: Image.Image, infotext: str) -> Image.Image:
    """With the infotext where the WebUI and its PNG Info look for it."""
    picture.info = {PARAMETERS: infotext} if infotext else {}
    return picture
