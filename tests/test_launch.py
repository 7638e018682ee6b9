"""launch.py, against a checkout with a lock of two tiny packages, without a network."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests import face_wheel
from tests.machine import limit

ROOT = Path(__file__).parents[1]
WHEELS = [("torch", "2.0"), ("demo", "1.0"), ("demo", "1.1"), ("unwanted", "1.0")]
PROGRAM = """\
import os, sys
print(sys.argv[1:], os.environ["OMP_WAIT_POLICY"], os.getcwd())
sys.exit(len(sys.argv) - 1)
"""
LATER = """\
import sys
def refuse(event, arguments):
    if event in {"subprocess.Popen", "os.posix_spawn", "os.system", "socket.connect"}:
        raise SystemExit(event)
sys.addaudithook(refuse)
import launch
assert launch.is_current()
print(*{name.split(".")[0] for name in sys.modules})
"""
"""A later start as far as the program's own; it must begin no process and load little."""


def load(folder: Path) -> ModuleType:
    """launch.py of a checkout as a module."""
    spec = importlib.util.spec_from_file_location("launch", folder / "launch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel(folder: Path, name: str, version: str) -> None:
    """A package of one module whose `version` is its version; demo asks for `unwanted`."""
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", f"version = {version!r}\n")
        needs = "Requires-Dist: unwanted\n" if name == "demo" else ""
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        archive.writestr(f"{about}/METADATA", head)
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """launch.py, a lock, a program that tells what it was given, and wheels for pip to find."""
    folder = tmp_path / "a checkout"
    (folder / "easyphoto_video").mkdir(parents=True)
    (folder / "easyphoto_video/__main__.py").write_text(PROGRAM)
    (folder / "easyphoto_video/face_files.py").write_text(face_wheel.source())
    shutil.copy(ROOT / "launch.py", folder)
    (folder / "requirements.lock").write_text("demo==1.0\ntorch==2.0\n")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name, version in WHEELS:
        wheel(wheels, name, version)
    face_wheel.write(wheels)
    for name in [name for name in os.environ if name.startswith(("PIP_", "PYTHON"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return folder


def start(
    checkout: Path, *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "launch.py"), *arguments]
    return subprocess.run(
        command,
        cwd=cwd or checkout,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=limit(600),
    )


def version_of(checkout: Path, package: str) -> str:
    code = f"import {package}; print({package}.version)"
    return subprocess.check_output([load(checkout).PYTHON, "-c", code], text=True).strip()


@pytest.mark.slow(reason="installs five times; who runs the tests was just installed by it")
def test_a_checkout_from_the_first_start_to_a_new_lock(checkout: Path, tmp_path: Path) -> None:
    first = start(checkout, "text2video", "--json", cwd=tmp_path)
    assert first.stdout == f"['text2video', '--json'] PASSIVE {tmp_path}\n"
    assert first.returncode == 2
    assert "Installing the packages of requirements.lock" in first.stderr
    assert (version_of(checkout, "torch"), version_of(checkout, "demo")) == ("2.0", "1.0")

    assert (checkout / "models/faces/face_landmark.tflite").read_bytes() == b"mesh"
    assert "networks that find faces" in first.stderr
    assert "did not come" not in first.stderr

    packages = next(checkout.glob(".venv/[Ll]ib/**/site-packages"))
    assert not (packages / "mediapipe").exists()
    assert not (packages / "unwanted.py").exists()

    # Without pip, a start that touched a package would fail.
    launch = load(checkout)
    (packages / "pip").rename(packages / "pip-away")
    second = start(checkout)
    assert (second.returncode, second.stderr) == (0, "")
    (packages / "pip-away").rename(packages / "pip")

    # Another lock is installed over the old one, and what the user added stays.
    (packages / "added.py").touch()
    launch.LOCK.write_bytes(b"demo==1.1\r\ntorch==2.0\r\n")
    assert start(checkout).returncode == 0
    assert version_of(checkout, "demo") == "1.1"
    assert (packages / "added.py").exists()
    launch.LOCK.write_bytes(b"demo==1.1\ntorch==2.0\n")
    assert start(checkout).stderr == ""

    # An update that fails says why, and the next start tries again, still in place.
    launch.LOCK.write_text("demo==9.9\ntorch==2.0\n")
    failed = start(checkout)
    assert (failed.returncode, failed.stdout) == (1, "")
    for part in ("demo==9.9", "pip failed", "HTTPS_PROXY", "GB free", "By hand"):
        assert part in failed.stderr
    launch.LOCK.write_text("demo==1.1\ntorch==2.0\n")
    assert "Installing" in start(checkout).stderr
    assert (packages / "added.py").exists()

    # A .venv that was never finished is made again from nothing. Without what finds faces the
    # program starts all the same.
    launch.STAMP.unlink()
    shutil.rmtree(checkout / "models")
    next(tmp_path.glob("wheels/mediapipe*")).unlink()
    again = start(checkout)
    assert again.returncode == 0
    for part in ("pip says: No matching", "works all the same", "launch.py fetch faces"):
        assert part in again.stderr
    assert version_of(checkout, "demo") == "1.1"
    assert not (packages / "added.py").exists()


def test_the_tests_run_in_the_checkout(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launch = load(checkout)
    ran: list[list[str]] = []
    monkeypatch.setattr(launch, "is_current", lambda: True)
    monkeypatch.setattr(launch, "hand_over", lambda command: ran.append(command) or 0)
    monkeypatch.chdir(checkout.parent)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    every = ["-n", "2", "--dist", "worksteal"]
    daily = [*every, "-m", "not slow"]
    named = ["easyphoto_video/face_files.py::test_it", "-k", "clip"]
    for given, told in [
        ([], daily),
        (["-k", "clip"], [*daily, "-k", "clip"]),
        (["-n", "0"], [*daily, "-n", "0"]),
        (["--all", "-x"], [*every, "-x"]),
        (named, named),
        (["--all", *named], named),
    ]:
        assert launch.main(["test", *given]) == 0
        assert ran.pop() == [str(launch.PYTHON), "-m", "pytest", *told]
    assert Path.cwd() == checkout
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ


def test_the_user_may_choose_how_openmp_waits(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = load(checkout)
    given: list[dict[str, str]] = []
    monkeypatch.setattr(launch.os, "execve", lambda path, command, env: given.append(env))
    monkeypatch.setattr(launch, "wait_for", lambda process: 0)
    monkeypatch.setattr(launch.subprocess, "Popen", lambda command, env: given.append(env))
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("PYTHONPATH", "mine")
    launch.hand_over(["python"])
    assert given[0]["OMP_WAIT_POLICY"] == "ACTIVE"
    assert given[0]["PYTHONPATH"].split(os.pathsep) == [str(checkout), "mine"]


def test_what_pip_says_stays_off_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    assert load(ROOT).run([sys.executable, "-c", "print('words')"]) == 0
    assert capfd.readouterr() == ("", "words\n")


def test_a_child_is_waited_for_through_ctrl_c() -> None:
    class Child:
        answers = iter([KeyboardInterrupt, KeyboardInterrupt, 130])

        def wait(self) -> int:
            answer = next(self.answers)
            if isinstance(answer, int):
                return answer
            raise answer

    assert load(ROOT).wait_for(Child()) == 130


def test_ctrl_c_during_the_installation(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = load(checkout)

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "make_venv", interrupt)
    assert launch.main([]) == 130
    assert "Start it again" in capsys.readouterr().err


def refused(launch: ModuleType, capsys: pytest.CaptureFixture[str]) -> str:
    """What launch.py says when it cannot install."""
    assert launch.main(["text2video"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.mark.parametrize("version", [(3, 9), (3, 14)])
@pytest.mark.parametrize("found", ["/usr/bin/python", None])
def test_a_python_that_does_not_fit(
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    version: tuple[int, int],
    found: str | None,
) -> None:
    launch = load(checkout)
    monkeypatch.setattr(launch.sys, "version_info", (*version, 0))
    monkeypatch.setattr(launch.shutil, "which", lambda name: found)
    said = refused(launch, capsys)
    assert "needs Python 3.10, 3.11, 3.12 or 3.13" in said
    assert f"is {version[0]}.{version[1]}" in said
    assert ("Start it with: python3.13" if found else "Install one") in said


def test_a_python_without_venv(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = load(checkout)
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: None)
    said = refused(launch, capsys)
    assert f"sudo apt install python3.{sys.version_info[1]}-venv" in said


def test_a_venv_that_cannot_be_made(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = load(checkout)
    monkeypatch.setattr(launch, "run", lambda command: 1)
    assert "-m venv --clear" in refused(launch, capsys)


def test_a_folder_that_cannot_be_written(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / ".venv.lock").mkdir()
    said = refused(load(checkout), capsys)
    assert f"cannot write {checkout / '.venv.lock'}" in said
    assert "must be yours to write" in said


def test_only_one_installs_at_a_time(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launch = load(checkout)
    with launch.alone():
        assert "another launch.py is installing" in refused(launch, capsys)


def test_old_pythons_can_read_it() -> None:
    ast.parse((ROOT / "launch.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_a_later_start_costs_little(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launch: Any = load(checkout)
    launch.PYTHON.parent.mkdir(parents=True)
    launch.PYTHON.touch()
    launch.STAMP.write_text(launch.lock_hash())
    monkeypatch.chdir(checkout)
    loaded = subprocess.check_output([sys.executable, "-c", LATER], text=True).split()
    heavy = {"asyncio", "email", "http", "multiprocessing", "numpy", "pip", "socket", "torch"}
    assert not heavy & set(loaded)
