"""The measures of seams tell a cut from movement."""

from __future__ import annotations

import numpy as np
import pytest

from easyphoto_video.motion.viewing import INSIDE, Viewing, plan
from easyphoto_video.spans import spans
from tools.seams import KINDS, Seams, borders, changes, measured, seams

STATIC = Viewing(overlap=0, method="standard_static")


def test_a_change_is_between_a_frame_and_the_next_in_levels() -> None:
    frames = np.zeros((3, 2, 2, 3), np.uint8)
    frames[1], frames[2] = 4, 10
    assert changes(frames).tolist() == [4, 6, 10]


def test_borders_are_behind_the_last_and_before_the_first_frame_of_a_window() -> None:
    assert borders(plan(48, STATIC), 3) == {15, 31}
    assert borders(plan(32, Viewing(overlap=4, method="standard_static")), 3) == {11, 15, 27}
    closed = Viewing(overlap=0, method="standard_static", is_closed=True)
    assert borders(plan(32, closed), 0) == {15, 31}
    assert borders(plan(40, Viewing(overlap=4, method=INSIDE)), 0) == {11, 15, 23, 27}


def of(frames: int, viewing: Viewing, most: int = 100) -> Seams:
    cut = spans(range(frames), most, 4)
    return seams(cut, [plan(len(span.rows), viewing) for span in cut], 4)


def test_seams_are_numbered_along_the_clip() -> None:
    """Two spans of 32 frames, the second of which begins with four of the first."""
    where = of(60, STATIC, 32)
    assert where.spans == {31}
    assert where.steps == ({15, 43},) * 4
    assert where.evaluations == pytest.approx(64 / 60)


def test_a_cut_at_a_border_is_told_from_one_elsewhere() -> None:
    seen = np.full(32, 2.0)
    seen[15], seen[5], seen[31] = 5.0, 3.0, 8.0
    line = measured("fixed, no overlap", seen, of(32, STATIC), 4.5, is_closed=False)
    assert line.last_step == pytest.approx(2.5)
    assert line.border == pytest.approx(5 / (61 / 30))
    assert line.elsewhere == pytest.approx(1.5)
    assert line.last_to_first == pytest.approx(4.0)
    assert (line.span, line.levels, line.evaluations) == (0, 4.5, 1)


def test_a_seam_of_spans_is_told_from_borders() -> None:
    seen = np.ones(60)
    seen[31] = 3.0
    line = measured("fixed, no overlap", seen, of(60, STATIC, 32), 1.0, is_closed=False)
    assert (line.span, line.last_step, line.elsewhere) == (3, 1, 1)


def test_a_clip_that_fits_has_no_border() -> None:
    line = measured("alternating", np.ones(16), of(16, STATIC), 1.0, is_closed=False)
    assert (line.last_step, line.border, line.span) == (0, 1, 0)


def test_the_kinds_can_be_asked_for() -> None:
    for asked in KINDS.values():
        assert {"windows", "overlap"} <= asked.keys()
