"""A user id as one zip file, for another machine: the paths inside are those of a data folder.

So it can also be unpacked into a WebUI's folder by hand. What comes in is checked before anything
is written, and nothing of it is ever opened as code.
"""

from __future__ import annotations

import re
import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from easyphoto_video.embeddings import is_kept
from easyphoto_video.errors import BadFile, BadRequest
from easyphoto_video.files import FOLDER, NOBODY, check_file, is_folder, trouble_with
from easyphoto_video.held import TOKEN, claimed, sweep
from easyphoto_video.identity import (
    DEVICES,
    LORAS,
    PEOPLE,
    REFERENCE,
    SUFFIXES,
    People,
    UserId,
    check_name,
)
from easyphoto_video.lora_base import lora_base
from easyphoto_video.moves import Move, moves, put_right, workbench
from easyphoto_video.people import BESIDE, TUNED, belongings, lora_files, write_jpeg

LARGEST = 8 * 2**30
"""Bytes of all files together, unpacked."""
MOST = 20_000
"""Files."""
DEEPEST = 12
"""Folders within each other."""
CHUNK = 2**20
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The first that a zip knows; the same person gives the same zip."""
PART = re.compile(r"[^\\:*?\"<>|\x00-\x1f/]+(?<![. ])")
"""What a file may be called on every system."""
UNDER_WAY = (".zip-", ".part")
"""What the folder of a zip that is being written begins and ends with."""
AGAIN = "Export the user id again with `python3 launch.py user-ids export`."


@dataclass(frozen=True)
class _Content:
    """A zip that was found good."""

    name: str
    own: Sequence[tuple[zipfile.ZipInfo, PurePosixPath]]
    """Files below the person's folder."""
    loras: Sequence[tuple[zipfile.ZipInfo, PurePosixPath]]
    """Files below the LoRA folder."""


