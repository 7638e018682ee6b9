"""The laws of the house, read from the syntax of the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "easyphoto_video"
STREET = {"accelerate", "diffusers", "fastapi", "gradio", "launch", "modules"}
STREET |= {"transformers"}
ROOMS = {"faces", "motion", "sound", "talk", "video", "warp"}
BELOW = {"sound": {"video"}, "talk": {"motion"}}
"""Rooms that a room stands on."""
FILES = sorted(path.relative_to(ROOT) for path in PACKAGE.rglob("*.py"))
INSIDE = [path for path in FILES if path.parts[1] not in {"host", "__main__.py"}]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Full dotted names of what a file imports, relative ones resolved."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = list(path.parts[: -node.level]) if node.level else []
            module = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def of_house(name: str) -> str:
    """The room or module of ours that a dotted name lies in; empty for others."""
    parts = name.split(".")
    return parts[1] if parts[0] == "easyphoto_video" and len(parts) > 1 else ""


def broad(handler: ast.ExceptHandler) -> bool:
    """Whether an except clause catches everything."""
    caught = ast.walk(handler.type) if handler.type else [ast.Name("BaseException")]
    return any(getattr(node, "id", "") in {"Exception", "BaseException"} for node in caught)


@pytest.mark.parametrize("path", INSIDE, ids=str)
def test_the_core_knows_no_host(path: Path) -> None:
    names = list(imported(path))
    assert not {name.split(".")[0] for name in names} & STREET
    assert not [name for name in names if of_house(name) == "host"]


@pytest.mark.parametrize("path", [path for path in INSIDE if path.parts[1] in ROOMS], ids=str)
def test_rooms_do_not_know_each_other(path: Path) -> None:
    others = ROOMS - {path.parts[1]} - BELOW.get(path.parts[1], set())
    assert not [name for name in imported(path) if of_house(name) in others]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_nothing_global_and_nothing_swallowed(path: Path) -> None:
    nodes = list(ast.walk(tree(path)))
    assert not [node.lineno for node in nodes if isinstance(node, ast.Global)]
    if path in INSIDE:
        handlers = [node for node in nodes if isinstance(node, ast.ExceptHandler)]
        assert not [node.lineno for node in handlers if broad(node)]


CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time"}
WAITS = {"acquire", "communicate", "join", "result", "settimeout", "wait"}
TESTS = sorted(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py"))
WAITING = [path for path in TESTS if path.name != "machine.py"]


def clocked(node: ast.AST) -> bool:
    """Whether a clock is read to compare, or a wait of a second or more is no `limit`."""
    inside = ast.walk(node)
    if isinstance(node, ast.Compare):
        return any(
            isinstance(x, ast.Call) and getattr(x.func, "attr", "") in CLOCKS for x in inside
        )
    if not isinstance(node, ast.Call):
        return False
    waits = node.args[:1] if getattr(node.func, "attr", "") in WAITS else []
    given = [word.value for word in node.keywords if word.arg == "timeout"] + waits
    numbers = [x.value for x in given if isinstance(x, ast.Constant)]
    return any(isinstance(x, (int, float)) and x >= 1 for x in numbers)


@pytest.mark.parametrize("path", WAITING, ids=str)
def test_no_test_judges_by_the_clock(path: Path) -> None:
    """Limits end only what hangs, in the measure of the machine: see tests/machine.py."""
    assert not [getattr(node, "lineno", 0) for node in ast.walk(tree(path)) if clocked(node)]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("assert time.monotonic() - begun < 2", True),
        ("while time.perf_counter() < end: pass", True),
        ("thread.join(20)", True),
        ("subprocess.run(command, timeout=100)", True),
        ("assert began.wait(5)", True),
        ("thread.join(); ' '.join(words)", False),
        ("assert began.wait(limit(60))", False),
        ("pause.wait(0.01); urlopen(url, timeout=limit(60))", False),
    ],
)
def test_a_verdict_by_the_clock_is_seen(line: str, wrong: bool) -> None:
    assert any(clocked(node) for node in ast.walk(ast.parse(line))) is wrong


def test_the_laws_can_be_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks see what they look for, also in relative imports and tuples of exceptions."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = Path("easyphoto_video/motion/bad.py")
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(
        "import diffusers.models\nfrom ..video import read\nfrom .. import host\n"
        "try:\n    pass\nexcept (OSError, Exception):\n    pass\n"
    )
    names = list(imported(path))
    assert names == [
        "diffusers.models",
        "easyphoto_video.video.read",
        "easyphoto_video.host",
    ]
    assert [of_house(name) for name in names] == ["", "video", "host"]
    handlers = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ExceptHandler)]
    assert [broad(handler) for handler in handlers] == [True]
