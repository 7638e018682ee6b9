"""The form says what the fields say, holds a request and gives it back."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.tab import paste_fields
from easyphoto_video.host.tab.progress import STAGES
from easyphoto_video.host.tab.unfinished import SURE
from easyphoto_video.host.tab.words import CHINESE
from easyphoto_video.infotext import parsed, to_infotext
from easyphoto_video.modes.registry import MODES
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.request import Lora, Request
from easyphoto_video.setting import settings
from easyphoto_video.setting.file import File
from tests.host.tab.drive import Driven

COMMON: dict[str, Any] = {
    "prompt": "a\n8: b",
    "negative": "c",
    "user_id": "anna",
    "user_weight": -0.35,
    "more_user_ids": ("bob", "carl"),
    "face_pass": False,
    "scene_weight": 0.25,
    "face_prompt": "somebody",
    "face_strength": 0.3,
    "face_schedule": "0:(0.6), 30:(0.3)",
    "face_steps": 12,
    "face_size": 256,
    "face_crop": 2.5,
    "fusion_before": 0.1,
    "fusion_after": 0.2,
    "color_match": 0.3,
    "face_feather": 0.4,
    "skin_retouch": 0.6,
    "restore": "CodeFormer",
    "restore_weight": 0.7,
    "face_stride": 3,
    "face_smoothing": 2.5,
    "face_model": "buffalo_l",
    "steps": 7,
    "cfg": 4.25,
    "cfg_schedule": "0:(7),\n30:(4)",
    "sampler": "Euler a",
    "step_cache": 3,
    "seed": 2**32 - 1,
    "checkpoint": "not/there.safetensors",
    "vae": "fine.vae.pt",
    "clip_skip": 2,
    "loras": (Lora("film", 0.5), Lora("sub/a b: c", -1)),
    "lora_schedule": "0:(0), 16:(1)",
    "motion": "none",
    "motion_loras": (Lora("pan_left"),),
    "motion_amount": 0.5,
    "motion_schedule": "cubic: 0:(1), 16:(0.5)",
    "context": 8,
    "overlap": 7,
    "stride": 2,
    "windows": "alternating",
    "fuse": "flat",
    "closed_loop": True,
    "free_noise": True,
    "free_init": 3,
    "free_init_filter": "box",
    "free_init_space": 0.5,
    "free_init_time": 0.75,
    "span": 32,
    "span_overlap": 7,
    "format": "gif",
    "interpolation": 2,
    "interpolator": "rife.pth",
    "order": "ping-pong",
    "loop": 3,
    "palette": "frame",
    "dither": "none",
    "width": 512,
    "height": 768,
    "frames": 33,
    "fps": Fraction(30000, 1001),
}
OWN: dict[str, dict[str, Any]] = {
    "text2video": {},
    "image2video": {
        "fit": "contain",
        "hold": "animatediff",
        "strength": 0.5,
        "strength_schedule": "0:(0), 8:(0.8)",
        "latent_power": 2.5,
        "latent_scale": 40.0,
        "latent_power_last": 3.5,
        "latent_scale_last": 50.0,
    },
    "video2video": {
        "start_time": 1.5,
        "end_time": 2.25,
        "redraw": 0.4,
        "redraw_schedule": "0:(0.2), 30:(0.6)",
    },
}
"""What a mode has beyond; files are made where they are needed."""
FREE = {"VAE", "EasyPhoto Video"}
"""What is the same in Chinese."""
TELLING = ("progress", "travel", "curves", "material_wires")
"""Modules that tell things in words of their own."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """A tab that no test touches: building one takes most of a second."""
    return Driven(tmp_path_factory.mktemp("data"))


def sample(tab: Driven, mode: str) -> Request:
    """A request in which nothing is as it is by default, with files that were dropped."""
    kept = tab.forms[mode].inputs.kept
    picture = tab.host.data_dir / "dropped.png"
    Image.new("RGB", (8, 8), "red").save(picture)
    files: dict[str, Any] = {
        field.name: kept(setting.label, str(picture))
        for field, setting in settings(MODES[mode].request)
        if isinstance(setting.kind, File)
    }
    return MODES[mode].request(**COMMON, **OWN[mode], **files)


def test_the_form_begins_with_the_defaults(seen: Driven) -> None:
    assert seen.form.request([seen.values[part] for part in seen.form.components]) == Text2Video()


def test_the_hosts_defaults_go_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.host.fake.FakeHost.defaults", lambda _: {"steps": 9, "motion": "x"})
    tab = Driven(tmp_path)
    assert (tab.held("steps"), tab.held("motion")) == (9, "x")


@pytest.mark.parametrize("mode", MODES)
def test_a_request_goes_in_and_comes_back(tab: Driven, mode: str) -> None:
    form, wanted = tab.forms[mode], sample(tab, mode)
    same = [f.name for f, _ in settings(wanted) if getattr(wanted, f.name) == f.default]
    assert same == []  # so that each field is tried
    for values in (
        {f.name: getattr(wanted, f.name) for f, _ in settings(wanted)},
        wanted.to_json(),
    ):
        filled = form.filled(values)
        assert form.request([filled[part]["value"] for part in form.components]) == wanted


def test_the_webui_fills_the_form_from_an_infotext(tab: Driven) -> None:
    wanted = sample(tab, "text2video")
    parameters = parsed(to_infotext(wanted))
    pasted = {part: read(parameters) for part, read in paste_fields(tab.form)}
    assert tab.form.request([pasted[part]["value"] for part in tab.form.components]) == wanted


def test_a_text_shows_no_file_that_was_not_dropped(tab: Driven, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.new("RGB", (8, 8)).save(secret)
    form = tab.forms["image2video"]
    inside = form.inputs.folder / ".." / ".." / ".." / "secret.png"
    for path in (str(secret), str(inside), "", "\0", "x" * 5000, str(form.inputs.folder)):
        assert form.filled({"image": path})[form.parts["image"]]["value"] is None
    film = tab.forms["video2video"]
    assert film.filled({"video": str(secret)})[film.parts["video"]]["value"] is None


def test_the_webui_leaves_alone_what_an_infotext_does_not_say(seen: Driven) -> None:
    read = dict(paste_fields(seen.form))
    parameters = {"Prompt": "x", "Steps": "5"}
    assert read[seen.part("steps")](parameters)["value"] == 5
    assert read[seen.part("frames")](parameters) is None
    assert read[seen.part("frames")]({"EasyPhoto Video": "no JSON"}) is None


@pytest.mark.parametrize(
    ("name", "value", "label"),
    [
        ("seed", None, "Seed"),
        ("frames", 1.5, "Frames"),
        ("fps", "fast", "Frames per second"),
        ("loras", "film:0.5:x", "LoRA"),
        ("steps", 151, "Steps"),
        ("format", "avi", "Format"),
        ("prompt", "8: a\n4: b", "Prompt"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_label(
    seen: Driven, name: str, value: Any, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "values", dict(seen.values))
    seen.set(**{name: value})
    with pytest.raises(BadRequest, match=f"^{label}: "):
        seen.form.request([seen.values[part] for part in seen.form.components])


@pytest.mark.parametrize("mode", MODES)
def test_labels_are_unique_and_ids_ours(seen: Driven, mode: str) -> None:
    others = {
        part
        for form in seen.forms.values()
        if form.mode != mode
        for part in (*form.parts.values(), *form.extra.values())
    }
    parts = [
        part for part in seen.page.blocks.values() if isinstance(part, gr.components.Component)
    ]
    labels = [part.label for part in parts if getattr(part, "label", None) and part not in others]
    assert len(set(labels)) == len(labels) > 60
    ids = [part.elem_id for part in seen.page.blocks.values() if part.elem_id]
    assert len(set(ids)) == len(ids)
    assert all(id.startswith("easyphoto_video") for id in ids)
    ends = {id.rpartition("_")[2] for id in ids}
    assert {"generate", "interrupt", "skip", "gallery"} <= ends


@pytest.mark.parametrize("mode", MODES)
def test_every_field_has_its_place(seen: Driven, mode: str) -> None:
    """Only what is seldom needed stands under More."""
    more = next(
        part
        for part in seen.page.blocks.values()
        if isinstance(part, gr.Accordion)
        and part.label == "More"
        and seen.forms[mode].parts["clip_skip"] in _within(part)
    )
    fields = [name for name, part in seen.forms[mode].parts.items() if part in _within(more)]
    assert fields == ["step_cache", "clip_skip"]


def _within(part: Any) -> list[Any]:
    inner = getattr(part, "children", [])
    return [*inner, *(each for child in inner for each in _within(child))]


def test_nothing_is_frozen_in_the_webuis_config(seen: Driven) -> None:
    """ui-config.json would keep today's values and ranges for ever."""
    saved = (gr.Slider, gr.Radio, gr.Checkbox, gr.Textbox, gr.Number, gr.Dropdown, gr.Button)
    parts = [part for part in seen.page.blocks.values() if isinstance(part, saved)]
    assert len(parts) > 30
    assert all(getattr(part, "do_not_save_to_config", False) for part in parts)


