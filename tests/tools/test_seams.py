"""The measures of seams tell a cut from movement."""

from __future__ import annotations

import numpy as np
import pytest

from easyphoto_video.motion.viewing import INSIDE, Viewing, plan
from tools.seams import KINDS, borders, changes, measured

STATIC = Viewing(overlap=0, method="standard_static")


def test_a_change_is_between_a_frame_and_the_next_in_levels() -> None:
    frames = np.zeros((3, 2, 2, 3), np.uint8)
    frames[1], frames[2] = 4, 10
    assert changes(frames).tolist() == [4, 6, 10]


def test_borders_are_behind_the_last_and_before_the_first_frame_of_a_window() -> None:
    assert borders(plan(48, STATIC), 4) == {15, 31}
    assert borders(plan(32, Viewing(overlap=4, method="standard_static")), 4) == {11, 15, 27}
    closed = Viewing(overlap=0, method="standard_static", is_closed=True)
    assert borders(plan(32, closed), 1) == {15, 31}
    assert borders(plan(40, Viewing(overlap=4, method=INSIDE)), 1) == {11, 15, 23, 27}


def test_a_cut_at_a_border_is_told_from_one_elsewhere() -> None:
    seen = np.full(32, 2.0)
    seen[15], seen[5], seen[31] = 5.0, 3.0, 8.0
    line = measured("fixed, no overlap", seen, plan(32, STATIC), 20)
    assert line.at_border == pytest.approx(2.5)
    assert line.anywhere == pytest.approx(2.5)
    assert line.last_to_first == pytest.approx(4.0)
    assert line.median == 2
    assert line.evaluations == 1


def test_where_borders_are_everywhere_the_median_is_of_all() -> None:
    viewing = Viewing(overlap=0, is_closed=True)
    seen = np.linspace(1, 3, 32)
    line = measured("alternating, closed", seen, plan(32, viewing), 64)
    assert line.at_border == line.anywhere == pytest.approx(1.5)


def test_a_clip_that_fits_has_no_border() -> None:
    assert measured("alternating", np.ones(16), plan(16, STATIC), 4).at_border == 0


def test_the_kinds_can_be_asked_for() -> None:
    for asked in KINDS.values():
        assert {"windows", "overlap"} <= asked.keys()
