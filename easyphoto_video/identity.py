"""User ids: the trained persons of a data folder, in EasyPhoto's own layout.

outputs/easyphoto-user-id-infos/<id>/ref_image.jpg     what the person looks like
    .../<id>/user_weights/best_outputs/<id>.safetensors    what was trained
models/Lora/<id>.safetensors                           the same for use, also in sub-folders
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from easyphoto_video.errors import BadRequest, Missing
from easyphoto_video.moves import MAKING

PEOPLE = Path("outputs") / "easyphoto-user-id-infos"
LORAS = Path("models") / "Lora"
REFERENCE = "ref_image.jpg"
BEST = Path("user_weights") / "best_outputs"
SUFFIXES = (".safetensors", ".ckpt")
"""Of a user id's LoRA, the better first."""
BUILTIN = Path(__file__).parents[1] / "models" / "embedded" / "people"
"""Who comes along: a folder for each with the reference picture and <id>.safetensors."""
NAME = re.compile(r"\w([\w .\-]{0,61}[\w\-])?")
"""A user id: letters, digits, `_`, inner dots, spaces and `-`; never a path."""
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?", re.IGNORECASE)
"""What Windows takes for a device, whatever follows a dot."""
LORA_PREFIX = "user-ids/"
"""What a LoRA's name begins with where it is a person's own, whatever lies in the LoRA folders."""
WORDS = ("none", "auto")
"""What a request says instead of a user id."""
LONGEST = 200
"""Bytes of a name, so that a file system takes it with a suffix."""


@dataclass(frozen=True)
class UserId:
    """A trained person."""

    name: str
    reference: Path
    """A picture of the person."""
    lora: Path | None = None
    """What was trained; None when there is no such file."""
    is_builtin: bool = False
    """Came along with the program: can be exported, but neither renamed nor deleted."""

    @property
    def folder(self) -> Path:
        """Everything of the person but the LoRA in models/Lora."""
        return self.reference.parent


@dataclass(frozen=True)
class People:
    """Where the persons of a data folder lie."""

    data_dir: Path
    lora_folders: tuple[Path, ...] = ()
    """Where LoRAs are looked for, the first the place of new ones; empty is models/Lora."""
    builtin: Path = BUILTIN

    @property
    def folder(self) -> Path:
        """Where the persons' folders lie, existing or not."""
        return self.data_dir / PEOPLE

    @property
    def loras(self) -> tuple[Path, ...]:
        """The LoRA folders, existing or not."""
        return self.lora_folders or (self.data_dir / LORAS,)

    def all(self) -> list[UserId]:
        """Everybody with a reference picture, sorted by name; those who came along last.

        A person of the user's own hides the one of that name who came along.
        """
        trained = trained_files(self.loras)
        own = [self._own(folder, trained) for folder in _folders(self.folder)]
        names = {_folded(person.name) for person in own}
        came = [_came_along(folder) for folder in _folders(self.builtin)]
        return [*own, *(person for person in came if _folded(person.name) not in names)]

    def get(self, name: str) -> UserId:
        """The person of that name. Raises BadRequest for what is no name, and Missing."""
        name = check_name(name)
        there = self.all()
        for person in there:
            if person.name == name:
                return person
        known = ", ".join(person.name for person in there) or "nobody yet"
        raise Missing(
            f"User id {name!r}",
            f"There is {known} in {self.folder}. Train one with EasyPhoto, or leave it empty.",
            (self.data_dir,),
        )

    def lora(self, name: str) -> Path:
        """The LoRA of that person. Raises BadRequest and Missing."""
        person = self.get(name)
        if person.lora is None:
            raise Missing(
                f"The LoRA of user id {person.name!r}",
                f"Put {person.name}{SUFFIXES[0]} into {self.loras[0]}, or give the weight 0.",
                (self.data_dir, self.loras[0].parent),
            )
        return person.lora

    def named_like(self, name: str) -> UserId | None:
        """A person of the user's own whose name a file system may not tell from this one."""
        alike = (p for p in self.all() if _folded(p.name) == _folded(name) and not p.is_builtin)
        return next(alike, None)

    def _own(self, folder: Path, trained: dict[str, Path]) -> UserId:
        name = _composed(folder.name)
        kept = [folder / BEST / f"{folder.name}{suffix}" for suffix in SUFFIXES]
        lora = trained.get(name) or next(filter(_is_file, kept), None)
        return UserId(name, folder / REFERENCE, lora)


def check_name(name: str) -> str:
    """The name in composed form, when it can be a user id. Raises BadRequest."""
    composed = _composed(name)
    if not _is_name(composed):
        raise BadRequest(
            "User id", name, "is no name", "Use letters, digits, spaces, _ and -, 63 at most."
        )
    return composed


def lora_of(name: str) -> str:
    """The name by which an engine finds the LoRA of a user id: `user-ids/ada`."""
    return LORA_PREFIX + name


def trained_files(folders: Iterable[Path]) -> dict[str, Path]:
    """The LoRA files that a user id may have, by their stem; what lies higher comes first."""
    found: dict[str, Path] = {}
    for folder in folders:
        files = [file for file in _below(folder) if file.suffix.lower() in SUFFIXES]
        for file in sorted(files, key=_precedence):
            found.setdefault(_composed(file.stem), file)
    return found


def _precedence(file: Path) -> tuple[int, int, str]:
    return len(file.parts), SUFFIXES.index(file.suffix.lower()), str(file)


def _below(folder: Path) -> list[Path]:
    found = []
    for place, folders, names in os.walk(folder, followlinks=True):
        # What lies on a workbench is nobody's yet, or nobody's any more.
        folders[:] = [name for name in folders if not name.startswith(MAKING)]
        found += [Path(place, name) for name in names]
    return found


def _folders(place: Path) -> Sequence[Path]:
    """The folders of persons in a place, sorted by name."""
    try:
        entries = sorted(place.iterdir(), key=lambda entry: entry.name)
    except OSError:
        return []
    return [e for e in entries if _is_name(_composed(e.name)) and _is_file(e / REFERENCE)]


def _came_along(folder: Path) -> UserId:
    lora = folder / f"{folder.name}{SUFFIXES[0]}"
    return UserId(folder.name, folder / REFERENCE, lora if _is_file(lora) else None, True)


def _is_name(name: str) -> bool:
    fits = NAME.fullmatch(name) and len(name.encode()) <= LONGEST
    return bool(fits) and not DEVICES.fullmatch(name) and name.lower() not in WORDS


def _composed(name: str) -> str:
    """An accent and its letter as one character, as most keyboards write it."""
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # somebody else's folder
        return False
