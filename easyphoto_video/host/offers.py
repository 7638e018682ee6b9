"""Files that the page shows or gives away, each by a name of its own that nobody can guess.

    easyphoto-video/shown/<32 letters>/00001-7.mp4

Nothing else can be asked for: who has the name was given it. What is no file yet, as the pictures
beside a clip, lies in our temporary folder until it is old, too much, or the process ends.
"""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from easyphoto_video import temporary
from easyphoto_video.errors import Missing
from easyphoto_video.private import private_file, private_folder

SHOWN = "easyphoto-video/shown"
"""Below the address of the page."""
FAST = 1
"""How hard pictures are packed, of 9."""


@dataclass(frozen=True)
class Offer:
    """A file, or a folder of pictures."""

    token: str
    path: Path
    name: str
    """For people."""
    is_ours: bool
    """Whether the file goes when the offer does."""
    until: float


class Offers:
    """What is offered now; every method may be called in any thread."""

    most = 2000
    """Offers; then the oldest go."""
    kept = 24 * 3600.0
    """Seconds that one lasts after it was last made."""
    kept_ours = 3600.0
    """The same of a file that goes with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offers: dict[str, Offer] = {}
        """By token, the oldest first."""
        self._tokens: dict[Path, str] = {}

    def file(self, path: Path, name: str = "", *, is_ours: bool = False) -> str:
        """The address of a file below the page's; the same file has the same address."""
        with self._lock:
            token = self._tokens.get(path) or secrets.token_urlsafe(24)
            self._offers.pop(token, None)
            until = time.monotonic() + (self.kept_ours if is_ours else self.kept)
            offer = Offer(token, path, name or path.name, is_ours, until)
            self._offers[token] = offer
            self._tokens[path] = token
            self._prune()
        return f"{SHOWN}/{token}/{quote(offer.name)}"

    def picture(self, picture: Image.Image, name: str) -> str:
        """The address of a picture that is no file yet, as a PNG with its texts."""
        folder = private_folder(temporary.folder() / "shown")
        path = folder / f"{secrets.token_hex(8)}.png"
        notes = PngInfo()
        for key, text in picture.info.items():
            if isinstance(text, str):
                notes.add_text(str(key), text)
        with private_file(path) as file:
            picture.save(file, "PNG", pnginfo=notes, compress_level=FAST)
        return self.file(path, name, is_ours=True)

    def get(self, token: str) -> Offer:
        """What that token stands for. Raises Missing."""
        with self._lock:
            self._prune()
            offer = self._offers.get(token)
        if offer is None or not offer.path.exists():
            raise Missing("This file", "It was moved, or its address is old: load the page anew.")
        return offer

    def _prune(self) -> None:
        now = time.monotonic()
        for offer in list(self._offers.values()):
            if len(self._offers) > self.most or offer.until < now:
                self._withdraw(offer)

    def _withdraw(self, offer: Offer) -> None:
        del self._offers[offer.token]
        self._tokens.pop(offer.path, None)
        if offer.is_ours:
            offer.path.unlink(missing_ok=True)
            with suppress(OSError):  # others may lie in it
                offer.path.parent.rmdir()
