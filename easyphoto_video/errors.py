"""What can go wrong, as one tree. Every message ends with what to do next.

    EasyPhotoError
    ├── BadRequest        a field of the request holds a value that cannot be used
    ├── BadFile           a file cannot be used for what it was given as
    ├── Missing           something needed is not there: a file, a package, a program
    ├── DownloadFailed    a file of the catalogue could not be fetched
    ├── OutOfMemory       the device or the machine has too little memory for the request
    ├── FacePassFailed    the clip was made and is kept, its faces could not be redrawn
    ├── NoEffect          something that was asked for did not happen, so there is no result
    ├── HostFailed        the engine below failed in a way that we did not foresee
    └── Stopped           the user cancelled; not a failure

Exceptions of other libraries are translated where they enter the house; nothing above sees one.
"""

from __future__ import annotations

from pathlib import Path


class EasyPhotoError(Exception):
    """The root of the tree. `exit_code` is what the command line returns for it."""

    exit_code: int = 1


class BadRequest(EasyPhotoError):
    """A field of the request holds a value that cannot be used.

    `field` is the label that the user sees, `value` what was given, `reason` why it cannot be used
    and `next_step` what to give instead.
    """

    exit_code = 2

    def __init__(self, field: str, value: object, reason: str, next_step: str) -> None:
        self.field = field
        self.value = value
        self.reason = reason
        self.next_step = next_step
        super().__init__(f"{field}: {value!r} {reason}. {next_step}")


class BadFile(EasyPhotoError):
    """A file cannot be used for what it was given as; `reason` names what it is or lacks."""

    exit_code = 2

    def __init__(self, path: Path | str, reason: str, next_step: str) -> None:
        self.path = Path(path)
        self.reason = reason
        self.next_step = next_step
        super().__init__(f"{path}: {reason}. {next_step}")


class Missing(EasyPhotoError):
    """Something needed is not there; `next_step` says how to get it."""

    exit_code = 2

    def __init__(self, what: str, next_step: str) -> None:
        self.what = what
        self.next_step = next_step
        super().__init__(f"{what} is missing. {next_step}")


class DownloadFailed(EasyPhotoError):
    """A file of the catalogue could not be fetched; a partial file stays for resuming."""

    def __init__(self, url: str, reason: str, next_step: str) -> None:
        self.url = url
        self.reason = reason
        self.next_step = next_step
        super().__init__(f"{url}: {reason}. {next_step}")


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
        super().__init__(
            f"The face pass failed: {reason} The clip as it was before is kept in {path}."
        )


class NoEffect(EasyPhotoError):
    """Something that was asked for did not happen: nothing of the host heeded it."""

    def __init__(self, what: str, reason: str, next_step: str) -> None:
        self.what = what
        self.reason = reason
        self.next_step = next_step
        super().__init__(f"{what} had no effect: {reason}. {next_step}")


class HostFailed(EasyPhotoError):
    """The engine below failed in a way that we did not foresee; the cause hangs on `__cause__`."""


class Stopped(EasyPhotoError):
    """The user cancelled. What was finished before stays."""

    exit_code = 130
