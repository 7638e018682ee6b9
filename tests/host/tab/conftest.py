"""What the tests of the tab share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.tab.drive import Driven


@pytest.fixture
def tab(tmp_path: Path) -> Driven:
    return Driven(tmp_path)


@pytest.fixture(autouse=True)
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where gradio keeps what a page sent, so that a test can put a file there."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path
