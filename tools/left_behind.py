"""What is left on the disk when a process ends or is ended: results, and nothing else.

    python -m tools.left_behind            every case, and exit code 1 when anything else is left
    python -m tools.left_behind page-term  one of them; --list names all

Each case has a data folder, a home and a folder for temporary files of its own. With `strace` on
the PATH every file that the process or a child of it makes, anywhere, is looked for afterwards;
without, the three folders are listed before and after. What belongs to the installed program
(`__pycache__`, the virtual environment) is left out. Needs the face networks for `faces-*`, see
docs/faces.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from easyphoto_video.held import LOCK

ROOT = Path(__file__).parents[1]
PATIENCE = 600.0
"""Seconds for anything to happen, on however busy a machine."""
TINY = ("--size", "64x64", "--seed", "5", "--user-id", "none")
SMALL = ("--frames", "4", "--steps", "1", *TINY)
LONG = ("--frames", "400", "--span", "400", "--steps", "8", *TINY)
WRITTEN = ("--frames", "96", "--steps", "1", *TINY)
CALLS = "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat"
MADE = re.compile(r'"((?:[^"\\]|\\.)*)"')
PAD = 300 * 2**20
"""Bytes that make an import take its time."""


class Failed(Exception):
    """The case did not come as far as it should."""


@dataclass(frozen=True)
class Place:
    """The folders of one case."""

    root: Path
    traced: bool = False

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.root / "data"

    @property
    def outputs(self) -> Path:
        """Where clips go."""
        return self.data / "outputs" / "easyphoto-video"

    def environment(self) -> Mapping[str, str]:
        """Of a process whose home and temporary folder lie here."""
        own = {"HOME": self.root / "home", "TMPDIR": self.root / "tmp"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        return {**kept, **{name: str(path) for name, path in own.items()}, "PYTHONPATH": str(ROOT)}

    def command(self, *arguments: str) -> list[str]:
        """The program, with what traces it."""
        run = [sys.executable, "-m", "easyphoto_video", *arguments, "--data-dir", str(self.data)]
        if not self.traced:
            return run
        log = self.root / "strace.log"
        options = ["-f", "-qq", "--seccomp-bpf", "-y", "-s", "4096", "-e", f"trace={CALLS}"]
        return ["strace", *options, "-A", "-o", str(log), *run]

    def files(self) -> set[Path]:
        """Everything that lies in the three folders."""
        found = (self.root / name for name in ("data", "home", "tmp"))
        return {path for folder in found for path in folder.rglob("*")}


@contextmanager
def place(traced: bool) -> Iterator[Place]:
    """The folders, for as long as the `with` lasts."""
    with tempfile.TemporaryDirectory(prefix="left-behind-") as root:
        for name in ("data", "home", "tmp"):
            (Path(root) / name).mkdir()
        yield Place(Path(root), traced)


@contextmanager
def started(where: Place, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program at work; it is killed when the `with` ends and it has not ended."""
    with (where.root / "err").open("w", encoding="utf-8") as err:
        process = subprocess.Popen(
            where.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            cwd=where.root,
            env=where.environment(),
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def said(where: Place) -> str:
    """What the program said on stderr so far."""
    return (where.root / "err").read_text(encoding="utf-8")


def until(process: subprocess.Popen[str], where: Place, holds: Callable[[], bool]) -> None:
    """Wait until it holds. Raises Failed when the process ends before, or it takes too long."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if process.poll() is not None or time.monotonic() > end:
            raise Failed(f"it never came so far: {said(where)[-500:]}")
        time.sleep(0.01)


def end(process: subprocess.Popen[str], number: signal.Signals) -> int:
    """Send the signal to the program alone, and wait for it."""
    os.kill(_program(process), number)
    return process.wait(PATIENCE)


def _program(process: subprocess.Popen[str]) -> int:
    """Its number; strace's only child, where it is traced."""
    if "strace" not in str(process.args):
        return process.pid
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0])


def whole(where: Place, *arguments: str) -> None:
    """Run a command to its good end. Raises Failed."""
    with started(where, *arguments) as process:
        if process.wait(PATIENCE):
            raise Failed(said(where)[-500:])


def page(where: Place, number: signal.Signals) -> None:
    """The page is started, makes a clip, has others to make, and ends by the signal."""
    with started(where, "page", "--port", "0") as process:
        assert process.stdout is not None
        address = f"{process.stdout.readline().strip()}/easyphoto-video/text2video"
        small = {"frames": 4, "steps": 1, "width": 64, "height": 64, "face_pass": False}
        _post(f"{address}?wait=true", {**small, "seed": 5})
        for seed in (6, 7):
            _post(address, {**small, "seed": seed, "frames": 400, "span": 400})
        until(process, where, lambda: any(where.outputs.glob(".unfinished/*/job.json")))
        end(process, number)


