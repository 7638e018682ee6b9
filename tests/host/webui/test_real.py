"""Our hooks in a real WebUI, through a browser: WEBUI_DIR=... WEBUI_PYTHON=... pytest FILE.

The WebUI's environment and folder are left as they are; WEBUI_SHOTS=FOLDER keeps screenshots.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from functools import partial
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import install
from easyphoto_video import face_files
from tests.machine import limit
from tools.webui import LEFT_OUT, ROOT, Webui, overlay, prepare, running

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WEBUI, PYTHON = os.environ.get("WEBUI_DIR"), os.environ.get("WEBUI_PYTHON")
pytestmark = [
    pytest.mark.slow(reason="starts a real WebUI five times"),
    pytest.mark.skipif(not (WEBUI and PYTHON), reason="no WEBUI_DIR and WEBUI_PYTHON are given"),
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-component-update", "--disable-sync", "--disable-background-networking"]
TROUBLE = re.compile(r"Traceback|^\*\*\* |\bError\b|EasyPhoto Video: ", re.MULTILINE)
LEFT_PAGE = re.compile(
    r"^ERROR: +Exception in ASGI application\nTraceback(?:(?!\nERROR: ).)*?"
    r"WebSocketDisconnect: 1001\n",
    re.MULTILINE | re.DOTALL,
)
"""What gradio 3.41 prints when a page is left while something of it waits in the queue."""
MINUTE = limit(120) * 1000
"""Milliseconds after which it hangs."""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """With every package that is wanted except the one that the tests install."""
    if not face_files.are_in(face_files.BESIDE):
        pytest.skip(f"what finds faces is not there: {face_files.COMMAND}")
    own = overlay(Path(str(PYTHON)), tmp_path / "python")
    packages = next(own.parents[1].glob("[Ll]ib/**/site-packages"))
    for need in install.NEEDS:
        there = subprocess.run([own, "-c", f"import {need.module}"], capture_output=True)
        if need.module != "imageio_ffmpeg" and there.returncode:
            (packages / f"{need.module}.py").touch()
    return own


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


class Browser:
    """A page, and what went wrong in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _heard(self, message: Any) -> None:
        # gradio's page asks for a script and fonts from elsewhere, and does without.
        if message.type == "error" and "127.0.0.1" in message.location.get("url", ""):
            self.errors.append(message.text)

    def open(self, url: str) -> None:
        self.page.goto(url, wait_until="domcontentloaded")
        self.page.wait_for_function(
            "() => window.uiTabChangeCallbacks && gradioApp()", timeout=MINUTE
        )
        self.page.wait_for_selector("#tabs", timeout=MINUTE)
        self.page.wait_for_timeout(3000)

    def tab(self, name: str) -> None:
        self.page.locator("#tabs > .tab-nav > button", has_text=name).click()
        self.page.wait_for_timeout(700)

    def shoot(self, name: str) -> None:
        if folder := os.environ.get("WEBUI_SHOTS"):
            self.page.screenshot(path=Path(folder, f"{name}.png"))


@pytest.fixture
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield Browser(chromium.new_page(viewport={"width": 1280, "height": 1400}))
        chromium.close()


def path_without(program: str, folder: Path) -> str:
    """A PATH with every program of ours but one."""
    folder.mkdir()
    for place in os.get_exec_path():
        for path in Path(place).glob("*"):
            link = folder / path.name
            if path.name != program and not link.is_symlink():
                link.symlink_to(path)
    return str(folder)


def packed(package: str, folder: Path) -> Path:
    """A folder with the wheel of a package that this Python has."""
    folder.mkdir()
    found = distribution(package)
    name = f"{package.replace('-', '_')}-{found.version}"
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
        for path in found.files or []:
            if ".." not in path.parts and "__pycache__" not in path.parts:
                wheel.write(path.locate(), str(path))
    return folder


def repository(folder: Path) -> Path:
    """A bare repository with this tree as its only commit."""
    tree, bare = folder / "tree", folder / "sd-webui-easyphoto-video.git"
    shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
    me = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    for command in (["init"], ["add", "."], [*me, "commit", "-m", "all"]):
        subprocess.run(["git", *command], cwd=tree, check=True, capture_output=True)
    subprocess.run(["git", "clone", "-q", "--bare", tree, bare], check=True)
    return bare


def freeze(python: Path) -> set[str]:
    return set(subprocess.check_output([python, "-m", "pip", "freeze"], text=True).splitlines())


def answer(url: str, credentials: str = "") -> int:
    """The status that a URL answers with, for a name and password in base64."""
    headers = {"Authorization": f"Basic {credentials}"} if credentials else {}
    try:
        return urlopen(Request(url, headers=headers), timeout=limit(120)).status
    except HTTPError as error:
        return error.code


def troubles(host: Webui) -> list[str]:
    """Lines of the log that tell of an error, or that are ours."""
    return [line for line in LEFT_PAGE.sub("", host.text).splitlines() if TROUBLE.search(line)]


