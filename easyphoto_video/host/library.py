"""Where the user's files lie: a data folder in the WebUI's layout, or an existing WebUI itself."""

from __future__ import annotations

import difflib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from easyphoto_video.errors import BadRequest, Missing
from easyphoto_video.identity import LORA_PREFIX, People
from easyphoto_video.moves import MAKING

FORMS: tuple[Callable[[PurePosixPath], str], ...] = (
    str,
    lambda path: str(path.with_suffix("")),
    lambda path: path.name,
    lambda path: path.stem,
)
"""How a file may be named, in the order in which the forms are tried."""

OUTPUTS = Path("outputs") / "easyphoto-video"
"""Where the stand-alone program's clips go, below its data folder."""
EMBEDDED = "embedded"
"""The name of the small model that comes along, as a checkpoint and as a motion module."""
EMBEDDED_FOLDER = Path(__file__).parents[2] / "models" / "embedded"

SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".pkl")
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
INTERPOLATORS = Shelf("Interpolator", ("models/RIFE",))


class Library:
    """The files of a data folder, by the names that people use for them.

    `extra` adds folders to shelves; `embedded` is where the small model lies that comes along.
    Without `paths`, only what lies in these folders can be named: for requests from elsewhere.
    """

    def __init__(
        self,
        data_dir: Path,
        extra: Mapping[Shelf, Sequence[Path]] | None = None,
        embedded: Path = EMBEDDED_FOLDER,
        *,
        paths: bool = True,
    ) -> None:
        self.data_dir = data_dir
        self._extra = dict(extra or {})
        self._embedded = embedded
        self._paths = paths

    @property
    def people(self) -> People:
        """The trained persons, with this library's LoRAs."""
        return People(self.data_dir, tuple(self.folders(LORAS)))

    def folders(self, shelf: Shelf) -> list[Path]:
        """Where the files of a shelf are looked for, existing or not."""
        return [*(self.data_dir / folder for folder in shelf.folders), *self._extra.get(shelf, ())]

    def files(self, shelf: Shelf) -> list[tuple[str, Path]]:
        """Every file of a shelf with its path below its folder, sorted; not the embedded one."""
        found = (
            (path.relative_to(folder).as_posix(), path)
            for folder in self.folders(shelf)
            for path in _below(folder)
            if path.suffix.lower() in SUFFIXES
        )
        return sorted(found, key=lambda file: (file[0].casefold(), file))

    def names(self, shelf: Shelf) -> list[str]:
        """Every file of a shelf by the name under which `find` gives it."""
        files = self.files(shelf)
        taken = Counter(name for name, _ in files)
        return [name if taken[name] == 1 else str(path) for name, path in files]

    def find(self, shelf: Shelf, name: str) -> Path:
        """The file that `name` means: as listed, with or without folder and suffix, or a path;
        among LoRAs also that of a user id, by `lora_of`.

        Raises BadRequest when several files fit and Missing when none does.
        """
        if shelf.embedded and name == EMBEDDED:
            return self._embedded_file(shelf.embedded)
        if shelf is LORAS and name.startswith(LORA_PREFIX):
            return self.people.lora(name.removeprefix(LORA_PREFIX))
        wanted = WEBUI_HASH.sub("", name).replace("\\", "/")
        files = [(PurePosixPath(listed), path) for listed, path in self.files(shelf)]
        for form in FORMS:
            found = {path for listed, path in files if form(listed) == wanted}
            if len(found) == 1:
                return found.pop()
            if found:
                more = self._extra.get(shelf, ())
                raise _ambiguous(shelf, name, found, (self.data_dir, *more))
        places = {str(form): path for _, path in files for form in (path, path.resolve())}
        path = places.get(name) or (_existing(name) if self._paths else None)
        if path:
            return path
        raise self._unknown(shelf, name, [listed.stem for listed, _ in files])

    def listed(self, shelf: Shelf, path: Path) -> str:
        """A name by which `find` gives this file again."""
        path = path.resolve()
        if shelf.embedded and path == (self._embedded / shelf.embedded).resolve():
            return EMBEDDED
        files = self.files(shelf)
        names = [name for name, there in files if there.resolve() == path]
        taken = [name for name, _ in files]
        return next((name for name in names if taken.count(name) == 1), str(path))

    def _embedded_file(self, name: str) -> Path:
        path = self._embedded / name
        if not path.exists():
            raise Missing(path, "It belongs to the program: install it again.")
        return path

    def _unknown(self, shelf: Shelf, name: str, stems: Sequence[str]) -> Missing:
        near = difflib.get_close_matches(name, stems, 3)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        place = self.folders(shelf)[0]
        path = ", give its path" if self._paths else ""
        return Missing(
            f"{shelf.label} {name!r}",
            f"{hint}Put the file into {place}{path}, or see what can be downloaded: "
            "python3 launch.py fetch",
            (self.data_dir,),
        )


def _below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, also behind links, where people keep their large files."""
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(MAKING)]
        yield from (Path(place, name) for name in names)


def _existing(name: str) -> Path | None:
    """What a path that somebody typed leads to, if anything."""
    try:
        path = Path(name).expanduser()
        return path.resolve() if name and path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, nobody's home, a NUL
        return None


def _ambiguous(shelf: Shelf, name: str, found: set[Path], folders: Iterable[Path]) -> BadRequest:
    files = ", ".join(str(path) for path in sorted(found))
    step = "Give its sub-folder and suffix, or its path."
    return BadRequest(shelf.label, name, f"means {files}", step, folders)
