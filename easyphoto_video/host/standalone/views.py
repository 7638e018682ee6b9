"""How files come to the stand-alone page: by addresses of our own, see host/offers.py.

gradio shows what an absolute address leads to and copies nothing. What was once dropped goes back
into its field as if it were dropped anew, for only that can be sent with the form again.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gradio.context import LocalContext
from PIL import Image

from easyphoto_video.host.offers import Offers
from easyphoto_video.host.standalone.gate.dropped import OWNER, Dropped
from easyphoto_video.host.tab.views import Views
from easyphoto_video.identity import UserId
from easyphoto_video.private import make_private, private_folder


class OwnViews(Views):
    """See Views; only while an event is answered, for then it is known who asks from where."""

    def __init__(self, offers: Offers, dropped: Dropped, *, local: bool) -> None:
        super().__init__(offers, local=local)
        self._dropped = dropped

    def file(self, path: Path) -> str:
        """See Views."""
        return _here(self.offers.file(path))

    def pictures(self, pictures: Sequence[Image.Image]) -> list[Any]:
        """See Views."""
        names = (f"{number:05}.png" for number in range(len(pictures)))
        links = map(self.offers.picture, pictures, names)
        return [_here(link) for link in links]

    def person(self, person: UserId, side: int) -> Any:
        """See Views. The picture itself, so that no copy stays when the person goes."""
        try:
            stamp = person.reference.stat().st_mtime_ns
        except OSError:
            return None
        return _here(f"easyphoto-video/user-ids/{quote(person.name)}/reference?{stamp:x}.jpg")

    def dropped(self, path: Path) -> str | None:
        """See Views."""
        owner = _scope().get(OWNER)
        if not owner:
            return None
        folder = private_folder(self._dropped.folder / secrets.token_hex(32))
        copy = folder / path.name
        try:
            os.link(path, copy)
        except OSError:
            shutil.copyfile(path, copy)
        make_private(copy)
        self._dropped.add(str(copy), owner)
        return str(copy)


def _here(link: str) -> str:
    """A link as the absolute address that who asks knows us by."""
    scope = _scope()
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    # The gate has seen that both are ours; the first knows of a proxy with https, too.
    base = headers.get("origin") or f"{scope['scheme']}://{headers['host']}"
    return f"{base}{scope.get('root_path', '')}/{link}"


def _scope() -> Any:
    request = LocalContext.request.get(None)
    if request is None or request.request is None:
        raise RuntimeError("only who answers an event knows where the page is")
    return request.request.scope
