"""Unfinished work on disk: kept, found, gone on with, given up."""

from __future__ import annotations

import errno
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from easyphoto_video import __version__
from easyphoto_video import work as module
from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot
from easyphoto_video.errors import BadFile, BadRequest, HostFailed, Missing, Stopped
from easyphoto_video.kit import Tools
from easyphoto_video.recipes import run
from easyphoto_video.request import Image2Video, Request, Text2Video
from easyphoto_video.spans import NEXT
from easyphoto_video.unfinished import (
    discard,
    leftovers,
    matching,
    named,
    sweep_begun,
    taken,
    unfinished,
    working,
)
from easyphoto_video.video.note import read_note
from easyphoto_video.video.read import open_video
from easyphoto_video.watch import Watch, unwatched
from easyphoto_video.work import check_room
from tests.fake_engine import FakeEngine

JOB = Text2Video(
    prompt="a", width=64, height=64, frames=30, span=12, span_overlap=4, seed=1, cfg=7,
    format="png", user_id="none",
)  # fmt: skip
NOISE = np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3)).astype(np.uint8)


def tools(outputs: Path, engine: FakeEngine, request: Request | None = None) -> Tools:
    resumed = None if request is None else matching(outputs, request, any_seed=False)
    return Tools(engine=engine, work=lambda job: working(outputs, job, resumed))


class Stopping(FakeEngine):
    """Stops when it is asked for one shot too many."""

    def __init__(self, most: int) -> None:
        super().__init__(by_number)
        self.most = most

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        if len(self.shots) == self.most:
            raise Stopped("Stopped.")
        return super().render(shot, watch)


def by_number(shot: Shot, frame: int) -> np.ndarray:
    """Each frame shows its number in the clip."""
    return np.full((shot.height, shot.width, 3), shot.numbers[frame], np.uint8)


def test_frames_come_back_to_the_bit(tmp_path: Path) -> None:
    with pytest.raises(Stopped), working(tmp_path, JOB) as work:
        work.keep("a", NOISE)
        assert work.has("a")
        assert not work.has("b")
        assert np.array_equal(np.stack(list(work.frames("a"))), NOISE)
        assert np.array_equal(np.stack(list(work.frames("a", 1, 2))), NOISE[1:2])
        raise Stopped("Stopped.")
    assert [each.request for each in unfinished(tmp_path)] == [JOB]


def test_nothing_is_left_when_all_went_well_or_nothing_was_done(tmp_path: Path) -> None:
    with working(tmp_path, JOB) as work:
        work.keep("a", NOISE)
    with pytest.raises(Stopped), working(tmp_path, JOB):
        raise Stopped("Stopped.")
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_run_goes_on_to_the_same_clip(tmp_path: Path) -> None:
    whole = run(JOB, tools(tmp_path, FakeEngine(by_number)), tmp_path / "whole.png")
    with pytest.raises(Stopped):
        run(JOB, tools(tmp_path, Stopping(2)), tmp_path / "part.png")
    assert unfinished(tmp_path)[0].spans == 2
    engine = FakeEngine(by_number)
    rest = run(JOB, tools(tmp_path, engine, JOB), tmp_path / "part.png")
    assert len(engine.shots) == 2
    one, other = (np.stack(list(open_video(each.path).frames())) for each in (whole, rest))
    assert np.array_equal(one, other)
    assert read_note(whole.path / "00000.png") == read_note(rest.path / "00000.png")
    assert unfinished(tmp_path) == []


def test_spans_lean_on_what_came_before(tmp_path: Path) -> None:
    engine = FakeEngine(by_number)
    result = run(JOB, tools(tmp_path, engine), tmp_path / "clip.png")
    shown = [int(frame[0, 0, 0]) for frame in open_video(result.path).frames()]
    assert shown == list(range(30))
    for shot in engine.shots[1:]:
        assert shot.start is not None
        assert shot.start.strengths(shot.frames)[:5] == (0, 0, 0, 0, NEXT)
        assert shot.start.frames[:4, 0, 0, 0].tolist() == list(shot.numbers[:4])


def test_a_closed_clip_ends_leaning_on_its_beginning(tmp_path: Path) -> None:
    engine = FakeEngine(by_number)
    run(replace(JOB, closed_loop=True), tools(tmp_path, engine), tmp_path / "clip.png")
    last = engine.shots[-1].start
    assert last is not None
    assert last.strengths(engine.shots[-1].frames)[-3:] == (0, 0, 0)
    assert last.frames[4:, 0, 0, 0].tolist() == [0, 1, 2]
    assert not any(shot.is_closed for shot in engine.shots)


