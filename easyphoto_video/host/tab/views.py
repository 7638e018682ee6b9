"""How files come to who looks at the page.

In the WebUI as all of its files do: the page reads them, or copies of them, from where they lie.
The stand-alone page has its own way, see host/standalone/views.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from easyphoto_video.host.offers import Offers
from easyphoto_video.identity import UserId


class Views:
    """What components take to show files; for pages that serve these by themselves.

    Without `local` the person at the page is not at the machine, so that no folder can be opened.
    """

    def __init__(self, offers: Offers, *, local: bool = True) -> None:
        self.offers = offers
        self.local = local

    def file(self, path: Path) -> str:
        """A film or an animation."""
        return str(path)

    def pictures(self, pictures: Sequence[Image.Image]) -> list[Any]:
        """Pictures beside each other."""
        return list(pictures)

    def person(self, person: UserId, side: int) -> Any:
        """A person's reference picture, `side` px at most where it is made smaller; None where it
        cannot be read."""
        return picture_of(person, side)

    def dropped(self, path: Path) -> str | None:
        """A file that was dropped before, back in the field that it was dropped into."""
        return str(path)

    def download(self, path: Path) -> str:
        """A link, as HTML, that saves a file, which is the page's alone from now on."""
        address = escape(self.offers.file(path, is_ours=True), quote=True)
        name = escape(path.name)
        return f'<a href="{address}" download translate="no">{name}</a>'


def picture_of(person: UserId, side: int) -> Image.Image | None:
    """A person's reference picture, `side` px at most; None where it cannot be read."""
    try:
        with Image.open(person.reference) as found:
            found.thumbnail((side, side))
            return found.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
