"""What the WebUI does with the files at the top level must do no harm."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]


def load(path: str) -> ModuleType:
    """Execute a file as the WebUI does: by its path, without a place in sys.modules."""
    spec = importlib.util.spec_from_file_location(Path(path).name, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_preload_adds_nothing() -> None:
    assert not hasattr(load("preload.py"), "preload")


def test_install_is_silent() -> None:
    done = subprocess.run([sys.executable, ROOT / "install.py"], capture_output=True, check=True)
    assert done.stdout + done.stderr == b""


def test_the_doorbell_imports_nothing() -> None:
    before = set(sys.modules)
    load("scripts/easyphoto_video_webui.py")
    assert set(sys.modules) == before


def test_the_page_gets_its_two_files() -> None:
    assert (ROOT / "javascript/easyphoto_video.js").is_file()
    assert (ROOT / "style.css").is_file()