def test_automatic_is_a_position_and_said(seen: Driven) -> None:
    width = seen.part("width")
    assert (width.minimum, width.maximum, width.step, width.value) == (0, 2048, 8, 0)
    assert "0 is automatic" in width.info
    assert "-1 is automatic" in seen.part("seed").info


def texts(tab: Driven) -> Iterator[str]:
    """Every English text of the form that a person sees."""
    for part in tab.page.blocks.values():
        for name in ("label", "info", "placeholder"):
            if text := getattr(part, name, None):
                yield text
        if isinstance(part, gr.Button):
            yield str(part.value)


def test_every_text_has_its_chinese(seen: Driven) -> None:
    data = re.search(r'data-words="([^"]*)"', seen.part("words").value)
    assert data is not None
    words = json.loads(html.unescape(data[1]))
    source = Path(__file__).parents[3] / "easyphoto_video" / "host" / "tab"
    told = "".join((source / f"{name}.py").read_text() for name in TELLING)
    fixed = set(re.findall(r'_word\(\s*"([^"]+)"', told)) | set(re.findall(r"<span>([^{<]+)", told))
    assert len(fixed) >= 4
    wanted = {*texts(seen), *fixed, *STAGES, "Stopped.", "Failed.", "without sound", SURE}
    assert [text for text in sorted(wanted) if text not in words and text not in FREE] == []
    assert not [text for text, chinese in words.items() if not re.search("[一-鿿]", chinese)]


def test_the_catalogue_holds_nothing_else(seen: Driven) -> None:
    """A text that was changed leaves no old Chinese behind."""
    said = {*texts(seen), *STAGES}
    said |= {
        text
        for mode in MODES.values()
        for _, s in settings(mode.request)
        for text in (s.label, s.help)
    }
    source = Path(__file__).parents[3] / "easyphoto_video"
    code = "".join(path.read_text() for path in (source / "host" / "tab").glob("*.py"))
    unused = [text for text in CHINESE if text not in said and text not in code]
    assert [text for text in unused if not text.startswith("Send to ")] == []


def test_what_is_missing_stands_at_the_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "easyphoto_video_missing" not in Driven(tmp_path).parts
    monkeypatch.setattr("tests.host.fake.FakeHost.missing", lambda _: ["<ffmpeg> is missing."])
    assert "<p>&lt;ffmpeg&gt; is missing.</p>" in Driven(tmp_path).part("missing").value
