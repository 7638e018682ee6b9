"""By clicks in a real browser: from the first word to a playing clip, and back into the form."""

from __future__ import annotations

import pytest

from easyphoto_video.host.standalone.host import StandaloneHost
from easyphoto_video.host.tab.fields import Field, info_of
from easyphoto_video.host.tab.words import CHINESE
from easyphoto_video.modes.text2video import Text2Video
from tests.browser.conftest import Opener, Served
from tests.browser.hands import ID, choose, fill, held, line, playing

pytestmark = pytest.mark.slow(reason="starts a browser beside the page")

MODE = "text2video"
FIELD = f"{ID}{MODE}_"
WATCHING = """() => {
    window.easyphoto_video_seen = [];
    new MutationObserver(() => {
        const bar = document.querySelector('#easyphoto_video_progress [role=progressbar]');
        const line = document.querySelector('#easyphoto_video_progress .easyphoto_video_line');
        if (bar && line) window.easyphoto_video_seen.push([line.textContent, +bar.ariaValueNow]);
    }).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


def test_from_words_to_a_playing_clip_and_back(opened: Opener, served: Served) -> None:
    page = opened()
    choose(page, MODE, "user_id", "demo")
    fill(page, MODE, prompt="1girl, red hair, smile", steps=4, frames=3, fps="6", seed=5)
    page.evaluate(WATCHING)
    page.click(f"{ID}generate")
    source = playing(page)
    seen = page.evaluate("window.easyphoto_video_seen")
    shares = [share for words, share in seen if words.strip().startswith("denoising")]
    assert shares == sorted(shares)
    assert len({words for words, _ in seen}) >= 3
    line(page, "Done in")
    assert page.locator("#easyphoto_video .easyphoto_video_scores polyline").count() >= 1
    page.wait_for_function(
        "() => document.querySelectorAll('#easyphoto_video_gallery img').length >= 3"
    )
    infotext = page.locator(f"{ID}infotext textarea").input_value()
    assert "Seed: 5, Size: 128x128" in infotext
    assert r"\"user_id\": \"demo\"" in infotext

    assert page.locator(f"{ID}progress b").last.text_content().endswith("00001-5.mp4")
    clip = {"name": "clip.mp4", "mimeType": "video/mp4", "buffer": page.request.get(source).body()}
    fill(page, MODE, prompt="something else", steps=9, frames=8, fps="3", seed=1)
    page.get_by_text("Restore from a file").locator("visible=true").click()
    page.locator(f"{FIELD}file input[type=file]").set_input_files(clip)
    page.wait_for_function(
        "id => document.querySelector(id + 'prompt textarea').value.startsWith('1girl, red')",
        arg=FIELD,
    )
    names = ("steps", "frames", "fps", "seed", "width", "checkpoint")
    assert [held(page, MODE, name) for name in names] == ["4", "3", "6", "5", "128", "embedded"]


def test_interrupt_in_the_middle_and_go_on(opened: Opener) -> None:
    page = opened()
    fill(page, MODE, steps=150, frames=16)
    page.keyboard.press("Control+Enter")
    line(page, "denoising")
    page.click(f"{ID}interrupt")
    line(page, "Stopped.")
    assert page.locator(f"{ID}error .easyphoto_video_error").count() == 0
    fill(page, MODE, steps=2, frames=2)
    page.click(f"{ID}generate")
    assert playing(page)
    line(page, "Done in")


def test_what_is_wrong_is_said_and_nothing_is_lost(opened: Opener) -> None:
    page = opened(width=390)
    fill(page, MODE, prompt="my words", fps="fast")
    page.click(f"{ID}generate")
    box = page.locator(f"{ID}error .easyphoto_video_error").first
    box.wait_for()
    assert "Frames per second: 'fast' is not a number" in box.text_content()
    assert held(page, MODE, "prompt") == "my words"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_chinese_where_the_browser_is(opened: Opener, served: Served) -> None:
    page = opened(locale="zh-CN")
    page.locator(f"{ID}generate", has_text="生成").wait_for()
    assert page.get_by_text("反向提示词", exact=True).locator("visible=true").count() == 1
    help = info_of(Field.all(Text2Video, StandaloneHost(served.data))["width"], CHINESE)
    assert page.get_by_text(help, exact=True).locator("visible=true").count() == 1
    fill(page, MODE, fps="x")
    page.click(f"{ID}generate")
    page.locator(f"{ID}error .easyphoto_video_error").first.wait_for()
    fill(page, MODE, steps=1, frames=1, fps="4")
    page.keyboard.press("Control+Enter")
    line(page, "完成")
