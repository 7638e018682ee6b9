"""What the tests of the tab share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.tab.drive import Driven


@pytest.fixture
def tab(tmp_path: Path) -> Driven:
    return Driven(tmp_path)
