"""What the WebUI executes at the top level: it must ring, and do no harm."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from easyphoto_video.host import webui
from tests.host.webui.street import Street, install

ROOT = Path(__file__).parents[1]
DOORBELL = "scripts/easyphoto_video_webui.py"
ENTRY = "easyphoto_video.host.webui.entry"


def load(path: str) -> ModuleType:
    """Execute a file as the WebUI does: by its path, without a place in sys.modules."""
    spec = importlib.util.spec_from_file_location(Path(path).name, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def street(event_loops: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Street:
    return install(monkeypatch, tmp_path)


def words(blocks: Any) -> str:
    """What the tab's own HTML says."""
    return " ".join(str(getattr(part, "value", "")) for part in blocks.blocks.values())


def test_preload_adds_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parser = argparse.ArgumentParser()
    load("preload.py").preload(parser)
    assert parser.parse_args([]).easyphoto_video_models is None
    monkeypatch.chdir(tmp_path)
    given = parser.parse_args(["--easyphoto-video-models", "motion"])
    assert given.easyphoto_video_models == str(tmp_path / "motion")


@pytest.mark.parametrize("path", ["install.py", "preload.py"])
def test_what_runs_before_the_webui_needs_python_alone(path: str) -> None:
    code = f"import runpy, sys; sys.path = [p for p in sys.path if 'site-packages' not in p]\
; runpy.run_path({str(ROOT / path)!r})"
    subprocess.run([sys.executable, "-S", "-c", code], check=True)


def test_the_doorbell_rings_for_every_page(street: Street) -> None:
    for times in (1, 2):
        load(DOORBELL)
        rung = {event: len(calls) for event, calls in street.calls.items()}
        assert rung == dict.fromkeys(rung, times) | {"script_unloaded": 0}


def test_a_missing_package_does_not_hide_the_tab(
    street: Street, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise ModuleNotFoundError("No module named 'yaml'", name="yaml")

    monkeypatch.setitem(sys.modules, "easyphoto_video.host.webui.host", Broken("host"))
    load(DOORBELL)
    [tabs] = street.calls["ui_tabs"]
    [(blocks, title, id)] = tabs()
    assert (title, id) == ("EasyPhoto Video", "easyphoto_video")
    assert "package PyYAML is missing" in words(blocks)
    command = f'"{sys.executable}" -m pip install PyYAML'
    assert command.replace('"', "&quot;") in words(blocks)
    said = capsys.readouterr().out
    assert command in said
    assert said.count("\n") == 1
    assert not street.calls["app_started"]


def test_any_other_failure_does_not_either(
    street: Street, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, ENTRY, ModuleType(ENTRY))
    monkeypatch.setattr(webui, "entry", sys.modules[ENTRY], raising=False)
    load(DOORBELL)
    [(blocks, *_)] = street.calls["ui_tabs"][0]()
    assert "AttributeError" in words(blocks)
    assert str(ROOT / "install.py") in words(blocks)
    assert "AttributeError" in capsys.readouterr().out


def test_the_page_gets_its_two_files() -> None:
    assert (ROOT / "javascript/easyphoto_video.js").is_file()
    assert (ROOT / "style.css").is_file()
