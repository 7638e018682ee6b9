"""Every mode by its name, and requests by theirs. A new mode is a file and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from easyphoto_video.errors import BadRequest
from easyphoto_video.modes import image2video, text2video, video2video
from easyphoto_video.modes.mode import Mode
from easyphoto_video.request import Request
from easyphoto_video.setting import settings

MODES: dict[str, Mode] = {
    mode.name: mode for mode in (text2video.MODE, image2video.MODE, video2video.MODE)
}
"""In the order in which they are shown."""


def mode_of(request: Request) -> Mode:
    """The mode of a request."""
    return MODES[request.mode]


def request_from(values: Mapping[str, Any]) -> Request:
    """A request from plain JSON values as `to_json` gives them. Raises BadRequest."""
    rest = dict(values)
    name = rest.pop("mode", None)
    if not isinstance(name, str) or name not in MODES:
        raise BadRequest("Mode", name, "is not known", f"Choose one of: {', '.join(MODES)}.")
    kind = MODES[name].request
    known = {field.name for field, _ in settings(kind)}
    for field in rest:
        if field not in known:
            raise BadRequest(
                field, rest[field], f"is no field of {name}", f"Fields: {', '.join(sorted(known))}."
            )
    return kind(**rest)
