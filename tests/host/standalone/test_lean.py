"""What the stand-alone program does not import."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys

import pytest

from easyphoto_video.host.standalone.lean import UNUSED, hidden

LOADED = """\
import importlib.util, sys
import easyphoto_video.host.standalone.studio
names = sys.argv[1:]
print([name in sys.modules for name in names], [*map(bool, map(importlib.util.find_spec, names))])
"""


def test_the_studio_leaves_unused_packages_alone_and_to_be_had() -> None:
    command = [sys.executable, "-c", LOADED, *UNUSED]
    assert subprocess.check_output(command, text=True).strip() == "[False, False] [True, True]"


def test_what_is_hidden_comes_back_also_after_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with pytest.raises(ZeroDivisionError), hidden("colorsys", "json"):
        assert importlib.util.find_spec("colorsys") is None
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("colorsys")
        assert importlib.import_module("json") is sys.modules["json"]
        raise ZeroDivisionError
    assert importlib.import_module("colorsys") is sys.modules["colorsys"]
