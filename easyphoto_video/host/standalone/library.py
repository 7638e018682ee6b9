"""Where the user's files lie: a data folder in the WebUI's layout, or an existing WebUI itself."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from easyphoto_video.errors import BadRequest, Missing

EMBEDDED = "embedded"
"""The name of the small model that comes along, as a checkpoint and as a motion module."""
EMBEDDED_FOLDER = Path(__file__).parents[3] / "models" / "embedded"

SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
WEBUI_HASH = re.compile(r" \[[0-9a-f]{8,}\]$")
"""What the WebUI's titles end with: `model.safetensors [6ce0161689]`."""


@dataclass(frozen=True)
class Shelf:
    """A kind of file: the field that names it, the folders it lies in, the embedded one's name."""

    label: str
    folders: tuple[str, ...]
    """Below the data folder; the first is where a new file belongs."""
    embedded: str | None = None


ANIMATEDIFF = ("models/AnimateDiff", "extensions/sd-webui-animatediff/model")

CHECKPOINTS = Shelf("Checkpoint", ("models/Stable-diffusion",), "portrait.safetensors")
VAES = Shelf("VAE", ("models/VAE",))
LORAS = Shelf("LoRA", ("models/Lora",))
EMBEDDINGS = Shelf("Embedding", ("embeddings",))
MOTIONS = Shelf("Motion module", ANIMATEDIFF, "motion.safetensors")
MOTION_LORAS = Shelf("Motion LoRA", (*ANIMATEDIFF, "models/Lora"))


class Library:
    """The files of a data folder, by the names that people use for them.

    `extra` adds folders to shelves; `embedded` is where the small model lies that comes along.
    """

    def __init__(
        self,
        data_dir: Path,
        extra: Mapping[Shelf, Sequence[Path]] | None = None,
        embedded: Path = EMBEDDED_FOLDER,
    ) -> None:
        self.data_dir = data_dir
        self._extra = dict(extra or {})
        self._embedded = embedded

    def folders(self, shelf: Shelf) -> list[Path]:
        """Where the files of a shelf are looked for, existing or not."""
        return [*(self.data_dir / folder for folder in shelf.folders), *self._extra.get(shelf, ())]

    def names(self, shelf: Shelf) -> list[str]:
        """Every file of a shelf by its path below its folder, sorted, without the embedded one."""
        return sorted({name for name, _ in self._files(shelf)}, key=str.casefold)

    def find(self, shelf: Shelf, name: str) -> Path:
        """The file that `name` means: as listed, with or without folder and suffix, or any path.

        Raises BadRequest when several files fit and Missing when none does.
        """
        if shelf.embedded and name == EMBEDDED:
            return self._embedded_file(shelf.embedded)
        wanted = WEBUI_HASH.sub("", name).replace("\\", "/")
        files = list(self._files(shelf))
        for forms in (_exactly, _by_stem, _by_file, _by_file_stem):
            found = {path for listed, path in files if wanted in forms(listed)}
            if len(found) == 1:
                return found.pop()
            if found:
                raise _ambiguous(shelf, name, found)
        path = Path(name).expanduser()
        if name and path.exists():
            return path
        raise self._unknown(shelf, name, [listed for listed, _ in files])

    def listed(self, shelf: Shelf, path: Path) -> str:
        """The shortest name by which `find` gives this file again."""
        if shelf.embedded and path == self._embedded / shelf.embedded:
            return EMBEDDED
        return next((name for name, there in self._files(shelf) if there == path), str(path))

    def _files(self, shelf: Shelf) -> Iterator[tuple[str, Path]]:
        for folder in self.folders(shelf):
            for path in sorted(folder.rglob("*")):
                if path.suffix.lower() in SUFFIXES and path.is_file():
                    yield path.relative_to(folder).as_posix(), path

    def _embedded_file(self, name: str) -> Path:
        path = self._embedded / name
        if not path.exists():
            raise Missing(str(path), "It belongs to the program: install it again.")
        return path

    def _unknown(self, shelf: Shelf, name: str, listed: Sequence[str]) -> Missing:
        stems = [stem for file in listed for stem in _by_file_stem(file)]
        near = difflib.get_close_matches(name, stems, 3)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        place = self.folders(shelf)[0]
        return Missing(
            f"{shelf.label} {name!r}",
            f"{hint}Put the file into {place}, give its path, or see what can be downloaded: "
            "python3 launch.py fetch",
        )


def _exactly(listed: str) -> tuple[str]:
    return (listed,)


def _by_stem(listed: str) -> tuple[str]:
    return (listed.rpartition(".")[0],)


def _by_file(listed: str) -> tuple[str]:
    return (listed.rpartition("/")[2],)


def _by_file_stem(listed: str) -> tuple[str]:
    return (listed.rpartition("/")[2].rpartition(".")[0],)


def _ambiguous(shelf: Shelf, name: str, found: set[Path]) -> BadRequest:
    files = ", ".join(str(path) for path in sorted(found))
    return BadRequest(shelf.label, name, f"means {files}", "Give its sub-folder and its suffix.")
