"""What happens when something in the tab is touched."""

from __future__ import annotations

import io
import os
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot
from easyphoto_video.host.offers import Offers
from easyphoto_video.host.tab.results import LAST, history, of_history
from easyphoto_video.host.tab.views import Views
from easyphoto_video.infotext import values_of
from easyphoto_video.presets import PRESETS
from easyphoto_video.watch import Watch, unwatched
from tests.fake_engine import FakeEngine, plain
from tests.host.fake import FakeHost, add_person
from tests.host.tab.drive import Driven, Showing
from tests.machine import until


def fraction(updates: dict[str, Any]) -> float:
    found = re.search(r'aria-valuenow="([\d.]+)"', updates["progress"])
    assert found is not None
    return float(found[1])


def test_generate_tells_how_far_it_is_and_shows_the_clip(tmp_path: Path) -> None:
    seen: list[float] = []

    def watched(shot: Shot, frame: int) -> Frames:
        """Waits until it was seen that the frames before it are there."""
        until(lambda: seen and seen[-1] >= 99 * frame / shot.frames)
        return plain(shot, frame)

    tab = Driven(tmp_path, Showing(watched))
    tab.set(frames=5, seed=7)
    told = []
    for updates in tab.stream():
        told.append(updates)
        if "denoising" in updates.get("progress", ""):
            seen.append(fraction(updates))
    running = [u for u in told if 'data-easyphoto-video="running"' in u.get("progress", "")]
    assert len(running) >= 3
    denoising = [fraction(u) for u in running if "denoising" in u["progress"]]
    assert denoising == sorted(denoising)
    assert 0 < max(denoising) <= 100
    assert any('src="data:image/jpeg;base64,' in u["progress"] for u in running)
    *_, clip, frames = told
    assert "Done in" in clip["progress"]
    film = Path(clip["film"]["value"])
    assert film.parent == tab.host.outputs
    assert f">{film.relative_to(tmp_path)}</b>" in clip["progress"]
    assert (clip["film"]["visible"], clip["picture"]["visible"]) == (True, False)
    assert clip["history"]["choices"] == [film.name]
    assert values_of(clip["infotext"]["value"])["seed"] == 7
    assert len(frames["gallery"]["value"]) == 5


def test_frames_carry_the_infotext_to_png_info(tab: Driven) -> None:
    tab.set(frames=2)
    frames = list(tab.stream())[-1]["gallery"]["value"]
    stored = tab.part("gallery").postprocess(frames).root[0].image.path
    with Image.open(stored) as picture:
        assert picture.info["parameters"] == tab.held("infotext")
        assert picture.format == "PNG"


@pytest.mark.parametrize(
    ("format", "shown"), [("gif", "picture"), ("webp", "picture"), ("webm", "film"), ("png", None)]
)
def test_every_format_is_shown(tab: Driven, format: str, shown: str | None) -> None:
    tab.set(frames=3, format=format)
    *_, clip, frames = tab.stream()
    visible = [name for name in ("film", "picture") if clip[name]["visible"]]
    assert visible == ([shown] if shown else [])
    assert len(frames["gallery"]["value"]) == 3


def test_a_host_without_a_queue_gets_one_answer(tmp_path: Path) -> None:
    tab = Driven(tmp_path, streams=False)
    tab.set(frames=2)
    updates = tab.touch("generate")
    assert "Done in" in updates["progress"]
    assert len(updates["gallery"]["value"]) == 2


@pytest.mark.parametrize(
    "name", ["..", ".", ".inputs", "../easyphoto-video/.inputs", "a\0b", "link"]
)
def test_only_results_are_earlier_results(tab: Driven, name: str) -> None:
    inputs = tab.host.outputs / ".inputs"
    inputs.mkdir(parents=True)
    for folder in (inputs, tab.host.outputs.parent, tab.host.outputs):
        Image.new("RGB", (8, 8)).save(folder / "secret.png")
    (tab.host.outputs / "link").symlink_to(inputs)
    tab.set(history=name)
    assert "is missing. Refresh the list" in tab.touch("history", "input")["error"]


