"""What the tests of the WebUI's side share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.webui.street import Street, install


@pytest.fixture
def street(event_loops: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Street:
    """A stand-in for the WebUI's modules, in sys.modules while the test runs."""
    return install(monkeypatch, tmp_path)
