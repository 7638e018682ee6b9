"""install.py: packages come, none changes, and a start without a need is silent."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pip
import pytest

import install
from easyphoto_video import face_files
from tests.machine import limit

ROOT = Path(__file__).parents[3]
OURS = 'Need("demo==1.0", "demo", "nothing is drawn")'
UNNEEDED = """\
import runpy, sys
def refuse(event, arguments):
    if event in {"subprocess.Popen", "os.posix_spawn", "socket.connect"}:
        sys.exit(f"it asks for {event}")
sys.addaudithook(refuse)
runpy.run_path(sys.argv[1], run_name="__main__")
heavy = {"pip", "torch", "numpy", "cv2", "onnxruntime", "mediapipe", "insightface", "gradio"}
if found := heavy & sys.modules.keys():
    sys.exit(f"it loads {found}")
"""
START = "import install; from install import Need; install.main([{}])"


def wheel(folder: Path, name: str, version: str, needs: str = "") -> Path:
    """A package of one empty module."""
    about = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        line = f"Requires-Dist: {needs}\n" if needs else ""
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{line}"
        )
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    return path


class Environment:
    """A Python with pip and a package `figures` 1.0, and an index in a folder."""

    def __init__(self, folder: Path) -> None:
        env = folder / "env"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", env], check=True)
        self.packages = next(env.glob("[Ll]ib/**/site-packages"))
        # In a second, where venv's own way to pip takes ten.
        shutil.copytree(Path(pip.__file__).parent, self.packages / "pip")
        self.python = env / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        for version in ("1.0", "2.0"):
            wheel(self.wheels, "figures", version)
        wheel(self.wheels, "demo", "1.0", "helper")
        wheel(self.wheels, "helper", "1.0", "figures")
        wheel(self.wheels, "greedy", "1.0", "figures>=2")
        wheel(self.wheels, "modest", "1.0")
        self.call("-m", "pip", "install", "-q", "--no-deps", "figures==1.0")

    def call(self, *arguments: str, **environment: str) -> str:
        """What Python says; the index is the folder unless the environment says otherwise."""
        rest = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
        ours = {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": self.wheels.as_uri(),
            "PATH": "",
        }
        done = subprocess.run(
            [self.python, *arguments],
            env={**rest, **ours, **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=limit(600),
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    def freeze(self) -> set[str]:
        """The packages that it has."""
        return set(self.call("-m", "pip", "freeze").split())


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("an environment"))


@pytest.fixture
def fresh(environment: Environment) -> Iterator[Environment]:
    """As it was before the test."""
    yield environment
    for name in ("demo", "helper", "modest"):
        for path in environment.packages.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_packages_come_and_none_changes(fresh: Environment) -> None:
    before = fresh.freeze()
    assert fresh.call("-c", START.format(OURS)) == "EasyPhoto Video: installed demo==1.0.\n"
    assert fresh.freeze() - before == {"demo==1.0", "helper==1.0"}
    assert before <= fresh.freeze()

    # The next start has nothing to do; one that called pip would fail without it.
    there, away = fresh.packages / "pip", fresh.packages / "pip-away"
    there.rename(away)
    try:
        assert fresh.call("-c", START.format(OURS)) == ""
    finally:
        away.rename(there)


def test_a_package_that_would_change_another_is_refused(fresh: Environment) -> None:
    before = fresh.freeze()
    greedy = 'Need("greedy==1.0", "greedy", "nothing is eaten")'
    modest = 'Need("modest==1.0", "modest", "nothing is left")'
    said = fresh.call("-c", START.format(f"{greedy}, {modest}")).splitlines()
    assert said[0] == "EasyPhoto Video: installed modest==1.0."
    assert said[1] == (
        "EasyPhoto Video: greedy==1.0 is not installed, so nothing is eaten. "
        "It wants other versions of packages that the WebUI has, which are left alone: "
        "figures==1.0."
    )
    assert f'"{fresh.python}" "{ROOT / "install.py"}"' in said[2]
    assert fresh.freeze() - before == {"modest==1.0"}
    assert before <= fresh.freeze()


def test_the_webuis_own_pins_count_where_a_neighbour_has_moved_one(
    fresh: Environment, tmp_path: Path
) -> None:
    pins = tmp_path / "requirements_versions.txt"
    pins.write_text("torch\nFigures==1.0  # as the WebUI comes\nabsent==3.0\n")
    for version, needs in (("1.0", "figures<2"), ("2.0", "figures>=2")):
        wheel(fresh.wheels, "modest", version, needs)
    fresh.call("-m", "pip", "install", "-q", "--no-deps", "figures==2.0")
    try:
        modest = START.format('Need("modest", "modest", "nothing is left")')
        path = os.pathsep.join([str(tmp_path), ""])
        said = fresh.call("-c", modest, PYTHONPATH=path)
        assert said == "EasyPhoto Video: installed modest.\n"
        # The one that goes with the pin, to which the WebUI comes back; what was moved stays.
        assert {"modest==1.0", "figures==2.0"} <= fresh.freeze()
    finally:
        fresh.call("-m", "pip", "install", "-q", "--no-deps", "figures==1.0")
        wheel(fresh.wheels, "modest", "1.0")
        (fresh.wheels / "modest-2.0-py3-none-any.whl").unlink()


def test_a_package_that_nobody_has_is_told_with_the_reason(fresh: Environment) -> None:
    said = fresh.call("-c", START.format('Need("nobody==1.0", "nobody", "all is as it was")'))
    assert "so all is as it was. pip says: No matching distribution found for nobody==1.0." in said


@dataclass
class DeadIndex:
    """An index that takes calls and hangs up."""

    address: str
    calls: int = 0


@pytest.fixture
def dead_index(loopback: None) -> Iterator[DeadIndex]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()
        index = DeadIndex(f"http://127.0.0.1:{server.getsockname()[1]}/simple")

        def hang_up() -> None:
            while not over.is_set():
                try:
                    server.accept()[0].close()
                    index.calls += 1
                except TimeoutError:
                    continue

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield index
        over.set()
        thread.join()


def test_without_a_network_it_is_told_once_and_soon(
    fresh: Environment, dead_index: DeadIndex
) -> None:
    modest = 'Need("modest==1.0", "modest", "nothing is left")'
    said = fresh.call(
        "-c",
        START.format(f"{OURS}, {modest}"),
        PIP_NO_INDEX="",
        PIP_FIND_LINKS="",
        INDEX_URL=dead_index.address,
    ).splitlines()
    assert dead_index.calls == 2  # pip tries again once, where it would five times by itself
    # One try for both, a line for each and one for what to do.
    assert [line.split(" is not")[0] for line in said[:2]] == [
        "EasyPhoto Video: demo==1.0",
        "EasyPhoto Video: modest==1.0",
    ]
    assert all("does not answer" in line for line in said[:2])
    assert said[2].startswith("EasyPhoto Video: The WebUI starts all the same.")
    assert len(said) == 3


def test_a_program_on_the_path_does_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [need] = [need for need in install.NEEDS if need.module == "imageio_ffmpeg"]
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert need.is_missing
    program = tmp_path / ("ffmpeg.exe" if os.name == "nt" else "ffmpeg")
    program.touch(mode=0o755)
    assert not need.is_missing


def test_a_start_without_a_need_loads_little_and_is_silent() -> None:
    if not face_files.are_in(face_files.BESIDE):
        pytest.skip(f"no face files: {face_files.COMMAND}")
    command = [sys.executable, "-c", UNNEEDED, str(ROOT / "install.py")]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout + done.stderr == b""


def test_constraints_leave_out_what_pip_cannot_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, version in (("odd", "unknown"), ("My_Own.Pack", "1.0+cu121"), ("my-own-pack", "2")):
        about = tmp_path / f"{name}-{version}.dist-info"
        about.mkdir()
        about.joinpath("METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    [line] = install.freeze()
    assert line in {"my-own-pack==1.0+cu121", "my-own-pack==2"}


@pytest.mark.slow(reason="asks pip three times more")
def test_a_package_may_come_without_what_it_asks_for(fresh: Environment) -> None:
    before = fresh.freeze()
    fresh.call("-c", START.format('Need("demo==1.0", "demo", "nothing is drawn", alone=True)'))
    assert fresh.freeze() - before == {"demo==1.0"}


def test_what_finds_faces_comes_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def bring(folder: Path, options: list[str]) -> None:
        asked.append(options)
        folder.mkdir(exist_ok=True)
        if len(asked) == 1:
            raise face_files.NotBrought("pip says: no")
        for member in (face_files.DETECTOR, face_files.MESH):
            (folder / member.name).touch()

    monkeypatch.setattr(face_files, "bring", bring)
    monkeypatch.setattr(face_files, "BESIDE", tmp_path / "faces")
    monkeypatch.setenv("INDEX_URL", "an index")
    install.bring_face_files()
    assert "so no face is redrawn: pip says: no. To try again: " in capsys.readouterr().out
    install.bring_face_files()
    assert "took the networks" in capsys.readouterr().out
    install.bring_face_files()
    assert capsys.readouterr().out == ""
    assert asked == [["--index-url", "an index"]] * 2


def test_a_full_disk_does_not_stop_the_webui(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(needs: object) -> dict[install.Need, install.NotInstalled]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(install, "install_all", fail)
    install.main([install.Need("demo==1.0", "demo_not_there", "nothing is drawn")])
    assert "No space left on device" in capsys.readouterr().out


def test_pip_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "SECONDS", 0)
    with pytest.raises(install.NoNetwork, match="not done after 0 s"):
        install.pip("download", "nothing")
