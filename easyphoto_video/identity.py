"""User ids: the trained persons of a data folder, in EasyPhoto's own layout.

outputs/easyphoto-user-id-infos/<id>/ref_image.jpg     what the person looks like
models/Lora/<id>.safetensors                           what was trained, also in sub-folders
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from easyphoto_video.errors import BadRequest, Missing

PEOPLE = Path("outputs") / "easyphoto-user-id-infos"
REFERENCE = "ref_image.jpg"
NAME = re.compile(r"\w([\w .\-]{0,61}[\w\-])?")
"""A user id: letters, digits, `_`, inner dots, spaces and `-`; never a path."""


@dataclass(frozen=True)
class UserId:
    """A trained person."""

    name: str
    reference: Path
    """A picture of the person."""


def check_name(name: str) -> str:
    """The name, when it can be a user id. Raises BadRequest."""
    if not NAME.fullmatch(name):
        raise BadRequest(
            "User id", name, "is no name", "Use letters, digits, spaces, _ and -, 63 at most."
        )
    return name


def user_ids(data_dir: Path) -> list[UserId]:
    """Every person with a reference picture, sorted by name."""
    try:
        names = sorted(entry.name for entry in (data_dir / PEOPLE).iterdir())
    except OSError:
        return []
    found = (UserId(name, data_dir / PEOPLE / name / REFERENCE) for name in names)
    return [person for person in found if NAME.fullmatch(person.name) and _is_file(person)]


def _is_file(person: UserId) -> bool:
    try:
        return person.reference.is_file()
    except OSError:  # somebody else's folder
        return False


def user_id(data_dir: Path, name: str) -> UserId:
    """The person of that name. Raises BadRequest for what is no name, and Missing."""
    check_name(name)
    there = user_ids(data_dir)
    for person in there:
        if person.name == name:
            return person
    known = ", ".join(person.name for person in there) or "nobody yet"
    raise Missing(
        f"User id {name!r}",
        f"There is {known} in {data_dir / PEOPLE}. Train one with EasyPhoto, or leave it empty.",
    )
