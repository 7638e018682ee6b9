"""The tab as people meet it, stand-alone and in a WebUI, and a browser in front of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.hands import ID, PATIENCE
from tools.webui import prepare, running

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


Opener = Callable[..., Any]


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


@pytest.fixture
def opened(browser: Any, served: Served) -> Iterator[Opener]:
    """Opens the tab in a browser of a language and a width; our own page asks nobody else."""
    contexts, trouble = [], []

    def note(kind: str) -> Callable[[Any], None]:
        return lambda told: trouble.append(f"{kind}: {told}")

    def outside(request: Any) -> None:
        ours = (served.address, "data:", "blob:")
        if not served.in_webui and not request.url.startswith(ours):
            trouble.append(f"outside: {request.url}")

    def open_page(locale: str = "en-US", width: int = 1280) -> Any:
        context = browser.new_context(locale=locale, viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", note("error"))
        page.on("request", outside)
        page.goto(served.address, wait_until="domcontentloaded")
        if served.in_webui:
            page.locator("#tabs > .tab-nav > button", has_text="EasyPhoto Video").click()
        page.locator(f"{ID}generate").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


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
