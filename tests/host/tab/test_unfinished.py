"""What was stopped stands in the panel, goes on by a press, or goes away by two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot
from easyphoto_video.errors import OutOfMemory
from easyphoto_video.unfinished import unfinished
from tests.fake_engine import FakeEngine, plain
from tests.host.tab.drive import Driven


class Failing(FakeEngine):
    """Fails in the span that begins at this frame, until `failing` is taken away."""

    def __init__(self) -> None:
        self.failing = True
        super().__init__(self._paint)

    def _paint(self, shot: Shot, frame: int) -> Frames:
        if self.failing and shot.first >= 16:
            raise OutOfMemory("here", "Give fewer pixels.")
        return plain(shot, frame)


@pytest.fixture
def tab(tmp_path: Path, event_loops: None) -> Driven:
    tab = Driven(tmp_path, Failing())
    tab.set(frames=24, span=8, span_overlap=0, seed=5, steps=2, format="gif")
    return tab


def stopped(tab: Driven) -> dict[str, Any]:
    *_, last = tab.stream()
    return last


def test_what_fails_can_be_gone_on_with(tab: Driven) -> None:
    last = stopped(tab)
    assert 'It can be resumed; finished spans:</span> <b translate="no">2</b>' in last["progress"]
    assert "Out of memory" in last["error"]
    (line,) = last["unfinished"]["choices"]
    assert (last["unfinished"]["value"], last["unfinished_box"]["visible"]) == (line, True)
    assert "24 frames of 64x64, seed 5" in line

    engine: Any = tab.host.engine
    engine.failing = False
    done = list(tab.stream("unfinished_resume"))
    assert [shot.first for shot in engine.shots] == [0, 8, 16, 16]
    assert "Done in" in done[-2]["progress"]
    assert done[-2]["picture"]["value"].endswith("00001-5.gif")
    assert done[-2]["unfinished_box"]["visible"] is False
    assert unfinished(tab.host.outputs) == []


def test_it_goes_on_without_a_queue_too(tmp_path: Path, event_loops: None) -> None:
    tab = Driven(tmp_path, Failing(), streams=False)
    tab.set(frames=24, span=8, span_overlap=0, steps=2, format="gif")
    assert tab.touch("generate")["unfinished_box"]["visible"] is True
    engine: Any = tab.host.engine
    engine.failing = False
    assert "Done in" in tab.touch("unfinished_resume")["progress"]


def test_a_page_that_comes_later_shows_it(tab: Driven) -> None:
    stopped(tab)
    other = Driven(tab.host.data_dir)
    assert other.part("unfinished_box").visible is True
    assert other.held("unfinished") == other.part("unfinished").choices[0][0]
    tab.set(unfinished=None)
    assert tab.touch("refresh_results")["unfinished"]["value"] == other.held("unfinished")


def test_nothing_is_thrown_away_by_one_press(tab: Driven) -> None:
    line = stopped(tab)["unfinished"]["value"]
    asked = tab.touch("unfinished_discard")
    assert asked["unfinished_discard"]["value"] == "Discard for good"
    assert len(unfinished(tab.host.outputs)) == 1
    tab.touch("unfinished", "input")
    assert tab.touch("unfinished_discard")["unfinished_discard"]["value"] == "Discard for good"
    gone = tab.touch("unfinished_discard")
    assert (gone["unfinished_box"]["visible"], gone["unfinished"]["choices"]) == (False, [])
    assert unfinished(tab.host.outputs) == []
    tab.set(unfinished=line)
    (told,) = tab.stream("unfinished_resume")
    assert "Unfinished work" in told["error"]


def test_no_choice_is_told(tab: Driven) -> None:
    (told,) = tab.stream("unfinished_resume")
    assert "Choose one in the list." in told["error"]
    assert "Choose one in the list." in tab.touch("unfinished_discard")["error"]


def test_what_has_no_span_cannot_be_gone_on_with(tab: Driven) -> None:
    tab.set(frames=16, span=16)
    engine: Any = tab.host.engine
    engine.painter = lambda shot, frame: np.zeros((1, 1, 3), np.uint8)[2]
    last = stopped(tab)
    assert "Failed." in last["progress"]
    assert "resumed" not in last["progress"]
    assert last["unfinished_box"]["visible"] is False
