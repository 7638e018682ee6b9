"""A page or a command that is ended, or killed and run again, leaves results and nothing else."""

from __future__ import annotations

import os

import pytest

from easyphoto_video import face_files
from tools import left_behind
from tools.left_behind import CASES, run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
OFTEN = ("import-kill",)
"""The others are long and much the same."""


@pytest.mark.parametrize(
    "case",
    [
        name
        if name in OFTEN
        else pytest.param(
            name, marks=pytest.mark.slow(reason="a program is started and ended for each case")
        )
        for name in CASES
    ],
)
def test_results_and_nothing_else(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if case.startswith("faces") and not face_files.are_in(left_behind.ROOT / face_files.FOLDER):
        pytest.skip(f"the face networks are not there: {face_files.COMMAND}")
    monkeypatch.setattr(left_behind, "PAD", 30 * 2**20)
    found = run(case, traced=False)
    assert [path for path, what in found if what == "LEFT BEHIND"] == []
    assert any(what == "result" for _, what in found) or case in NOTHING


NOTHING = {"denoising-term", "writing-term", "writing-hup", "faces-term"}
"""Ended before there is a result."""