def _post(address: str, values: Mapping[str, object]) -> None:
    body = json.dumps({"user_id": "none", **values}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                answer.read()
                return
        except urllib.error.URLError as error:  # it tells its address a moment before it listens
            if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > end:
                raise Failed(str(error)) from error
            time.sleep(0.1)


def amid(where: Place, number: signal.Signals, stage: str, *arguments: str) -> None:
    """A command ends by the signal when it has said that word; a good run follows on SIGKILL."""
    with started(where, *arguments) as process:
        until(process, where, lambda: stage in said(where))
        end(process, number)
    if number == signal.SIGKILL:
        whole(where, "text2video", *SMALL)


def faces(where: Place, number: signal.Signals | None) -> None:
    """A clip of its own is redrawn, to the end or to the signal."""
    film = where.root / "film.mp4"
    whole(where, "text2video", "--frames", "8", "--user-id", "none", "--out", str(film))
    command = ("video2video", "--video", str(film), "--user-id", "demo", "--seed", "7")
    if number is None:
        whole(where, *command)
    else:
        amid(where, number, "face", *command)


def bring(where: Place, number: signal.Signals) -> None:
    """An import ends by the signal while it unpacks; then it is done again."""
    file = where.root / "demo.zip"
    whole(where, "user-ids", "export", "demo", str(file))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        inside = "outputs/easyphoto-user-id-infos/demo/user_weights/pad.bin"
        with archive.open(inside, "w", force_zip64=True) as pad:
            for _ in range(PAD >> 20):
                pad.write(bytes(2**20))
    with started(where, "user-ids", "import", str(file)) as process:
        benches = where.data / "outputs" / "easyphoto-user-id-infos"
        until(process, where, lambda: any(benches.glob(".making-*/new/user_weights/pad.bin")))
        end(process, number)
    whole(where, "user-ids", "import", str(file))


CASES: Mapping[str, Callable[[Place], None]] = {
    "page-term": lambda where: page(where, signal.SIGTERM),
    "page-int": lambda where: page(where, signal.SIGINT),
    "page-hup": lambda where: page(where, signal.SIGHUP),
    "clip": lambda where: whole(where, "text2video", *SMALL),
    "denoising-term": lambda where: amid(where, signal.SIGTERM, "denoising", "text2video", *LONG),
    "denoising-kill": lambda where: amid(where, signal.SIGKILL, "denoising", "text2video", *LONG),
    "writing-term": lambda where: amid(where, signal.SIGTERM, "writing", "text2video", *WRITTEN),
    "writing-hup": lambda where: amid(where, signal.SIGHUP, "writing", "text2video", *WRITTEN),
    "writing-kill": lambda where: amid(where, signal.SIGKILL, "writing", "text2video", *WRITTEN),
    "faces-whole": lambda where: faces(where, None),
    "faces-term": lambda where: faces(where, signal.SIGTERM),
    "import-term": lambda where: bring(where, signal.SIGTERM),
    "import-kill": lambda where: bring(where, signal.SIGKILL),
}


def left(where: Place, before: set[Path]) -> list[Path]:
    """What is there that was not, sorted; folders only where nothing lies in them."""
    found = where.files() | (set(_traced(where)) if where.traced else set())
    new = {path for path in found - before if path.exists() or path.is_symlink()}
    own = {where.root / name for name in ("err", "strace.log", "film.mp4", "demo.zip")}
    full = {parent for path in new for parent in path.parents}
    passed = own | full | {path for path in new if path.is_char_device()}
    return sorted(path for path in new - passed if not _is_programs(path))


def _is_programs(path: Path) -> bool:
    """Whether it belongs to the installed program: compiled modules, gradio's type stubs."""
    return "__pycache__" in path.parts or path.is_relative_to(sys.prefix)


def _traced(where: Place) -> Iterator[Path]:
    """Every path that the traced processes made or gave a name."""
    log = where.root / "strace.log"
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        opens = "open" in line.partition("(")[0]
        if " = -1 " in line or (opens and "O_CREAT" not in line and "creat(" not in line):
            continue
        base = re.search(r"<([^>]*)>", line)
        for name in MADE.findall(line):
            path = Path(name.encode().decode("unicode_escape").encode("latin-1").decode())
            yield path if path.is_absolute() or base is None else Path(base[1]) / path


def kind(where: Place, path: Path) -> str:
    """`result`, `kept` for work that can be gone on with and its lock, else `LEFT BEHIND`."""
    inside = path.relative_to(where.data).parts if path.is_relative_to(where.data) else ()
    if path == where.outputs:
        return "empty folder"
    work = path.with_suffix("") if path.suffix == LOCK else path.parent
    if ".unfinished" in inside and any(work.glob("*.zip")):
        return "kept"
    is_result = inside[:1] in {("outputs",), ("models",)} and path.is_file()
    return "result" if is_result and not any(part[0] == "." for part in inside) else "LEFT BEHIND"


def run(name: str, *, traced: bool) -> list[tuple[str, str]]:
    """Run a case; each path that is left, and what it is. Raises Failed."""
    with place(traced) as where:
        before = where.files()
        CASES[name](where)
        return [(_shown(where, path), kind(where, path)) for path in left(where, before)]


def _shown(where: Place, path: Path) -> str:
    return str(path.relative_to(where.root) if path.is_relative_to(where.root) else path)


def main(argv: Sequence[str]) -> int:
    """Run the cases that are named, else all. The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tools.left_behind")
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], metavar="CASE")
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--untraced", action="store_true", help="list the folders alone")
    args = parser.parse_args(argv)
    if args.list:
        print("\n".join(CASES))
        return 0
    traced = not args.untraced and shutil.which("strace") is not None
    print("every file, by strace" if traced else "data folder, home and temporary folder, listed")
    is_clean = True
    for name in args.cases or CASES:
        print(f"\n{name}", flush=True)
        try:
            found = run(name, traced=traced)
        except Failed as error:
            is_clean = False
            print(f"  FAILED: {error}", flush=True)
            continue
        for path, what in found:
            is_clean &= what != "LEFT BEHIND"
            print(f"  {what:<12} {path}", flush=True)
    print("\nresults and nothing else" if is_clean else "\nsomething was left behind")
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
