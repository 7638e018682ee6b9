"""What an error says to who sits at the machine, and to a browser; and what a log says of it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from easyphoto_video import logs
from easyphoto_video.errors import (
    BadFile,
    BadRequest,
    EasyPhotoError,
    FacePassFailed,
    HostFailed,
    Missing,
    OutOfMemory,
)
from easyphoto_video.files import FOLDER, NOBODY, check_file, is_folder, parsed, trouble_with
from easyphoto_video.host.cast import pack_of
from easyphoto_video.host.library import LORAS, MOTIONS, VAES, Library
from easyphoto_video.identity import People
from tests.odd import fifo

HOME = Path("/srv/some body/data")


@pytest.mark.parametrize(
    ("error", "public"),
    [
        (
            BadFile(HOME / "a b.png", "it is odd", "Give another."),
            "a b.png: it is odd. Give another.",
        ),
        (
            BadFile(HOME / "a.png", f"cannot identify '{HOME}/a.png'", "Give another."),
            "a.png: cannot identify 'a.png'. Give another.",
        ),
        (
            BadFile("clip.mp4", "file:/srv/other/clip.mp4: Invalid data", "See https://a.b/c/d."),
            "clip.mp4: clip.mp4: Invalid data. See https://a.b/c/d.",
        ),
        (
            BadRequest("Output", HOME / "c.mp4", "cannot be written", "Choose."),
            "Output: 'c.mp4' cannot be written. Choose.",
        ),
        (
            Missing("VAE 'x'", f"Put it into {HOME}/models/VAE.", (HOME,)),
            "VAE 'x' is missing. Put it into models/VAE.",
        ),
        (Missing(HOME / "m.ckpt", "Get it."), "m.ckpt is missing. Get it."),
        (Missing("GET /easyphoto-video/x", "Use POST /easyphoto-video/y."), None),
        (
            HostFailed("FileNotFoundError: [Errno 2] No such file: '/srv/a b/c.png'"),
            "FileNotFoundError: [Errno 2] No such file: 'c.png'",
        ),
        (HostFailed(r"no C:\Users\ada\x.bin here, 3/4 done"), "no x.bin here, 3/4 done"),
        (
            FacePassFailed(HostFailed("/srv/x.onnx broke."), HOME / "00001-7.mp4"),
            "The face pass failed: x.onnx broke. The clip as it was before is kept in 00001-7.mp4.",
        ),
    ],
)
def test_the_public_sentence_names_no_folder(error: EasyPhotoError, public: str | None) -> None:
    assert error.public == (str(error) if public is None else public)


def test_what_a_library_misses_says_to_others_where_it_belongs_and_no_more(tmp_path: Path) -> None:
    library = Library(tmp_path, paths=False)
    for name in ("one/a.safetensors", "two/a.safetensors"):
        file = tmp_path / "models" / "Lora" / name
        file.parent.mkdir(parents=True)
        file.touch()
    calls = [
        lambda: library.find(VAES, "x"),
        lambda: library.find(LORAS, "a"),
        lambda: Library(tmp_path, embedded=tmp_path / "none").find(MOTIONS, "embedded"),
        lambda: pack_of("x", tmp_path),
        lambda: People(tmp_path).get("nobody"),
    ]
    for call in calls:
        with pytest.raises(EasyPhotoError) as raised:
            call()
        assert str(tmp_path) in str(raised.value)
        assert str(tmp_path.parent) not in raised.value.public
    with pytest.raises(Missing) as raised:
        library.find(VAES, "x")
    assert "Put the file into models/VAE" in raised.value.public


@pytest.mark.parametrize("name", ["x" * 300, "x" * 20_000, "a\0b", "y/" * 5000])
def test_names_that_cannot_be_are_no_files(tmp_path: Path, name: str) -> None:
    assert trouble_with(tmp_path / name) not in ("", FOLDER)
    assert not is_folder(tmp_path / name)
    with pytest.raises(BadFile, match="Give another"):
        check_file(tmp_path / name, "Give another.")
    with pytest.raises(Missing, match="Face recognition"):
        pack_of(name, tmp_path)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    assert trouble_with(tmp_path / "none") == NOBODY
    assert trouble_with(tmp_path) == FOLDER
    assert trouble_with(fifo(tmp_path / "f")) == "it is no file but a pipe"
    if Path("/dev/zero").exists():
        assert trouble_with(Path("/dev/zero")) == "it is no file but a device"


def test_json_nested_too_deep_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="too deep"):
        parsed("[" * 200_000)


def failing(words: str) -> Exception:
    """An error that came through here."""
    try:
        raise KeyError(words)
    except KeyError as error:
        return error


def test_the_log_has_the_traceback_and_nothing_of_the_user(tmp_path: Path) -> None:
    given = {"prompt": "a Girl with RED hair, 雪山", "seed": 7, "image": "/home/ada/anna.png"}
    outputs = tmp_path / "outputs"
    with logs.kept(outputs, verbose=False):
        assert not outputs.exists()
        error = logs.translated(failing("girl red /home/ada/anna.png 山 tensor 3"), given)
        logs.translated(failing("a secret"))
    assert isinstance(error, HostFailed)
    file = outputs / logs.FOLDER / logs.FILE
    text = file.read_text(encoding="utf-8")
    assert "test_errors.py" in text
    assert "in failing: raise KeyError(words)" in text
    assert "tensor 3" in text
    for word in ("girl", "red ", "anna", "ada", "山", "secret", str(Path.home())):
        assert word not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert str(file) in str(error)
    assert str(tmp_path) not in error.public


def test_the_cause_of_a_failed_engine_is_logged_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = HostFailed("KeyError: x")
    found.__cause__ = failing("x")
    with logs.kept(tmp_path, verbose=True):
        assert logs.translated(FacePassFailed(found, tmp_path / "a.mp4")) is not found
        assert logs.translated(found, "x") is found
    assert "in failing" in (tmp_path / logs.FOLDER / logs.FILE).read_text()
    assert "KeyError: 'x'" in capsys.readouterr().err
    with logs.kept(tmp_path / "other", verbose=False):
        logs.translated(Missing("x", "Get it."))
    assert not (tmp_path / "other").exists()
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_written_is_told_and_costs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with logs.kept(tmp_path / "file", verbose=False):
        assert isinstance(logs.translated(failing("x")), HostFailed)
    assert "in failing" in capsys.readouterr().err
    assert logs.CONSOLE in logs.LOGGER.handlers


def test_too_little_memory_is_said_as_such() -> None:
    for error in (MemoryError(), ImportError("libx.so: failed to map segment from shared object")):
        assert isinstance(logs.translated(error), OutOfMemory)
