"""The fuzz finds what breaks the law, and a short run of it finds nothing."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from easyphoto_video.errors import BadRequest, HostFailed
from easyphoto_video.request import request_from
from tests.machine import limit
from tools import fuzz_case
from tools.fuzz import Worker, main
from tools.fuzz_case import ACCEPTED, Outcome, outcome
from tools.fuzz_samples import make_samples

COUNT = 25


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    make_samples(folder, None)
    return folder


@pytest.mark.parametrize("kind", sorted(fuzz_case.LIMITS))
def test_a_short_run_finds_nothing(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--only", kind, "--count", str(COUNT), "--seed", "5000"])
    told = capsys.readouterr()
    assert code == 0, told.err
    row = told.out.splitlines()[1].split()
    assert row[:2] == [kind, str(COUNT)]
    assert 0 < int(row[2]) < COUNT  # some are taken, some are refused


def test_a_case_is_the_same_each_time(samples: Path, tmp_path: Path) -> None:
    with Worker("media", samples, tmp_path) as worker:
        first = [worker.outcome(seed).kind for seed in range(8)]
    with Worker("media", samples, tmp_path) as worker:
        assert [worker.outcome(seed).kind for seed in reversed(range(8))] == first[::-1]
    assert len(set(first)) > 1


def refused(rng: random.Random, samples: Path, folder: Path) -> None:
    raise BadRequest("Seed", 1, "is odd", "Give another.")


def wordless(rng: random.Random, samples: Path, folder: Path) -> None:
    raise BadRequest("Seed", 1, "is odd", "")


def unforeseen(rng: random.Random, samples: Path, folder: Path) -> None:
    raise HostFailed("ffmpeg ended.")


def careless(rng: random.Random, samples: Path, folder: Path) -> None:
    tempfile.mkdtemp()


def halfway(rng: random.Random, samples: Path, folder: Path) -> None:
    (folder / "clip.part").touch()


def loud(rng: random.Random, samples: Path, folder: Path) -> None:
    sys.stderr.write("Traceback (most recent call last)")


def good(rng: random.Random, samples: Path, folder: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("case", "kind", "finding"),
    [
        (good, ACCEPTED, ""),
        (refused, "BadRequest", ""),
        (wordless, "BadRequest", "no next step"),
        (unforeseen, "HostFailed", "nobody foresaw it"),
        (careless, ACCEPTED, "among the temporary files"),
        (halfway, ACCEPTED, "clip.part"),
        (loud, ACCEPTED, "it says: Traceback"),
    ],
)
def test_what_breaks_the_law_is_found(
    case: fuzz_case.Case,
    kind: str,
    finding: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = tmp_path / "words"
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", "")
    with words.open("w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setattr(fuzz_case, "MOST_MEMORY", 1 << 20)  # of this process, full of tests
        told = outcome(case, 1, tmp_path, tmp_path / "case", words)
    assert told.kind == kind
    assert [finding in found for found in told.findings] == ([True] if finding else [])
    assert not (tmp_path / "case").exists()


class Hanging:
    """A worker's process that never answers, or ends at once."""

    @staticmethod
    def hang(pipe: Connection, kind: str, samples: Path, folder: Path) -> None:
        _begin(pipe)
        time.sleep(1e6)

    @staticmethod
    def end(pipe: Connection, kind: str, samples: Path, folder: Path) -> None:
        (folder / fuzz_case.WORDS).write_text("ValueError: boom")
        _begin(pipe)
        sys.exit(3)


def _begin(pipe: Connection) -> None:
    pipe.send(fuzz_case.BEGUN)


@pytest.mark.parametrize(
    ("way", "kind", "words"),
    [(Hanging.hang, "hang", "nothing within"), (Hanging.end, "crash", "ends with 3: ValueError")],
)
def test_a_process_that_hangs_or_ends_is_found(
    way: object, kind: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.fuzz.serve", way)
    monkeypatch.setitem(fuzz_case.LIMITS, "texts", 0.5 if kind == "hang" else limit(60))
    with Worker("texts", tmp_path, tmp_path) as worker:
        told: Outcome = worker.outcome(1)
    assert told.kind == kind
    assert words in told.findings[0]


@pytest.mark.parametrize("mode", [{}, [], {"a": 1}, None, 8])
def test_a_mode_that_is_no_text_is_refused(mode: object) -> None:
    """Found by it, at a request whose mode could not be looked up."""
    with pytest.raises(BadRequest, match="Choose one of: text2video"):
        request_from({"mode": mode})


def test_what_it_cannot_do_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "films"])
    assert ended.value.code == 2
    assert "media" in capsys.readouterr().err
