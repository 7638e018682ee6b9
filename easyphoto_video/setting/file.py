"""Kinds of one file that is read: pictures, films, sounds, folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from easyphoto_video.setting.kind import LONGEST_TEXT, Naming, Setting
from easyphoto_video.setting.text import Text


@dataclass(frozen=True, kw_only=True)
class File(Text):
    """The path of a file; empty is none. A stranger names what was sent, see `with_files`."""

    widget: str
    """See Kind; the schema and an upload call it so too."""
    longest: int = LONGEST_TEXT

    @property
    def is_listed(self) -> bool:
        """See Kind."""
        return False

    def schema(self, setting: Setting, default: Any, listed: tuple[str, ...]) -> dict[str, Any]:
        """See Kind."""
        return {"file": self.widget, **super().schema(setting, default, listed)}

    def files(self, value: Any) -> Mapping[str, str]:
        """See Kind."""
        return {"": value} if value else {}

    def with_files(self, value: Any, setting: Setting, name: Naming) -> Any:
        """See Kind."""
        return name(setting, value) if value else value


PICTURE = File(widget="picture", longest=2**20)
"""In JSON it may be the picture itself, as a data: URL."""
FILM = File(widget="film")
"""An animation or a folder of pictures too."""
SOUND = File(widget="sound")
FOLDER = File(widget="folder")
