"""The host's own modules come in by one door, and what a host lacks is refused by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from easyphoto_video.errors import Missing
from easyphoto_video.host import webui
from tests.host.webui.street import Street

FOLDER = Path(webui.__file__).parent
DOOR = "common.py"
FACADES = {"a1111.py"}
"""Those that touch what comes in there, beside the door itself."""
HOSTS = {"k_diffusion", "ldm", "ldm_patched", "modules", "modules_forge"}


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """The package and the name of everything that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_the_hosts_modules_are_touched_by_facades_alone(path: Path) -> None:
    found = list(imported(path))
    tops = {module.split(".")[0] for module, _ in found}
    if path.name not in FACADES:
        assert tops & HOSTS == ({"modules"} if path.name == DOOR else set())
        assert (f"{webui.__name__}.common", "host") not in found


@pytest.fixture
def common(street: Street, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return import_module(f"{webui.__name__}.common")


def test_a_part_that_the_host_lacks_is_refused_when_it_is_used(common: ModuleType) -> None:
    facade = import_module(f"{webui.__name__}.a1111").A1111()
    words = r"The part sd_schedulers of the WebUI is missing"
    with pytest.raises(Missing, match=words):
        facade.schedules()
    assert common.flag("never_heard_of") is None
    assert common.option("never_heard_of", 3) == 3


def test_an_error_inside_a_part_is_its_own(
    common: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> None:
        raise ModuleNotFoundError("No module named 'einops'", name="einops")

    monkeypatch.setattr(common, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="einops"):
        _ = common.host.sd_models