def stopped(outputs: Path, request: Request = JOB) -> None:
    with pytest.raises(Stopped), working(outputs, request) as work:
        work.keep("a", NOISE)
        raise Stopped("Stopped.")


def test_work_is_found_by_its_request(tmp_path: Path) -> None:
    stopped(tmp_path)
    found = matching(tmp_path, JOB, any_seed=False)
    assert found == named(tmp_path, found.id)
    assert matching(tmp_path, replace(JOB, seed=5), any_seed=True) == found
    for other in (replace(JOB, seed=5), replace(JOB, steps=9)):
        with pytest.raises(Missing, match="30 frames of 64x64"):
            matching(tmp_path, other, any_seed=False)
    discard(tmp_path, found.id)
    with pytest.raises(Missing):
        named(tmp_path, found.id)


def test_work_that_somebody_is_at_is_nobody_elses(tmp_path: Path) -> None:
    stopped(tmp_path)
    found = unfinished(tmp_path)[0]
    with pytest.raises(Stopped), taken(found), working(tmp_path, JOB, found):
        assert unfinished(tmp_path) == leftovers(tmp_path) == []
        for refused in (lambda: named(tmp_path, found.id), lambda: discard(tmp_path, found.id)):
            with pytest.raises(BadRequest, match="worked on"):
                refused()
        with pytest.raises(BadRequest, match="worked on"), taken(found):
            pass
        raise Stopped("Stopped.")
    assert unfinished(tmp_path) == [found]
    discard(tmp_path, found.id)
    with pytest.raises(Missing), taken(found):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_can_go_on_with_is_listed_and_discarded(tmp_path: Path) -> None:
    for _ in range(3):
        stopped(tmp_path)
    there = unfinished(tmp_path)
    old, damaged, left = (each.folder / "job.json" for each in there)
    old.write_text(old.read_text().replace(__version__, "0.0.1"))
    damaged.write_text("[")
    (tmp_path / ".unfinished" / "0badcafe").mkdir()
    reasons = {each.id: each.reason for each in leftovers(tmp_path)}
    assert reasons == {
        there[0].id: f"is of version 0.0.1, and this is {__version__}",
        there[1].id: "is damaged",
        "0badcafe": "has no span that is done",
    }
    assert unfinished(tmp_path) == [there[2]]
    with pytest.raises(BadRequest, match=r"0\.0\.1.*Discard it"):
        named(tmp_path, there[0].id)
    for id in reasons:
        discard(tmp_path, id)
    assert leftovers(tmp_path) == []
    assert left.exists()


def test_what_was_begun_in_vain_is_swept_by_the_next(tmp_path: Path) -> None:
    stopped(tmp_path)
    vain = tmp_path / ".unfinished" / "0badcafe"
    vain.mkdir()
    (vain / "job.json").write_text("{}")
    (vain / "scene-0000000.part").write_text("half a span")
    vain.with_name("0badcaff.lock").touch()
    with pytest.raises(Stopped), working(tmp_path, JOB) as work:
        assert not vain.exists()
        assert sweep_begun(tmp_path) == []
        assert work.folder.exists()
        raise Stopped("Stopped.")
    (found,) = unfinished(tmp_path)
    assert [path.name for path in (tmp_path / ".unfinished").iterdir()] == [found.id]


def test_a_disk_that_is_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, *rest: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(HostFailed, match=r"No space left.*--resume"), working(tmp_path, JOB) as w:
        w.keep("a", NOISE)
        monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
        w.keep("b", NOISE)
    (found,) = unfinished(tmp_path)
    assert sorted(path.name for path in found.folder.iterdir()) == ["a.zip", "job.json"]


def test_a_picture_that_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"one")
    job = Image2Video(prompt="a", image=str(picture), width=64, height=64, seed=1, cfg=7)
    stopped(tmp_path, job)
    picture.write_bytes(b"another")
    with (
        pytest.raises(BadFile, match="has changed"),
        working(tmp_path, job, unfinished(tmp_path)[0]),
    ):
        pass
    picture.unlink()
    with (
        pytest.raises(BadFile, match="no longer there"),
        working(tmp_path, job, unfinished(tmp_path)[0]),
    ):
        pass
    assert len(unfinished(tmp_path)) == 1


def test_a_damaged_span_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"a\.zip"), working(tmp_path, JOB) as work:
        work.keep("a", NOISE)
        (work.folder / "a.zip").write_bytes(b"PK")
        list(work.frames("a"))


def test_a_full_disk_is_told_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_room(tmp_path / "not" / "there", JOB)
    monkeypatch.setattr(module, "PACKED", 1e12)
    with pytest.raises(BadRequest, match="MB free"):
        check_room(tmp_path, JOB)
