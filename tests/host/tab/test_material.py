"""A dropped film is looked at and shown; a schedule is drawn, or told where it is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.host.tab.curves import curve_of
from tests.host.tab.drive import Driven


def drop(tab: Driven, value: Any, name: str = "video2video_video") -> dict[str, Any]:
    tab.set(**{name: value})
    return tab.touch(name, "change")


def animation(path: Path, count: int = 4) -> str:
    first, *others = [Image.new("RGB", (16, 8), (60 * i, 0, 0)) for i in range(count)]
    first.save(path, save_all=True, append_images=others, duration=100)
    return str(path)


def test_an_animation_is_shown_moving_with_its_facts(tab: Driven, tmp_path: Path) -> None:
    told = drop(tab, [animation(tmp_path / "a.gif")])
    assert told["video2video_video_picture"]["visible"] is True
    assert told["video2video_video_picture"]["value"].endswith(".gif")
    assert told["video2video_video_film"]["visible"] is False
    facts = re.sub(r"<[^>]*>", "", told["video2video_video_facts"])
    assert facts == "16x8 Frames 4 Frames per second 10 Length 0 s without sound"


def test_what_goes_away_takes_its_picture_along(tab: Driven, tmp_path: Path) -> None:
    drop(tab, [animation(tmp_path / "a.gif")])
    told = drop(tab, None)
    assert told["video2video_video_picture"] == {
        **told["video2video_video_picture"],
        "value": None,
        "visible": False,
    }
    assert "The film to begin from" in told["video2video_video_facts"]


def test_pictures_of_a_folder_are_shown_by_their_first(tab: Driven, tmp_path: Path) -> None:
    for i in range(3):
        Image.new("RGB", (16, 8), (100 * i, 0, 0)).save(tmp_path / f"{i}.png")
    told = drop(tab, [str(tmp_path / f"{i}.png") for i in (1, 2, 0)])
    assert np.array(told["video2video_video_picture"]["value"])[0, 0].tolist() == [0, 0, 0]
    assert '<b translate="no">3</b>' in told["video2video_video_facts"]


def test_what_is_no_film_is_told_at_once(tab: Driven, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("no film")
    told = drop(tab, [str(tmp_path / "words.txt")], "video2video_mask_video")
    assert "easyphoto_video_error" in told["error"]
    assert told["video2video_mask_video_film"]["visible"] is False


def test_the_film_stands_in_the_request(tab: Driven, tmp_path: Path) -> None:
    drop(tab, [animation(tmp_path / "a.gif")])
    form = tab.forms["video2video"]
    request: Any = form.request([tab.values[part] for part in form.components])
    assert Path(request.video).parent == form.inputs.folder


def test_a_schedule_is_drawn_over_the_clips_frames(tab: Driven) -> None:
    tab.set(cfg_schedule="0:(2), 4:(4)", frames=5)
    drawn = tab.touch("cfg_schedule", "change")["curve_cfg_schedule"]
    points = re.search(r"points=.([^\"']*)", drawn)
    assert points is not None
    heights = [float(point.split(",")[1]) for point in points[1].split()]
    assert heights == pytest.approx([52, 40, 28, 16, 4])
    assert ">0 to 4<" in drawn
    assert ">2 to 4<" in drawn


@pytest.mark.parametrize(
    ("text", "frames", "said"),
    [
        ("0:(7), 8:(4", 16, "line 1, column 12: "),
        ("0:(7),\n8 (4)", 16, "line 2, column "),
        ("0:(0.5)", 16, "0.5 at frame 0 is outside of 1 to 30"),
        ("0:(sqrt(-t))", 16, "not a finite number"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, frames: int, said: str) -> None:
    told = curve_of((1.0, 30.0), text, frames, -1)
    assert "easyphoto_video_error" in told
    assert said in told


@pytest.mark.parametrize("frames", [None, 0, 1, 3, 240, 241, 1_000_000])
def test_any_number_of_frames_is_drawn(frames: int | None) -> None:
    points = curve_of((1.0, 30.0), "0:(1+t/100000)", frames, None).split("points=")[1]
    assert 2 <= points.split(">")[0].count(",") <= 240


def test_nothing_is_drawn_of_nothing() -> None:
    assert [curve_of((1.0, 30.0), text, 8, 1) for text in (None, "", " \n")] == ["", "", ""]