def export(people: People, name: str, target: Path) -> Path:
    """Write the person into a zip; `target` is the file, or a folder for NAME.zip in it.

    Raises BadRequest, BadFile and Missing.
    """
    person = people.get(name)
    target = target / f"{person.name}.zip" if is_folder(target) else target
    taken = trouble_with(target) != NOBODY
    if target.suffix.lower() != ".zip" or taken:
        reason = "it is there already" if taken else "it is no name of a zip"
        raise BadFile(target, reason, "Give another name that ends with .zip.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        begin, end = UNDER_WAY
        sweep(target.parent, re.escape(begin) + TOKEN + re.escape(end))
        with claimed(target.parent, begin, end) as bench:
            _pack(people, person, bench / "part")
            (bench / "part").rename(target)
    except OSError as error:
        reason = f"it cannot be written ({error.strerror})"
        raise BadFile(target, reason, "Give another place with room on its disk.") from error
    return target


def bring(people: People, source: Path, *, replace: bool = False) -> UserId:
    """The person out of a zip; `replace` gives the place of one of that name to it.

    Raises BadRequest when the name is taken, and BadFile when the zip is not good.
    """
    put_right(people.folder)
    with _opened(source) as archive:
        content = _checked(archive, source)
        there = people.named_like(check_name(content.name))
        if there is not None and not replace:
            step = "Replace it (--replace), or rename yours first."
            raise BadRequest("User id", content.name, f"is there already ({there.name})", step)
        with (
            workbench(people.folder) as bench,
            workbench(people.loras[0]) as other,
            moves(bench) as move,
        ):
            _unpack(archive, content, bench / "new", other / "new")
            _check_files(content, bench / "new", other / "new", source)
            if there is not None:
                _clear(people, there, move, (bench, other))
            for _, path in content.loras:
                move(other / "new" / path, people.loras[0] / path)
            move(bench / "new", people.folder / content.name)
    return people.get(content.name)


def _pack(people: People, person: UserId, part: Path) -> None:
    with zipfile.ZipFile(part, "x", strict_timestamps=False) as archive:
        for path, inside in _leaving(people, person):
            _write(archive, path, inside)


def _leaving(people: People, person: UserId) -> Iterator[tuple[Path, PurePosixPath]]:
    """The files of a person and their places in a zip."""
    home = PurePosixPath(PEOPLE.as_posix()) / person.name
    if person.is_builtin:
        yield person.reference, home / REFERENCE
        if person.lora is not None:
            yield person.lora, PurePosixPath(LORAS.as_posix()) / person.lora.name
        return
    for path in sorted(person.folder.rglob("*")):
        # A link may lead to what is nobody else's business.
        is_odd = trouble_with(path) not in ("", FOLDER)
        if not is_odd and not path.is_symlink() and not is_kept(path):
            yield path, home / path.relative_to(person.folder).as_posix()
    for file in lora_files(people, person):
        folder = next(place for place in people.loras if file.is_relative_to(place))
        inside = unicodedata.normalize("NFC", file.relative_to(folder).as_posix())
        yield file, PurePosixPath(LORAS.as_posix()) / inside


def _write(archive: zipfile.ZipFile, path: Path, inside: PurePosixPath) -> None:
    info = zipfile.ZipInfo(f"{inside}/" if path.is_dir() else str(inside), FIRST_DAY)
    info.external_attr = (0o755 if path.is_dir() else 0o644) << 16
    if path.is_dir():
        archive.writestr(info, b"")
        return
    info.file_size = path.stat().st_size
    with path.open("rb") as file, archive.open(info, "w") as packed:
        shutil.copyfileobj(file, packed, CHUNK)


@contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    check_file(source, "Give another.")
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadFile(source, f"it is no zip that can be read ({error})", AGAIN) from error
    except OSError as error:
        raise BadFile(source, f"it cannot be read ({error.strerror})", "Give another.") from error


def _checked(archive: zipfile.ZipFile, source: Path) -> _Content:
    """What a zip holds, judged by its list alone. Raises BadFile and BadRequest."""
    infos = archive.infolist()
    if len(infos) > MOST or sum(info.file_size for info in infos) > LARGEST:
        reason = f"it holds more than {MOST} files or {LARGEST >> 30} GiB"
        raise BadFile(source, reason, AGAIN)
    paths = {str(_path(info, source)).casefold() for info in infos}
    if len(paths) < len(infos):
        raise BadFile(source, "it holds two files of the same name", AGAIN)
    home, loras = (PurePosixPath(place.as_posix()) for place in (PEOPLE, LORAS))
    placed = [(info, PurePosixPath(info.filename)) for info in infos]
    depth = len(home.parts)
    names = {p.parts[depth] for _, p in placed if p.is_relative_to(home) and len(p.parts) > depth}
    if len(names) != 1 or PurePosixPath(home, *names, REFERENCE) not in {p for _, p in placed}:
        raise BadFile(source, "it is not the zip of one user id", AGAIN)
    name = names.pop()
    place = home / name
    own = [(i, p.relative_to(place)) for i, p in placed if p.is_relative_to(place)]
    beside = [(i, p.relative_to(loras)) for i, p in placed if p.is_relative_to(loras)]
    beside = [(info, path) for info, path in beside if not info.is_dir()]
    if check_name(name) != name or any(_is_foreign(path, name) for _, path in beside):
        raise BadFile(source, "it holds LoRAs of other names", AGAIN)
    for info, path in placed:
        inside = path.is_relative_to(place) or path.is_relative_to(loras)
        if not inside and not info.is_dir():
            raise BadFile(source, f"it holds {path}, which belongs to no user id", AGAIN)
    return _Content(name, own, beside)


def _path(info: zipfile.ZipInfo, source: Path) -> PurePosixPath:
    """Where an entry belongs. Raises BadFile when it would lie elsewhere or be no plain file."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    path = PurePosixPath(info.filename)
    parts = info.filename.removesuffix("/").split("/")
    is_good = all(PART.fullmatch(part) and not DEVICES.fullmatch(part) for part in parts)
    is_good = is_good and len(parts) <= DEEPEST
    if not is_good or kind not in (0, stat.S_IFREG, stat.S_IFDIR) or info.flag_bits & 1:
        shown = info.filename[:80]
        raise BadFile(source, f"it holds {shown!r}, which is no plain file of a user id", AGAIN)
    return path


def _is_foreign(path: PurePosixPath, name: str) -> bool:
    """Whether a file in the LoRA folder is neither the person's LoRA nor what lies beside it."""
    head, stem, suffix = path.name.rpartition(name)
    is_tuned = head == TUNED and suffix in SUFFIXES
    return not is_tuned and (not stem or head != "" or suffix not in (*SUFFIXES, *BESIDE))


def _unpack(archive: zipfile.ZipFile, content: _Content, own: Path, loras: Path) -> None:
    own.mkdir()
    for root, entries in ((own, content.own), (loras, content.loras)):
        for info, path in entries:
            _extract(archive, info, root / path)


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    if info.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as packed, target.open("xb") as file:
        # zipfile reads no more than the size in the list, which was checked.
        shutil.copyfileobj(packed, file, CHUNK)


def _check_files(content: _Content, own: Path, loras: Path, source: Path) -> None:
    """The reference is a picture and the LoRAs are LoRAs. Raises BadFile in the zip's name."""
    files = [own / path for _, path in content.own] + [loras / path for _, path in content.loras]
    try:
        write_jpeg(own / REFERENCE, own.parent / "look.jpg")
        for file in files:
            if file.suffix.lower() == SUFFIXES[0]:
                lora_base(file)
    except BadFile as error:
        raise BadFile(source, f"{error.path.name}: {error.reason}", AGAIN) from error


def _clear(people: People, there: UserId, move: Move, benches: tuple[Path, Path]) -> None:
    """Put the one who is replaced aside; a `with` that ends well takes it away."""
    folder, *loras = belongings(people, there)
    for file in loras:
        with suppress(FileNotFoundError):
            move(file, benches[1] / f"old-{file.name}")
    move(folder, benches[0] / "old")
