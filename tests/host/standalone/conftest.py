"""A library of small files, and one engine on it, for all tests of the stand-alone program."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.engine import StandaloneEngine
from tests.host.standalone.small import write_library


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in the WebUI's layout. Do not change it."""
    return write_library(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def library(data: Path) -> Library:
    return Library(data)


@pytest.fixture(scope="session")
def engine(library: Library) -> StandaloneEngine:
    return StandaloneEngine(library, "cpu", "fp32")
