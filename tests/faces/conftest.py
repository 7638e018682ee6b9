"""Files that the tests of faces may need, and may not find."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from easyphoto_video import face_files
from easyphoto_video.faces.mesh import MeshDetector

ROOT = Path(__file__).parents[2]
MEDIA = Path(os.environ.get("EASYPHOTO_MEDIA", ROOT.parent / "shared" / "media"))
"""A folder with example videos and pictures that are not ours to give away, see docs/faces.md."""


@pytest.fixture(scope="session")
def mesh_folder() -> Path:
    """The folder of the two networks."""
    if not face_files.are_in(face_files.BESIDE):
        pytest.skip(f"what finds faces is not there: {face_files.COMMAND}")
    return face_files.BESIDE


@pytest.fixture
def mesh(mesh_folder: Path) -> MeshDetector:
    return MeshDetector(mesh_folder)


@pytest.fixture(scope="session")
def media() -> Callable[[str], Path]:
    """The path of an example file; skips where it is missing."""

    def find(name: str) -> Path:
        if not (MEDIA / name).is_file():
            pytest.skip(f"{name} is not in {MEDIA}; EASYPHOTO_MEDIA may name another folder")
        return MEDIA / name

    return find
