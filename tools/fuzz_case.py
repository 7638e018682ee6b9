"""One case of the fuzz after the other, in a process of its own that the law is held to."""

from __future__ import annotations

import importlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from easyphoto_video.errors import EasyPhotoError, HostFailed
from easyphoto_video.expression import ScheduleError

LIMITS = {"media": 90.0, "texts": 5.0, "requests": 5.0}
"""Kinds of cases, and the seconds that one of each may take; ffmpeg has 60 to look at a film."""
MOST_MEMORY = 2048
"""MiB; the largest picture that is read takes 1536."""
WALL = 8 << 30
"""Bytes of addresses, so that a case without measure ends itself and not the machine."""
ACCEPTED = "accepted"
BEGUN = "begun"
WORDS = "stderr"
"""The file with what a process says."""

Case = Callable[[random.Random, Path, Path], None]
"""`case(random, samples, folder)` tries something in an empty folder, or raises why not."""


@dataclass
class Outcome:
    """What came of a case."""

    kind: str
    """ACCEPTED or the class of the error."""
    findings: list[str] = field(default_factory=list)
    """What breaks the law; empty is well."""
    seconds: float = 0.0
    peak: int = 0
    """MiB that the process ever held."""


def serve(pipe: Connection, kind: str, samples: Path, folder: Path) -> None:
    """Answer each seed that comes through the pipe with an Outcome, until it is closed.

    An error that is none of ours ends the process, and its traceback is the finding.
    """
    _walled()
    case: Case = importlib.import_module(f"tools.fuzz_{kind}").case
    words = _stderr_into(folder / WORDS)
    pipe.send(BEGUN)
    while True:
        try:
            seed = pipe.recv()
        except EOFError:
            return
        pipe.send(outcome(case, seed, samples, folder / "case", words))


def outcome(case: Case, seed: int, samples: Path, folder: Path, words: Path) -> Outcome:
    """Try one case; `words` is where what is said on stderr goes."""
    temporary, place = folder / "tmp", folder / "place"
    shutil.rmtree(folder, ignore_errors=True)  # of a case that hung or crashed
    temporary.mkdir(parents=True)
    place.mkdir()
    tempfile.tempdir, os.environ["TMPDIR"] = str(temporary), str(temporary)
    said = words.stat().st_size
    begin = time.monotonic()
    told = _told(case, seed, samples, place)
    told.seconds = time.monotonic() - begin
    told.peak = _peak()
    told.findings += _left_behind(temporary, place)
    sys.stderr.flush()
    heard = words.read_bytes()[said:].decode("utf-8", "replace")
    if "Traceback" in heard or "Error" in heard:
        told.findings.append(f"it says: {heard.strip()[-1500:]}")
    if told.peak > MOST_MEMORY:
        told.findings.append(f"it takes {told.peak} MiB")
    shutil.rmtree(folder)
    return told


def _told(case: Case, seed: int, samples: Path, place: Path) -> Outcome:
    try:
        case(random.Random(seed), samples, place)
    except HostFailed as error:
        return Outcome("HostFailed", [f"nobody foresaw it: {error}"])
    except (EasyPhotoError, ScheduleError) as error:
        says = bool(str(getattr(error, "next_step", error)).strip())
        wordless = [] if says else [f"it says no next step: {error}"]
        return Outcome(type(error).__name__, wordless)
    return Outcome(ACCEPTED)


def _left_behind(temporary: Path, place: Path) -> Iterator[str]:
    """Temporary files, and files whose names say that they are not finished."""
    for file in temporary.rglob("*"):
        yield f"it leaves {file.relative_to(temporary)} among the temporary files"
    for file in place.rglob("*"):
        if file.name.endswith(".part") or file.name.startswith(".easyphoto-"):
            yield f"it leaves {file.relative_to(place)}"
        if file.parent.name == ".unfinished" and not any(file.glob("*.zip")):
            yield f"it leaves {file.relative_to(place)} without a span"


def _stderr_into(path: Path) -> Path:
    """From now on, also for programs that we start."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, 2)
    os.close(file)
    return path


def _walled() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (WALL, WALL))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _peak() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak >> (20 if sys.platform == "darwin" else 10)
