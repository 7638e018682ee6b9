"""Checks inside a real WebUI, each in a process of its own.

    python -m tools.hosted --webui DIR --python EXE [--arg=--medvram] COMMAND [FILES...]

COMMAND is `fades` (see tools/fades.py), `faults` (tools/faults.py), `parity FOLDER...`
(tools/parity.py) or `variants` (tools/variants.py). WEBUI_DIR and WEBUI_PYTHON stand for the first
two options. The exit code is the command's.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Control, Shot, Start
from easyphoto_video.errors import HostFailed, Stopped
from easyphoto_video.watch import Watch, unwatched
from tools.webui import ROOT, prepare, surroundings


def command(
    webui: Path, data_dir: Path, words: Sequence[str], flags: Sequence[str] = ()
) -> list[str]:
    """The arguments of the WebUI's Python that run `words` inside it."""
    given = ["--webui", str(webui), "--data-dir", str(data_dir)]
    return ["-m", "tools.inside", *given, *(f"--arg={flag}" for flag in flags), *words]


class HostedEngine:
    """The WebUI's engine in another process. See Engine."""

    controls = frozenset({"toy"})

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe

    @contextmanager
    def open(self) -> Iterator[HostedEngine]:
        """See Engine. Every shot is a session of its own over there."""
        yield self

    def release(self) -> None:
        """See Engine."""

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        """See Engine. What failed over there is raised as HostFailed."""
        self._pipe.send(
            {
                "shot": replace(shot, start=None, controls=()),
                "start": _packed(shot.start),
                "controls": [_packed_control(control) for control in shot.controls],
            }
        )
        stopped: Stopped | None = None
        while True:
            kind, content = self._pipe.recv()
            if kind == "done":
                pixels, shape = content
                return np.frombuffer(pixels, np.uint8).reshape(shape)
            if kind == "failed":
                raise stopped or HostFailed(content)
            try:
                watch(*content)
                self._pipe.send("go on")
            except Stopped as error:
                stopped = error
                self._pipe.send("stop")


def _packed(start: Start | None) -> dict[str, Any] | None:
    """A start without arrays, which different versions of numpy pickle differently."""
    if start is None:
        return None
    return {
        "frames": start.frames.tobytes(),
        "shape": start.frames.shape,
        "strength": start.strength,
        "mask": None if start.mask is None else start.mask.tobytes(),
    }


def _packed_control(control: Control) -> dict[str, Any]:
    return {
        "kind": control.kind,
        "model": control.model,
        "pictures": control.pictures.tobytes(),
        "shape": control.pictures.shape,
        "weights": control.weights.tolist(),
        "begin": control.begin,
        "end": control.end,
    }


@contextmanager
def hosted_engine(webui: Path, python: Path, data_dir: Path) -> Iterator[HostedEngine]:
    """The WebUI's engine in a prepared data folder, for as long as the `with` lasts."""
    with ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory())
        address = str(Path(folder, "pipe"))
        listener = held.enter_context(Listener(address, "AF_UNIX"))
        process = subprocess.Popen(
            [python, *command(webui, data_dir, ["serve", address])],
            cwd=ROOT,
            env=surroundings(data_dir, {}),
            stdout=subprocess.DEVNULL,
        )
        held.callback(process.wait, 30)
        held.callback(process.terminate)
        pipe = held.enter_context(listener.accept())
        yield HostedEngine(pipe)
        pipe.send(None)


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="Checks inside a WebUI.")
    parser.add_argument("--webui", type=Path, default=os.environ.get("WEBUI_DIR"))
    parser.add_argument("--python", type=Path, default=os.environ.get("WEBUI_PYTHON"))
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--arg", action="append", default=[], help="a flag of the WebUI's own")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    given = parser.parse_args(arguments)
    if not (given.webui and given.python and given.words):
        parser.error("give --webui, --python (or WEBUI_DIR, WEBUI_PYTHON) and a command")
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = prepare((given.data_dir or Path(scratch)).resolve(), extension=None)
        words = command(given.webui, data_dir, given.words, given.arg)
        return subprocess.call([given.python, *words], cwd=ROOT, env=surroundings(data_dir, {}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