def test_as_a_folder(tmp_path: Path, data: Path, python: Path, browser: Browser) -> None:
    prepare(data)
    wheels, log = packed("imageio-ffmpeg", tmp_path / "wheels"), tmp_path / "pip.log"
    environment = {
        "PATH": path_without("ffmpeg", tmp_path / "bin"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": wheels.as_uri(),
        "PIP_LOG": str(log),
    }
    before = freeze(python)
    start = partial(running, Path(str(WEBUI)), python, data, environment=environment, install=True)
    with start() as host:
        assert troubles(host) == ["EasyPhoto Video: installed imageio-ffmpeg==0.6.0."]
    assert log.exists()
    assert before <= freeze(python)
    assert freeze(python) - before == {"imageio-ffmpeg==0.6.0"}

    log.unlink()
    with start() as host:
        browser.open(host.url)
        look_around(browser)
        paste_from_png_info(browser)
        browser.page.get_by_text("Reload UI", exact=True).last.click()
        wait_for_reload(browser, host)
        look_around(browser)
        assert answer(f"{host.url}/easyphoto-video/schema") == 200
        assert troubles(host) == []
    assert browser.errors == []
    assert not log.exists(), "pip ran although nothing was missing"


def look_around(browser: Browser) -> None:
    """Our tab is there with its buttons, and our section in the settings."""
    browser.tab("EasyPhoto Video")
    assert browser.page.locator("#easyphoto_video_generate").is_visible()
    assert not browser.page.locator("#easyphoto_video_notice").count()
    browser.shoot("tab")
    browser.tab("Settings")
    browser.page.locator("#settings > .tab-nav > button", has_text="EasyPhoto Video").click()
    assert browser.page.get_by_label("Folder for clips").input_value() == "outputs/easyphoto-video"
    browser.shoot("settings")


def paste_from_png_info(browser: Browser) -> None:
    """The parameters of a picture of the WebUI's own come into our form."""
    page = browser.page
    browser.tab("txt2img")
    page.locator("#txt2img_prompt textarea").fill("a lighthouse at night")
    for name, value in (("steps", "3"), ("width", "64"), ("height", "64")):
        page.locator(f"#txt2img_{name} input[type=number]").fill(value)
    page.locator("#txt2img_generate").click()
    picture = page.locator("#txt2img_gallery img").first
    picture.wait_for(timeout=MINUTE)
    made = page.request.get(picture.get_attribute("src").split("?")[0]).body()
    browser.tab("PNG Info")
    file = {"name": "made.png", "mimeType": "image/png", "buffer": made}
    page.locator("#pnginfo_image input[type=file]").set_input_files(file)
    page.get_by_text("a lighthouse at night").last.wait_for(timeout=MINUTE)
    page.wait_for_timeout(1000)
    page.locator("#easyphoto_video_tab").click()
    prompt = page.locator("#tab_easyphoto_video textarea").first
    prompt.wait_for(state="visible")
    page.wait_for_timeout(1500)
    assert prompt.input_value() == "a lighthouse at night"
    browser.shoot("pasted")


def wait_for_reload(browser: Browser, host: Webui) -> None:
    """The WebUI closes its server and opens it again, in the same process."""
    for _ in range(600):  # only against hanging
        if host.text.count("Startup time") == 2:
            break
        browser.page.wait_for_timeout(1000)
    browser.errors.clear()  # the page lost its server meanwhile
    browser.open(host.url)


def test_from_a_url(tmp_path: Path, data: Path, python: Path, browser: Browser) -> None:
    prepare(data, extension=None)
    origin = repository(tmp_path)
    before = freeze(python)
    with running(Path(str(WEBUI)), python, data) as host:
        browser.open(host.url)
        browser.tab("Extensions")
        page = browser.page
        page.get_by_role("button", name="Install from URL").click()
        page.get_by_label("URL for extension's git repository").fill(origin.as_uri())
        page.get_by_role("button", name="Install", exact=True).click()
        page.get_by_text("Installed into").wait_for(timeout=2 * MINUTE)
        browser.shoot("installed")
        page.get_by_text("Reload UI", exact=True).last.click()
        wait_for_reload(browser, host)
        look_around(browser)
        assert troubles(host) == []
    assert browser.errors == []
    assert (data / "extensions" / "sd-webui-easyphoto-video" / "install.py").exists()
    assert freeze(python) == before


def test_a_missing_package_does_not_hide_the_tab(data: Path, browser: Browser) -> None:
    prepare(data)
    broken = data / "extensions" / "easyphoto-video" / "easyphoto_video" / "host" / "jobs.py"
    broken.write_text(broken.read_text().replace("import secrets\n", "import not_there\n"))
    with running(Path(str(WEBUI)), Path(str(PYTHON)), data) as host:
        browser.open(host.url)
        browser.tab("EasyPhoto Video")
        notice = browser.page.locator("#easyphoto_video_notice").first
        assert "The Python package not_there is missing" in notice.inner_text()
        assert "-m pip install not_there" in notice.inner_text()
        browser.shoot("notice")
        [line] = troubles(host)
        assert line.startswith(
            "EasyPhoto Video: its tab is not there. The Python package not_there"
        )
    assert browser.errors == []


def test_without_a_page_and_with_a_password(data: Path) -> None:
    prepare(data)
    flags = ("--nowebui", "--api-auth", "ann:secret")
    with running(Path(str(WEBUI)), Path(str(PYTHON)), data, *flags) as host:
        for path in ("/easyphoto-video/schema", "/sdapi/v1/options"):
            assert answer(host.url + path) == 401
            assert answer(host.url + path, "YW5uOndyb25n") == 401
            assert answer(host.url + path, "YW5uOnNlY3JldA==") == 200
        assert troubles(host) == []
