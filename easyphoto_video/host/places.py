"""Sentences for people elsewhere: what they say of a file, without where it lies on this machine.

The command line may tell paths, for who sits there has the machine; a browser and a caller of the
API may not see any.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from easyphoto_video.errors import EasyPhotoError, without_folders

PROGRAM = Path(__file__).parents[2]
API = "/easyphoto-video/"
"""What an address of ours begins with, which is no path."""
_PART = r"[^\s/\\'\"<>|:*?,;()\[\]{}]+"
PLACE = re.compile(
    rf"(?<![\w.:/\\~-])(?!{API})(?:[A-Za-z]:)?(?:[/\\]+{_PART}){{2,}}[/\\]*", re.ASCII
)
"""An absolute path of two parts or more, on any system."""


class Places:
    """Knows where our files lie, to leave it out. `data` is the data folder."""

    def __init__(self, data: Path) -> None:
        self._data = list(_spelled(data))

    def without(self, text: str) -> str:
        """The text with paths below the data folder told from there on, and others by their last
        part alone."""
        return _elsewhere(self._below(text))

    def sentence(self, error: EasyPhotoError) -> str:
        """What an error says to people elsewhere; it knows folders of its own."""
        return _elsewhere(without_folders(self._below(str(error)), error.folders))

    def _below(self, text: str) -> str:
        for root in self._data:
            text = re.sub(rf"{re.escape(root)}[/\\]+", "", text)
            text = _alone(root).sub("the data folder", text)
        return text


def _elsewhere(text: str) -> str:
    for root in _others():
        # Even where a folder has a space in its name, after which no pattern goes on.
        text = re.sub(rf"{re.escape(root)}(?=[/\\])", "/-", text)
    return PLACE.sub(_last, text)


def _last(found: re.Match[str]) -> str:
    return re.split(r"[/\\]+", found[0].rstrip("/\\"))[-1]


def _alone(root: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(root)}(?![\w.-])")


def _others() -> Iterator[str]:
    """Folders of this machine that errors may speak of, the longest first."""
    known = (PROGRAM, Path(tempfile.gettempdir()), Path(sys.prefix), Path.cwd(), *_home())
    found = {text for folder in known for text in _spelled(folder)}
    yield from sorted(found, key=len, reverse=True)


def _home() -> Iterator[Path]:
    try:
        yield Path.home()
    except RuntimeError:  # nobody's
        return


def _spelled(folder: Path) -> Iterator[str]:
    """The folder as an error may spell it, the longest first; never the root of a disk."""
    forms = {str(folder), str(folder.absolute()), str(folder.resolve())}
    forms |= {form.replace("\\", "\\\\") for form in forms}
    longer = (form for form in forms if len(Path(form).parts) > 1 and Path(form).is_absolute())
    yield from sorted(longer, key=len, reverse=True)
