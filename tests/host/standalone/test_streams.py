"""What the program does where it cannot print, and that its end leaves nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from easyphoto_video import temporary
from easyphoto_video.host.standalone import cli
from easyphoto_video.host.standalone.cli import main
from easyphoto_video.host.standalone.progress import Lines

ROOT = Path(__file__).parents[3]
posix = pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")


def shell(line: str, folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run the program by a line of the shell in which it is "$@"."""
    program = [sys.executable, "-m", "easyphoto_video", *argv, "--data-dir", str(folder / "data")]
    return subprocess.run(
        ["sh", "-c", line, "sh", *program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@posix
def test_a_closed_output_is_no_failure(tmp_path: Path) -> None:
    for line in ('"$@" >&-', '"$@" <&- >&- 2>&-'):
        done = shell(line, tmp_path, "user-ids")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    refused = shell('"$@" 2>&-', tmp_path, "text2video", "--frames", "0")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("json", [(), ("--json",)])
def test_an_output_that_is_full_is_told(tmp_path: Path, json: Sequence[str]) -> None:
    done = shell('"$@" >/dev/full', tmp_path, "user-ids", *json)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "demo" in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_who_reads_the_progress_is_no_failure() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    watch = Lines(Gone())
    watch("denoising", 0.5)
    watch("writing", 1.0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    temporary.close()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_everything_temporary_is_ours_while_a_command_runs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def people(args: object) -> None:
        seen.append(Path(tempfile.mkdtemp()))
        code = "import tempfile; print(tempfile.gettempdir())"
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        seen.append(Path(told.stdout.strip()))
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_user_ids", people)
    before = {name: os.environ.get(name) for name in temporary.VARIABLES}
    assert main(["user-ids"]) == 130
    assert seen[0].parent == seen[1]
    assert seen[1].is_relative_to(home)
    assert list(home.iterdir()) == []
    assert {name: os.environ.get(name) for name in temporary.VARIABLES} == before
    assert tempfile.tempdir == str(home)


def test_room_can_be_made_where_nothing_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    temporary.close()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    work = tmp_path / "outputs" / "easyphoto-video" / ".unfinished" / "0badcafe"
    work.mkdir(parents=True)
    data = ("--data-dir", str(tmp_path))
    assert main(["unfinished", "--json", *data]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [left["id"] for left in told["leftovers"]] == ["0badcafe"]
    assert main(["unfinished", *data]) == 0
    assert "unfinished --sweep" in capsys.readouterr().out
    assert main(["unfinished", "--sweep", *data]) == 0
    assert str(work) in capsys.readouterr().out
    assert not work.parent.exists()
    assert main(["user-ids", *data]) == 1
    assert "Set TMPDIR" in capsys.readouterr().err
