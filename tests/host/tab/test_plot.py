"""Scores as a picture in the page."""

from __future__ import annotations

from easyphoto_video.faces.score import Flicker, Likeness, Scores
from easyphoto_video.host.tab.plot import plot

SCORES = Scores(
    identity=Likeness((0.5, 1.0, None, 0.75)),
    flicker=Flicker(1.25, None),
    frames_without_face=1,
).to_json()


def test_a_line_for_each_stretch_and_a_dot_for_a_lone_frame() -> None:
    html = plot(SCORES)
    assert html.count("<polyline") == 2
    assert "<dd>0.75</dd>" in html
    assert "<dd>0.50</dd>" in html
    assert "<dd>1.25</dd>" in html
    assert "Flicker elsewhere" not in html
    lone = html.split("<polyline")[2].split("'")[1].split(" ")
    assert lone[0] == lone[1]


def test_nothing_measured_shows_nothing_but_what_is_said() -> None:
    assert "<svg" not in plot(None)
    html = plot(Scores().to_json(), ("No <face>.",))
    assert "No &lt;face&gt;." in html
    assert "<dl>" not in html
