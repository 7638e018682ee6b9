"""Fetch: bring a file of the catalogue to where the program looks for it."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from easyphoto_video import face_files
from easyphoto_video.catalogue import Entry, catalogue, find, table
from easyphoto_video.download import (
    BLOCK,
    Patience,
    Progress,
    Wanted,
    alone,
    download,
    sha256_of,
    writing,
)
from easyphoto_video.errors import BadFile, BadRequest, DownloadFailed
from easyphoto_video.watch import Watch

__all__ = ["Entry", "catalogue", "fetch", "find", "table"]

HUB = "https://huggingface.co"


def fetch(
    name: str,
    data_dir: Path,
    watch: Watch,
    *,
    accept_licence: bool = False,
    patience: Patience | None = None,
) -> Path:
    """Bring an entry of the catalogue below `data_dir`; its path, a folder for several files.

    A file that is there already is checked and kept. `watch` hears of the stages "waiting",
    "fetching", "checking" and "unpacking". Raises BadRequest for an unknown name or a licence that
    was not accepted, DownloadFailed, BadFile, and what `watch` raises; a part then stays for
    resuming.
    """
    entry = find(name)
    if entry.terms and not accept_licence:
        raise BadRequest(
            "Licence",
            entry.licence,
            f"must be accepted before {entry.name} is downloaded",
            f"Read {entry.terms}, then run: python3 launch.py fetch {entry.name} --accept-licence",
        )
    folder = data_dir / entry.folder
    if entry.is_wheel:
        with writing(folder), alone(folder, watch):
            _bring_face_files(folder, entry, watch)
        return folder
    if entry.is_pack:
        pack = folder / entry.name
        with writing(pack), alone(pack, watch):
            _bring_pack(pack, entry, watch, patience)
        return pack
    file = folder / entry.filename
    _bring(file, entry, watch, patience)
    return file


def _bring(file: Path, entry: Entry, watch: Watch, patience: Patience | None) -> None:
    if file.exists():
        _recognise(file, entry, watch)
    else:
        url = entry.url.replace(HUB, os.environ.get("HF_ENDPOINT", HUB).rstrip("/"), 1)
        wanted = Wanted(url=url, target=file, size=entry.size, sha256=entry.sha256)
        download(wanted, watch, patience)


def _bring_pack(pack: Path, entry: Entry, watch: Watch, patience: Patience | None) -> None:
    if pack.is_dir():
        return
    file = pack.with_name(entry.filename)
    _bring(file, entry, watch, patience)
    _unpack(file, pack, watch)
    file.unlink()


def _bring_face_files(folder: Path, entry: Entry, watch: Watch) -> None:
    if face_files.are_whole(folder):
        return
    try:
        face_files.bring(folder, beat=lambda: watch("fetching", 0.0))
    except face_files.NotBrought as error:
        raise DownloadFailed(
            entry.url,
            str(error),
            "See that pip reaches its index (a proxy goes into HTTPS_PROXY), then run the same "
            "command again.",
        ) from error


def _recognise(file: Path, entry: Entry, watch: Watch) -> None:
    """Raise BadFile unless `file` is what the catalogue says."""
    is_same = file.stat().st_size == entry.size
    if is_same and entry.sha256 is not None:
        is_same = sha256_of(file, watch) == entry.sha256
    if not is_same:
        raise BadFile(
            file,
            "is there already, and is another file than the catalogue's",
            "Rename or remove it and run the same command again.",
        )


def _unpack(archive: Path, folder: Path, watch: Watch) -> None:
    """Put the models of a zip, and nothing else, flat into `folder`, all or none."""
    unfinished = folder.with_name(folder.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    step = "Remove it and fetch it again."
    try:
        with zipfile.ZipFile(archive) as pack:
            _extract(pack, unfinished, watch)
        if not any(unfinished.iterdir()):
            raise BadFile(archive, "holds no models (.onnx)", step)
        unfinished.replace(folder)
    except zipfile.BadZipFile as error:
        raise BadFile(archive, f"is not a whole zip ({error})", step) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _extract(pack: zipfile.ZipFile, folder: Path, watch: Watch) -> None:
    members = [member for member in pack.infolist() if member.filename.endswith(".onnx")]
    progress = Progress(watch, "unpacking", sum(member.file_size for member in members))
    done = 0
    for member in members:
        # The bare name, so that no member can name a place outside.
        target = folder / PurePosixPath(member.filename).name
        with pack.open(member) as source, target.open("wb") as copy:
            while block := source.read(BLOCK):
                done += copy.write(block)
                progress(done)
