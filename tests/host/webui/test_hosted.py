"""Inside a real WebUI: what tools.hosted checks there. Needs WEBUI_DIR and WEBUI_PYTHON."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT.parent / "shared" / "golden"
SLOW = pytest.mark.slow(reason="starts a real WebUI")


def hosted(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "tools.hosted", *words], cwd=ROOT, check=False)
    assert done.returncode == 0


@pytest.fixture(autouse=True)
def webui() -> None:
    for name in ("WEBUI_DIR", "WEBUI_PYTHON"):
        if name not in os.environ:
            pytest.skip(f"{name} does not say where a WebUI is")


@SLOW
def test_nothing_that_goes_wrong_leaves_anything_behind() -> None:
    hosted("faults")


@SLOW
def test_a_lora_fades_as_the_host_would_merge_it() -> None:
    hosted("fades")


@SLOW
def test_its_own_unet_computes_what_the_official_code_does() -> None:
    folders = sorted(str(path.parent) for path in GOLDEN.glob("*/meta.json"))
    if not folders:
        pytest.skip(f"no golden tensors in {GOLDEN}")
    hosted("parity", *folders)


@SLOW
def test_a_clip_holds_together_however_the_host_cuts_its_calls(tmp_path: Path) -> None:
    usual = str(tmp_path / "usual.json")
    hosted("variants", "--save", usual)
    hosted("--arg=--medvram", "variants", "--against", usual)
