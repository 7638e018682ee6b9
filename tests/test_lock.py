"""The lock is exact and complete, and .venv holds it."""

from __future__ import annotations

import sys
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LEFT_OUT = {"opencv-python"}
"""insightface's; opencv-python-headless is the same without a window system."""
TORCH_ONLY = ("cuda-", "nvidia-", "triton")
"""What torch's own build for a machine brings."""

in_venv = pytest.mark.skipif(
    Path(sys.prefix).resolve() != (ROOT / ".venv").resolve(),
    reason="checks what launch.py installed: python3 launch.py test",
)


def locked() -> list[Requirement]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def wanted() -> dict[str, str]:
    """Names and versions for this Python and system."""
    here = [each for each in locked() if each.marker is None or each.marker.evaluate()]
    return {canonicalize_name(each.name): str(each.specifier)[2:] for each in here}


def test_every_line_is_exact_and_names_no_source() -> None:
    for each in locked():
        assert each.url is None
        assert [spec.operator for spec in each.specifier] == ["=="]
    torch = [each for each in locked() if each.name == "torch"]
    assert [each.marker for each in torch] == [None]


def test_what_stays_out() -> None:
    names = {canonicalize_name(each.name) for each in locked()}
    assert not names & {"torchvision", *LEFT_OUT}
    assert not [name for name in names if name.startswith(TORCH_ONLY)]


@in_venv
def test_the_environment_holds_the_lock() -> None:
    for name, version in wanted().items():
        # A local part such as +cpu names a build of the same version.
        assert distribution(name).version.split("+")[0] == version


@in_venv
def test_the_lock_is_complete() -> None:
    have = {canonicalize_name(each.name) for each in distributions()}
    for name in wanted():
        for text in distribution(name).requires or []:
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                assert canonicalize_name(need.name) in have | LEFT_OUT, f"{name} needs {need}"
