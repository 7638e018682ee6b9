"""The tab as people meet it, stand-alone and in a WebUI, and a browser in front of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.webui import prepare, running

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@dataclass(frozen=True)
class Served:
    """A page with the tab in it."""

    address: str
    data: Path
    """The data folder, below which the page names its files."""
    in_webui: bool


# Not for longer than these tests: Playwright's event loop would run in all others too.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium of this machine without a window; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is in the PATH")
    with playwright.sync_playwright() as run:
        chromium = run.chromium.launch(executable_path=program, args=QUIET.split())
        yield chromium
        chromium.close()


@pytest.fixture(scope="module", params=["stand-alone", "webui"])
def served(
    request: pytest.FixtureRequest,
    browser: Any,
    loopback: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """Where the tab is, with the embedded model and an empty data folder."""
    data = tmp_path_factory.mktemp("data")
    serve = _webui if request.param == "webui" else _standalone
    with serve(data) as address:
        yield Served(address, data, request.param == "webui")


@contextmanager
def _standalone(data: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "easyphoto_video", "page", "--port", "0", "--data-dir", data]
    with subprocess.Popen(
        command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            line = server.stdout.readline().strip()
            assert line.startswith("http://127.0.0.1:"), line
            yield line
        finally:
            server.kill()


@contextmanager
def _webui(data: Path) -> Iterator[str]:
    webui, python = (os.environ.get(name) for name in ("WEBUI_DIR", "WEBUI_PYTHON"))
    if not (webui and python):
        pytest.skip("WEBUI_DIR and WEBUI_PYTHON do not say where a WebUI is")
    options = {"easyphoto_video_default_checkpoint": "embedded"}
    (data / "config.json").write_text(json.dumps(options), encoding="utf-8")
    with running(Path(webui), Path(python), prepare(data)) as host:
        yield host.url