def test_an_error_is_told_and_the_form_stays(tab: Driven) -> None:
    tab.set(steps=20, checkpoint="<b>gone</b>")
    (told,) = tab.stream()
    assert 'role="alert"' in told["error"]
    assert (
        "checkpoint &#x27;&lt;b&gt;gone&lt;/b&gt;&#x27; is missing. Choose one of" in told["error"]
    )
    assert not set(tab.form.components) & set(tab.outputs("generate"))
    tab.set(checkpoint="auto", frames=1)
    assert [u for u in tab.stream() if u.get("error")] == []
    assert tab.held("error") == ""


class Broken(FakeEngine):
    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        raise RuntimeError("cuda says no")


def test_what_nobody_foresaw_is_told_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tab = Driven(tmp_path, Broken())
    *_, told = tab.stream()
    assert "RuntimeError: cuda says no" in told["error"]
    assert "Traceback" not in told["error"]
    assert "Failed." in told["progress"]
    assert "Traceback" in capsys.readouterr().err


class Endless(FakeEngine):
    """Renders until it is stopped, except clips of one frame."""

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        while shot.frames > 1:
            watch("denoising", 0.5)
            threading.Event().wait(0.01)
        return super().render(shot, watch)


@pytest.mark.parametrize("button", ["interrupt", "skip"])
def test_interrupt_in_the_middle_and_run_again(tmp_path: Path, button: str) -> None:
    tab = Driven(tmp_path, Endless())
    told = []
    for updates in tab.stream():
        told.append(updates)
        if "denoising" in updates.get("progress", ""):
            tab.touch(button)
    assert "Stopped." in told[-1]["progress"]
    assert told[-1]["error"] == ""
    tab.set(frames=1)
    assert "Done in" in list(tab.stream())[-2]["progress"]


@pytest.mark.parametrize("button", ["interrupt", "skip"])
def test_the_buttons_leave_the_next_in_the_queue(tmp_path: Path, button: str) -> None:
    tab = Driven(tmp_path, Endless())
    first = tab.stream()
    next(first)
    tab.set(frames=1)
    second = tab.stream()
    next(second)
    waiting = next(second)["progress"]
    assert "Waiting in the queue, place" in waiting
    assert '<b translate="no">1</b>' in waiting
    tab.touch(button)
    assert any("Done in" in updates.get("progress", "") for updates in second)
    assert "Stopped." in list(first)[-1]["progress"]


@pytest.mark.parametrize("button", ["interrupt", "skip"])
def test_the_buttons_of_another_page_stop_only_its_own(tmp_path: Path, button: str) -> None:
    tab = Driven(tmp_path, Endless())
    first = tab.stream()
    next(first)
    # Another page has a list of its own, which is empty.
    mine, *values = tab.inputs("generate", "click")
    press, generate = tab.function(button, "click"), tab.function("generate", "click")
    others: list[str] = []
    press(others)
    second = generate(others, *values)
    next(second)
    press(others)
    [running, waiting] = tab.jobs.all()
    assert others == [waiting.id]
    assert waiting.state.is_over
    assert not running.state.is_over
    press(mine)
    assert "Stopped." in list(first)[-1]["progress"]


def test_the_seed_is_reused_and_drawn_anew(tab: Driven) -> None:
    assert "is missing. Generate one" in tab.touch("seed_reuse")["error"]
    tab.set(frames=1)
    list(tab.stream())
    tab.touch("seed_reuse")
    assert tab.held("seed") == 1000
    assert tab.held("error") == ""
    tab.touch("seed_random")
    assert tab.held("seed") == -1


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_fills_what_its_model_wants(tab: Driven, preset: str) -> None:
    tab.set(steps=33, prompt="a cat", preset=preset)
    tab.touch("preset", "input")
    assert {name: tab.held(name) for name in PRESETS[preset]} == PRESETS[preset]
    assert tab.held("prompt") == "a cat"
    tab.set(preset=None)
    tab.touch("preset", "input")
    assert tab.held("steps") == PRESETS[preset]["steps"]


def test_the_prompt_box_takes_parameters(tab: Driven) -> None:
    assert "is missing. Copy it" in tab.touch("paste")["error"]
    tab.set(prompt="a cat\nNegative prompt: dog\nSteps: 5, Sampler: Euler, Seed: 3, Size: 64x128")
    tab.touch("paste")
    held = {name: tab.held(name) for name in ("prompt", "negative", "steps", "width", "height")}
    assert held == {"prompt": "a cat", "negative": "dog", "steps": 5, "width": 64, "height": 128}
    assert tab.held("frames") == 16


