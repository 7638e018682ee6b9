"""Whose face a request asks for: what was left open is chosen, who is not there is refused."""

from __future__ import annotations

from pathlib import Path

from easyphoto_video.identity import user_id, user_ids
from easyphoto_video.request import AUTO, NONE, Text2Video

DEMO = "demo"
"""The person who comes along with the embedded checkpoint."""


def settled_people(request: Text2Video, data_dir: Path, *, is_embedded: bool) -> dict[str, object]:
    """The field `user_id` chosen, and everybody who is named looked up.

    Raises BadRequest for what is no name, and Missing.
    """
    name = request.user_id or NONE
    if name == AUTO:
        known = [person.name for person in user_ids(data_dir)]
        name = DEMO if is_embedded and DEMO in known else NONE
    for person in request.people:
        user_id(data_dir, person)
    return {"user_id": name}
