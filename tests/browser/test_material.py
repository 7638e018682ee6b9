"""By clicks: pictures come alive, a film is drawn anew, and a stopped run goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.host.tab.inputs import FOLDER
from easyphoto_video.identity import People
from easyphoto_video.unfinished import unfinished
from easyphoto_video.video.note import read_note
from easyphoto_video.video.read import open_video
from easyphoto_video.video.still import fitted, read_picture
from tests.browser.conftest import Opener, Served
from tests.browser.hands import ID, PATIENCE, choose, fill, line, open_part, playing, show

pytestmark = pytest.mark.slow(reason="many clicks and clips; test_page.py has the way through")
STILL = 24.0
"""dB to a given picture, at least."""
HALFWAY = """() => {
    const bar = document.querySelector('#easyphoto_video_progress [role=progressbar]');
    const line = document.querySelector('#easyphoto_video_progress .easyphoto_video_line');
    return bar && line && line.textContent.includes('denoising') && +bar.ariaValueNow > 40;
}"""


def drop(page: Any, name: str, *files: Path) -> None:
    page.locator(f"{ID}{name} input[type=file]").first.set_input_files(list(files))


def dropped(page: Any, name: str, file: Path) -> None:
    """Drop a picture and wait until it is seen."""
    drop(page, name, file)
    page.locator(f"{ID}{name} img").first.wait_for()


def made(page: Any, served: Served) -> Path:
    """The file that the page says it made."""
    line(page, "Done in")
    return served.data / page.locator(f"{ID}progress b").last.text_content()


def note_of(clip: Path) -> dict[str, Any]:
    return json.loads(read_note(clip))["request"]


def likeness(frame: np.ndarray, picture: Path) -> float:
    """PSNR in dB of a frame (H, W, 3) to a picture in its size."""
    height, width = frame.shape[:2]
    wanted = fitted(read_picture(picture), width, height)
    return float(-10 * np.log10(np.mean(((frame / 255.0) - wanted / 255.0) ** 2)))


@pytest.fixture
def pictures(tmp_path: Path, served: Served) -> tuple[Path, Path]:
    first = People(served.data).get("demo").reference
    last = tmp_path / "last.png"
    with Image.open(first) as picture:
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).convert("RGB").save(last)
    return first, last


def test_one_picture_comes_alive_then_two(
    opened: Opener, served: Served, pictures: tuple[Path, Path]
) -> None:
    page = opened()
    show(page, "Image to video")
    page.click(f"{ID}generate")
    page.locator(
        f"{ID}error", has_text="Give the picture that the clip begins with"
    ).first.wait_for()
    dropped(page, "image2video_image", pictures[0])
    fill(page, "image2video", steps=4, frames=6, fps="6", seed=5)
    page.click(f"{ID}generate")
    source = playing(page)
    clip = made(page, served)
    assert Path(note_of(clip)["image"]).parent == (clip.parent / FOLDER).resolve()
    assert likeness(next(open_video(clip).frames()), pictures[0]) > STILL

    dropped(page, "image2video_last_image", pictures[1])
    page.click(f"{ID}generate")
    playing(page, source)
    page.wait_for_function(
        "name => !document.querySelector('#easyphoto_video_progress').textContent.includes(name)",
        arg=clip.name,
    )
    frames = list(open_video(made(page, served)).frames())
    assert likeness(frames[0], pictures[0]) > STILL
    assert likeness(frames[-1], pictures[1]) > STILL


def test_a_film_is_drawn_anew(opened: Opener, served: Served, tmp_path: Path) -> None:
    film = tmp_path / "film.gif"
    with Image.open(People(served.data).get("demo").reference) as picture:
        small = picture.convert("RGB").resize((128, 96))
    pages = [small.rotate(2 * i) for i in range(1, 6)]
    small.save(film, save_all=True, append_images=pages, duration=100)
    page = opened()
    show(page, "Video to video")
    drop(page, "video2video_video", film)
    page.locator(f"{ID}video2video_video_facts", has_text="128x96").first.wait_for()
    fill(page, "video2video", steps=4, frames=4, redraw=0.5, seed=5)
    choose(page, "video2video", "user_id", "none")
    page.click(f"{ID}generate")
    source = playing(page)
    clip = made(page, served)
    video = open_video(clip)
    assert (video.count, video.fps) == (4, 10)

    page = opened()  # a field that holds a film would take another beside it
    show(page, "Video to video")
    drop(page, "video2video_video", clip)
    page.locator(f"{ID}video2video_video_film video").first.wait_for()
    fill(page, "video2video", steps=2, frames=2, redraw=0.5)
    choose(page, "video2video", "user_id", "none")
    page.click(f"{ID}generate")
    playing(page, source)


def test_a_stopped_run_goes_on(opened: Opener, served: Served) -> None:
    page = opened()
    open_part(page, "mode_text2video", "Long clips")
    fill(page, "text2video", frames=24, span=8, span_overlap=2, steps=12, seed=11)
    choose(page, "text2video", "user_id", "none")
    page.click(f"{ID}generate")
    page.wait_for_function(HALFWAY)
    page.click(f"{ID}interrupt")
    line(page, "It can be resumed")
    outputs = next(served.data.rglob(".unfinished")).parent
    (work,) = unfinished(outputs)
    assert json.loads((work.folder / "job.json").read_text())["request"]["user_id"] == "none"
    assert page.locator(f"{ID}unfinished input").input_value().startswith(work.id)
    before = {file.name: file.stat().st_mtime_ns for file in work.folder.glob("*.zip")}
    assert before
    page.reload()
    if served.in_webui:
        page.locator("#tabs > .tab-nav > button", has_text="EasyPhoto Video").click()
    page.locator(f"{ID}unfinished_resume").click()
    line(page, "denoising")
    kept = {name: (work.folder / name).stat().st_mtime_ns for name in before}
    assert kept == before
    playing(page, patience=4 * PATIENCE)  # two spans and the rest of a third are still to be made
    assert open_video(made(page, served)).count == 24
    assert unfinished(outputs) == []
    page.locator(f"{ID}unfinished_resume").wait_for(state="hidden")
