"""What can go wrong, as one tree. Every message ends with what to do next.

    EasyPhotoError
    ├── BadRequest        a field of the request holds a value that cannot be used
    ├── BadFile           a file cannot be used for what it was given as
    ├── Missing           something needed is not there: a file, a package, a program
    ├── DownloadFailed    a file of the catalogue could not be fetched
    ├── OutOfMemory       the device or the machine has too little memory for the request
    ├── FacePassFailed    the clip was made and is kept, its faces could not be redrawn
    ├── HostFailed        the engine below failed in a way that we did not foresee
    └── Stopped           the user cancelled; not a failure

Exceptions of other libraries are translated where they enter the house; nothing above sees one.
`str(error)` is for who sits at the machine, `error.public` for a browser: it names no folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

QUOTED = re.compile(r"""(?P<quote>['"])(?:[A-Za-z]:)?[\\/](?:(?!(?P=quote)).)*[\\/]""")
"""The folders of an absolute path in quotes, which may hold spaces."""
BARE = re.compile(r"""(?<![\w/\\.:'"])(?:file:)?(?:[A-Za-z]:[\\/]|[\\/])(?:[^\s/\\'":]+[\\/])+""")
"""The folders of one without; an address such as https://host/path has none."""


class EasyPhotoError(Exception):
    """The root of the tree. `exit_code` is what the command line returns for it.

    `folders` are those of this machine that the sentence names.
    """

    exit_code: int = 1

    def __init__(self, sentence: str = "", folders: Iterable[Path] = ()) -> None:
        self.folders = tuple(folders)
        super().__init__(sentence)

    @property
    def public(self) -> str:
        """The sentence for people elsewhere: files by what follows after our folders."""
        return without_folders(str(self), self.folders)


def without_folders(sentence: str, folders: Iterable[Path]) -> str:
    """A sentence in which what lies in these folders is told from there on, and they by name."""
    for folder in sorted(map(str, folders), key=len, reverse=True):
        if not Path(folder).name:  # the root of a disk, or where we are
            continue
        # A repr doubles Windows' separators.
        form = "|".join(map(re.escape, {folder, repr(folder)[1:-1]}))
        sentence = re.sub(rf"(?<![\w/\\.-])(?:{form})[\\/]+", "", sentence)
        name = Path(folder).name
        sentence = re.sub(
            rf"(?<![\w/\\.-])(?:{form})(?![\w-])", name.replace("\\", r"\\"), sentence
        )
    return sentence


def without_paths(sentence: str) -> str:
    """A sentence of somebody else's, in which absolute paths have their last names alone."""
    return BARE.sub("", QUOTED.sub(lambda found: found["quote"], sentence))


class BadRequest(EasyPhotoError):
    """A field of the request holds a value that cannot be used.

    `field` is the label that the user sees, `value` what was given, `reason` why it cannot be used
    and `next_step` what to give instead. A value that is a Path lies on this machine.
    """

    exit_code = 2

    def __init__(
        self,
        field: str,
        value: object,
        reason: str,
        next_step: str,
        folders: Iterable[Path] = (),
    ) -> None:
        self.field = field
        self.value = str(value) if isinstance(value, Path) else value
        self.reason = reason
        self.next_step = next_step
        own = (value.parent,) if isinstance(value, Path) else ()
        super().__init__(f"{field}: {self.value!r} {reason}. {next_step}", (*own, *folders))


class BadFile(EasyPhotoError):
    """A file cannot be used for what it was given as; `reason` names what it is or lacks."""

    exit_code = 2

    def __init__(self, path: Path | str, reason: str, next_step: str) -> None:
        self.path = Path(path)
        self.reason = reason
        self.next_step = next_step
        super().__init__(f"{path}: {reason}. {next_step}", (self.path.parent,))

    @property
    def public(self) -> str:
        """See EasyPhotoError; the reason may be another program's words."""
        return without_paths(super().public)


class Missing(EasyPhotoError):
    """Something needed is not there; `next_step` says how to get it."""

    exit_code = 2

    def __init__(self, what: str | Path, next_step: str, folders: Iterable[Path] = ()) -> None:
        self.what = str(what)
        self.next_step = next_step
        own = (what.parent,) if isinstance(what, Path) else ()
        super().__init__(f"{what} is missing. {next_step}", (*own, *folders))


class DownloadFailed(EasyPhotoError):
    """A file of the catalogue could not be fetched; a partial file stays for resuming."""

    def __init__(self, url: str, reason: str, next_step: str, folders: Iterable[Path] = ()) -> None:
        self.url = url
        self.reason = reason
        self.next_step = next_step
        super().__init__(f"{url}: {reason}. {next_step}", folders)


LACKS_MEMORY = ("out of memory", "allocate memory", "failed to map segment", "paging file")
"""What libraries and systems say, among other words, when there is no memory left."""
LESS = "Close other programs, or ask for fewer or smaller frames."


def lacks_memory(error: BaseException) -> bool:
    """Whether somebody else's error says that there was too little memory."""
    words = str(error).lower()
    kinds = (RuntimeError, OSError, ImportError)
    return isinstance(error, MemoryError) or (
        isinstance(error, kinds) and any(mark in words for mark in LACKS_MEMORY)
    )


class OutOfMemory(EasyPhotoError):
    """Too little memory for the request; `next_step` names the settings that lower the need."""

    def __init__(self, device: str, next_step: str) -> None:
        self.device = device
        self.next_step = next_step
        super().__init__(f"Out of memory on {device}. {next_step}")


class FacePassFailed(EasyPhotoError):
    """The clip was made and is kept at `path`; redrawing its faces failed for `reason`."""

    def __init__(self, reason: EasyPhotoError, path: Path) -> None:
        self.reason = reason
        self.path = path
        super().__init__(_face_pass_failed(reason, path), (path.parent, *reason.folders))

    @property
    def public(self) -> str:
        """See EasyPhotoError."""
        return _face_pass_failed(self.reason.public, self.path.name)


def _face_pass_failed(reason: object, clip: object) -> str:
    return f"The face pass failed: {reason} The clip as it was before is kept in {clip}."


class HostFailed(EasyPhotoError):
    """The engine below failed in a way that we did not foresee; the cause hangs on `__cause__`."""

    @property
    def public(self) -> str:
        """See EasyPhotoError; whose words it repeats did not think of browsers."""
        return without_paths(super().public)


class Stopped(EasyPhotoError):
    """The user cancelled. What was finished before stays."""

    exit_code = 130
