"""Starts a given stable-diffusion-webui with this extension in it, for checks on the CPU.

    python -m tools.webui --webui DIR --python EXE [--data-dir DIR] [--port N] [--arg=--medvram] \
        [-- COMMAND...]

COMMAND runs with the WebUI's address in WEBUI_URL; without one, the WebUI runs until Ctrl+C. The
data folder gets a tiny checkpoint, a motion module, and a hub cache with CLIP's tokenizer, so that
nothing needs a network.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from easyphoto_video.host.webui import clip_folder
from tools.tiny_checkpoint import Sizes, fitting_spec, write_checkpoint, write_lora, write_motion

ROOT = Path(__file__).parents[1]
EXTENSION = "easyphoto-video"
ON_CPU = ("--skip-torch-cuda-test", "--no-half", "--precision", "full", "--use-cpu", "all")
FLAGS = (*ON_CPU, "--api", "--skip-python-version-check")
SECONDS = 600
"""How long a start may take on a busy machine."""
LOADED = re.compile(r"Model loaded in|[Mm]odel failed to load")
STARTED = "Startup time"
"""What it says when its routes are complete; a request that comes before breaks its own start."""
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "outputs", "tests")
CLIP = "models--openai--clip-vit-large-patch14"
COMMIT = "0" * 40
"""What the hub's cache calls the version of the files that we make."""


class StartFailed(Exception):
    """The WebUI did not come up; the message has the end of its log."""


@dataclass(frozen=True)
class Webui:
    """A WebUI that runs."""

    url: str
    """Its address, without a slash at the end."""
    data_dir: Path
    log: Path
    """What it printed so far."""

    @property
    def text(self) -> str:
        """The log."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def prepare(data_dir: Path, extension: Path | None = ROOT) -> Path:
    """Fills a data folder: tiny models, a hub cache, and a copy of the extension unless None."""
    models = data_dir / "models"
    tiny = models / "Stable-diffusion" / "tiny.safetensors"
    if not tiny.exists():
        write_checkpoint(tiny, clip=data_dir / "tiny_clip")
        write_motion(models / "AnimateDiff" / "tiny_v2.safetensors", fitting_spec(Sizes()))
        write_lora(models / "Lora" / "strong.safetensors")
    hub_cache(data_dir / "hf" / "hub")
    if extension:
        there = data_dir / "extensions" / EXTENSION
        shutil.rmtree(there, ignore_errors=True)
        shutil.copytree(extension, there, ignore=LEFT_OUT)
    return data_dir


def hub_cache(hub: Path) -> Path:
    """CLIP's config and tokenizer where the hub's client looks for what it fetched before.

    Users of the WebUI have them there since their first checkpoint.
    """
    model = hub / CLIP
    if not (model / "refs" / "main").exists():
        clip_folder.write(model / "snapshots" / COMMIT)
        (model / "refs").mkdir(exist_ok=True)
        (model / "refs" / "main").write_text(COMMIT)
    return hub


def overlay(python: Path, folder: Path) -> Path:
    """A Python that sees every package of `python`'s and gets new ones into `folder` alone.

    With it, a check of what the extension installs leaves the WebUI's own environment as it is.
    """
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    theirs = subprocess.check_output([python, "-c", ask], text=True)
    own = folder / "bin" / "python"
    packages = subprocess.check_output([own, "-c", ask], text=True).strip()
    Path(packages, "theirs.pth").write_text(theirs)
    return own


@contextmanager
def running(
    webui: Path,
    python: Path,
    data_dir: Path,
    *arguments: str,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    install: bool = False,
) -> Iterator[Webui]:
    """Starts the WebUI in a prepared data folder; it is ready, model and all, inside the `with`.

    The port is a free one unless given; the installers of extensions run only with `install`.
    Raises StartFailed.
    """
    port = port or _free_port()
    log = data_dir / f"webui-{port}.log"
    flags = [*FLAGS, "--data-dir", str(data_dir), "--port", str(port), *arguments]
    flags += [] if install else ["--skip-install"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(python.absolute()), "launch.py", *flags],
            cwd=webui,
            env=surroundings(data_dir, environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        host = Webui(f"http://127.0.0.1:{port}", data_dir, log)
        try:
            _wait(process, host)
            yield host
        finally:
            _end(process)


def surroundings(data_dir: Path, more: Mapping[str, str]) -> dict[str, str]:
    """One thread, no hub, no telemetry, and none of our own environment's packages."""
    ours = {
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(data_dir / "hf"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "MPLBACKEND": "agg",
        "PYTHONUNBUFFERED": "1",
    }
    rest = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    return {**rest, **ours, **more}


def _wait(process: subprocess.Popen[bytes], host: Webui) -> None:
    until = time.monotonic() + SECONDS
    while not (STARTED in host.text and LOADED.search(host.text) and _answers(host.url)):
        if process.poll() is not None:
            raise StartFailed(f"It ended with exit code {process.returncode}:\n{_tail(host)}")
        if time.monotonic() > until:
            raise StartFailed(f"It was not ready after {SECONDS} s:\n{_tail(host)}")
        time.sleep(0.3)


def _answers(url: str) -> bool:
    """Whether the API is there, also when it first wants to know who asks."""
    try:
        urllib.request.urlopen(f"{url}/sdapi/v1/options", timeout=5).close()
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends it and whatever it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _tail(host: Webui) -> str:
    return "\n".join(host.text.splitlines()[-40:])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def main(arguments: Sequence[str]) -> int:
    """See the module. The exit code of COMMAND."""
    own, command = _split(list(arguments))
    parser = argparse.ArgumentParser(description="Starts a WebUI with this extension in it.")
    parser.add_argument("--webui", type=Path, default=os.environ.get("WEBUI_DIR"))
    parser.add_argument("--python", type=Path, default=os.environ.get("WEBUI_PYTHON"))
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--arg", action="append", default=[], help="a flag of the WebUI's own")
    given = parser.parse_args(own)
    if not (given.webui and given.python):
        parser.error("give --webui and --python, or WEBUI_DIR and WEBUI_PYTHON")
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = prepare((given.data_dir or Path(scratch)).resolve())
        with running(given.webui, given.python, data_dir, *given.arg, port=given.port) as host:
            print(f"{host.url}  log: {host.log}", file=sys.stderr)
            return _follow(command, host)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def _follow(command: Sequence[str], host: Webui) -> int:
    environment = {**os.environ, "WEBUI_URL": host.url, "WEBUI_LOG": str(host.log)}
    try:
        if command:
            return subprocess.call(command, env=environment)
        signal.pause()
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
