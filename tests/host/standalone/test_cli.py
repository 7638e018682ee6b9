"""The command line: options come from the fields, bad input is refused with what to do."""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from easyphoto_video import logs
from easyphoto_video.host.library import OUTPUTS
from easyphoto_video.host.standalone import cli
from easyphoto_video.host.standalone.cli import main, parse
from easyphoto_video.host.standalone.options import option_of, request_of
from easyphoto_video.host.standalone.progress import Lines, progress
from easyphoto_video.modes.registry import MODES
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.presets import PRESETS
from easyphoto_video.request import Lora
from easyphoto_video.setting import settings
from tests.host.fake import add_person


def request(*argv: str) -> Text2Video:
    return request_of(parse(["text2video", *argv]), Text2Video)


def test_every_field_has_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    for mode, kind in MODES.items():
        with pytest.raises(SystemExit, match="0"):
            main([mode, "--help"])
        text = capsys.readouterr().out
        for field, setting in settings(kind.request):
            assert option_of(field.name, setting.kind.several) in text


def test_help_shows_defaults_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["text2video", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "or -1 for automatic) [automatic]" in text
    assert "(from 1 to 150) [20]" in text


def test_without_options_the_request_is_the_default() -> None:
    assert request() == Text2Video()


def test_options_reach_their_fields() -> None:
    made = request("--size", "64x128", "--lora", "a:0.5", "--lora", "b", "--fps", "30000/1001")
    assert (made.width, made.height) == (64, 128)
    assert made.loras == (Lora("a", 0.5), Lora("b", 1.0))
    assert str(made.fps) == "30000/1001"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_a_default_of_fields_and_what_is_given_goes_before_it(preset: str) -> None:
    assert request("--preset", preset) == Text2Video(**PRESETS[preset])
    assert request("--steps", "5", "--preset", preset).steps == 5


@pytest.mark.parametrize(
    ("argv", "format"),
    [
        (["--out", "a.gif"], "gif"),
        (["--out", "folder"], "mp4"),
        (["--out", "a.gif", "--format", "webp"], "webp"),
    ],
)
def test_the_output_name_decides_the_format_unless_told(argv: list[str], format: str) -> None:
    assert request(*argv).format == format


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--promt", "x"], "Did you mean --prompt"),
        (["--size", "100x64"], "Width"),
        (["--size", "big"], "WIDTHxHEIGHT"),
        (["--frames", "0"], "from 1 to 1000000"),
        (["--sampler", "Magic"], "DPM"),
        (["--device", "tpu"], "cpu"),
        (["--out", "clip.avi"], ".webm"),
    ],
)
def test_bad_options_are_refused(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["text2video", "--json", *argv]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert words in json.loads(printed.out.splitlines()[-1])["error"]


def test_without_a_command_it_is_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[argparse.Namespace] = []
    monkeypatch.setattr(cli, "_page", served.append)
    assert main([]) == main(["page", "--port", "1", "--listen"]) == 0
    assert [(args.port, args.listen) for args in served] == [(7870, False), (1, True)]


@pytest.mark.parametrize("argv", [["--port"], ["text2opera"]])
def test_no_command_is_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert "--help" in capsys.readouterr().err


def test_info_says_when_a_file_has_no_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no.mp4").write_bytes(b"nothing")
    assert main(["info", str(tmp_path / "no.mp4")]) == 2
    assert "no.mp4" in capsys.readouterr().err


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from easyphoto_video.host.standalone.cli import parse; parse(['text2video']);"
        "print([m for m in ('torch', 'numpy', 'diffusers', 'cv2') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_reader_who_leaves_is_no_failure() -> None:
    command = [sys.executable, "-m", "easyphoto_video", "fetch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_lines_tell_tenths_once() -> None:
    stream = io.StringIO()
    watch = Lines(stream)
    for step in range(101):
        watch("denoising", step / 100)
    assert len(stream.getvalue().splitlines()) == 11


def test_bars_on_a_terminal_name_each_stage() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with progress(stream) as watch:
        watch("denoising", 0.5)
        watch("writing", 1.0)
    assert "denoising" in stream.getvalue()
    assert "100%" in stream.getvalue()


def test_people_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user-ids", "--data-dir", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("demo\n", "")
    add_person(tmp_path, "ada")
    add_person(tmp_path, "zoe")
    assert main(["user-ids", "--data-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "ada\nzoe\ndemo\n"
    assert main(["user-ids", "--data-dir", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"user_ids": ["ada", "zoe", "demo"]}


def test_what_nobody_foresaw_is_logged_and_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(args: argparse.Namespace) -> None:
        raise ZeroDivisionError(f"by {args.prompt}")

    monkeypatch.setattr(cli, "_render", broken)
    words = ["text2video", "--prompt", "someone", "--data-dir", str(tmp_path)]
    log = tmp_path / OUTPUTS / logs.FOLDER / logs.FILE
    assert main(words) == 1
    where = f"The log shows where ({log}); please report it.\n"
    assert capsys.readouterr().err == f"ZeroDivisionError: by someone. {where}"
    assert "in broken: raise ZeroDivisionError" in log.read_text()
    assert "someone" not in log.read_text()
    assert main([*words, "--verbose"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_note_of_somebody_elses_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("Steps: 20", "[" * 100_000):
        monkeypatch.setattr("easyphoto_video.video.note.read_note", lambda _, text=text: text)
        assert main(["info", "a.mp4", "--data-dir", str(tmp_path)]) == 2
        assert "its note is not ours" in capsys.readouterr().err
    monkeypatch.undo()
    assert main(["info", "x" * 5000, "--data-dir", str(tmp_path)]) == 2
    assert main(["text2video", "--out", f"{'x' * 300}.mp4", "--frames", "0"]) == 2