@pytest.mark.parametrize("format", ["mp4", "gif", "webp", "webm", "png"])
def test_a_file_of_ours_restores_the_whole_form(tmp_path: Path, format: str) -> None:
    tab = Driven(tmp_path)
    tab.set(frames=2, fps="25/2", loras="film.safetensors:0.5", format=format, prompt="0: a\n1: b")
    *_, clip, _ = tab.stream()
    made = tab.jobs.all()[0]
    assert made.path is not None
    fresh = Driven(tmp_path / "other")
    fresh.set(file=str(next(made.path.iterdir()) if format == "png" else made.path))
    fresh.touch("file", "upload")
    assert fresh.held("error") == ""
    held = [fresh.values[part] for part in fresh.form.components]
    assert fresh.form.request(held) == made.request
    assert clip["infotext"]["value"]


def test_a_picture_of_the_webui_restores_what_it_says(tab: Driven, tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", "a cat\nSteps: 6, Sampler: DDIM, Seed: 4")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=info)
    tab.set(file=str(tmp_path / "a.png"))
    tab.touch("file", "upload")
    assert (tab.held("prompt"), tab.held("steps"), tab.held("sampler")) == ("a cat", 6, "DDIM")


def test_a_file_of_somebody_else_is_refused_by_its_name(tab: Driven, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    tab.set(file=str(tmp_path / "b.png"))
    told = tab.touch("file", "upload")
    assert list(told) == ["error"]
    assert "b.png: it carries no note" in told["error"]
    assert str(tmp_path) not in told["error"]


def test_earlier_results_of_earlier_starts(tmp_path: Path) -> None:
    before = Driven(tmp_path)
    before.set(frames=1, seed=5)
    list(before.stream())
    (tmp_path / "outputs" / "easyphoto-video" / "99999-odd.gif").write_bytes(b"GIF89a")
    tab = Driven(tmp_path)
    names = [name for name, _ in tab.part("history").choices]
    assert sorted(names) == ["00001-5.mp4", "99999-odd.gif"]
    tab.set(history="00001-5.mp4")
    shown = tab.touch("history", "input")
    assert shown["film"]["value"].endswith("00001-5.mp4")
    assert values_of(tab.held("infotext"))["seed"] == 5
    tab.set(history="99999-odd.gif")
    shown = tab.touch("history", "input")
    assert shown["picture"]["visible"]
    assert "99999-odd.gif" in tab.held("error")
    assert tab.held("infotext") == ""


def test_a_result_is_a_name_in_the_folder(tab: Driven) -> None:
    tab.host.outputs.mkdir(parents=True)
    (tab.host.data_dir / "secret.mp4").write_bytes(b"x")
    for name in ("../../secret.mp4", str(tab.host.data_dir / "secret.mp4"), "no.mp4", ".."):
        tab.set(history=name)
        told = tab.touch("history", "input")
        assert list(told) == ["error"]
        assert "Refresh the list" in told["error"]


def test_the_last_results_come_first(tmp_path: Path) -> None:
    for i in range(LAST + 5):
        (tmp_path / f"{i:05d}-1.mp4").write_bytes(b"x")
        os.utime(tmp_path / f"{i:05d}-1.mp4", (i, i))
    for name in ("note.txt", ".hidden.mp4", "single.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    names = history(tmp_path)
    assert names == [f"{i:05d}-1.mp4" for i in range(LAST + 4, 4, -1)]
    assert of_history(tmp_path, names[0]) == tmp_path / names[0]
    assert history(tmp_path / "gone") == []


def test_refreshing_finds_what_was_put_there_since(tab: Driven) -> None:
    tab.host.names["checkpoint"].append("new.safetensors")
    tab.host.names["loras"].append("new-lora.safetensors")
    found = tab.touch("refresh_models")
    assert "new.safetensors" in found["checkpoint"]["choices"]
    assert "new-lora.safetensors" in found["add_loras"]["choices"]
    add_person(tab.host.data_dir, "anna")
    assert tab.touch("refresh_person")["user_id"]["choices"] == ["auto", "none", "anna", "demo"]
    tab.host.outputs.mkdir(parents=True)
    (tab.host.outputs / "a.mp4").write_bytes(b"x")
    assert tab.touch("refresh_results")["history"]["choices"] == ["a.mp4"]


def test_the_person_is_seen(tab: Driven) -> None:
    held = io.BytesIO()
    Image.new("RGB", (1000, 500), "red").save(held, "JPEG")
    add_person(tab.host.data_dir, "anna", held.getvalue())
    add_person(tab.host.data_dir, "broken")
    tab.set(user_id="anna")
    seen = tab.touch("user_id", "change")["reference"]
    assert (seen["visible"], seen["value"].size) == (True, (512, 256))
    for name in ("broken", "../x", "none", "", None):
        tab.set(user_id=name)
        assert tab.touch("user_id", "change")["reference"]["visible"] is False


def test_choosing_a_lora_adds_a_line(tab: Driven) -> None:
    for name in ("film.safetensors", "ink.safetensors", None):
        tab.set(add_loras=name)
        tab.touch("add_loras", "input")
    assert tab.held("loras") == "film.safetensors:1\nink.safetensors:1"
    assert tab.held("add_loras") is None


def test_keys_are_added_in_order_and_told(tab: Driven) -> None:
    tab.set(prompt="a woman")
    assert "No keys" in tab.touch("prompt", "change")["keys"]
    for frame, text in ((16, "a <smile>"), (8, "eyes\nclosed")):
        tab.set(key_frame=frame, key_text=text)
        tab.touch("key_add")
        assert (tab.held("error"), tab.held("key_text")) == ("", "")
    assert tab.held("prompt") == "a woman\n0:\n8: eyes closed\n16: a <smile>"
    told = re.sub("<[^>]*>", "", tab.touch("prompt", "change")["keys"])
    assert told == (
        "From frame 0: a womanFrom frame 8: a woman, eyes closed"
        "From frame 16: a woman, a &lt;smile&gt;"
    )


@pytest.mark.parametrize(
    ("frame", "text", "reason"),
    [(None, "x", "is no frame"), (-1, "x", "is no frame"), (3, " ", "is empty"), (8, "x", "has a")],
)
def test_a_key_that_cannot_be(tab: Driven, frame: Any, text: str, reason: str) -> None:
    tab.set(prompt="8: a", key_frame=frame, key_text=text)
    assert reason in tab.touch("key_add")["error"]
    assert tab.held("prompt") == "8: a"


def test_keys_out_of_order_are_told_by_their_line(tab: Driven) -> None:
    tab.set(prompt="8: a\n4: b")
    assert (
        "line 2, column 1: frame 4 does not come after frame 8"
        in tab.touch("prompt", "change")["keys"]
    )


def test_the_folder_is_opened_or_it_is_said_why_not(
    tab: Driven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "It is made with the first clip" in tab.touch("open")["error"]
    tab.host.outputs.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert "The folder is outputs/easyphoto-video." in tab.touch("open")["error"]
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    opener.chmod(0o755)
    assert tab.touch("open")["error"] == ""
    assert (tmp_path / "opened").read_text().strip() == str(tab.host.outputs)
    opener.write_text("#!/bin/sh\nexit 3\n")
    assert "ended with code 3" in tab.touch("open")["error"]


def test_the_webui_gets_its_buttons(tmp_path: Path) -> None:
    sent: list[Any] = []
    tab = Driven(tmp_path, register_send=lambda *parts: sent.append(parts))
    ((buttons, gallery, infotext),) = sent
    assert set(buttons) == {"img2img", "extras"}
    assert (gallery, infotext) == (tab.part("gallery"), tab.part("infotext"))
    assert "easyphoto_video_send_img2img" not in Driven(tmp_path).parts
    assert Driven(tmp_path, views=Views(Offers(), local=False)).part("open").visible is False


@pytest.mark.parametrize("language", ["", "zh"])
def test_the_language_of_the_host_is_told_to_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    start = FakeHost.__init__

    def speaking(self: FakeHost, *rest: Any) -> None:
        start(self, *rest)
        self.language = language

    monkeypatch.setattr(FakeHost, "__init__", speaking)
    assert f'data-language="{language}"' in Driven(tmp_path).part("words").value
