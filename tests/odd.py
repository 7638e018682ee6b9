"""What lies in folders and is no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def fifo(path: Path) -> Path:
    """A pipe that nobody writes to; who opens it waits for ever."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs mkfifo")
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    return path
