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

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.tab import paste_fields
from easyphoto_video.host.tab.progress import STAGES
from easyphoto_video.host.tab.words import CHINESE
from easyphoto_video.infotext import parsed, to_infotext
from easyphoto_video.request import MODES, Lora, Text2Video
from easyphoto_video.setting import settings
from tests.host.tab.drive import Driven

SAMPLE = Text2Video(
    prompt="a\n8: b",
    negative="c",
    user_id="anna",
    user_weight=-0.35,
    more_user_ids=("bob", "carl"),
    face_pass=False,
    scene_weight=0.25,
    face_prompt="somebody",
    face_strength=0.3,
    face_steps=12,
    face_size=256,
    face_crop=2.5,
    fusion_before=0.1,
    fusion_after=0.2,
    color_match=0.3,
    face_feather=0.4,
    skin_retouch=0.6,
    restore="CodeFormer",
    restore_weight=0.7,
    face_stride=3,
    face_smoothing=2.5,
    face_model="buffalo_l",
    steps=7,
    cfg=4.25,
    sampler="Euler a",
    seed=2**32 - 1,
    checkpoint="not/there.safetensors",
    vae="fine.vae.pt",
    clip_skip=2,
    loras=(Lora("film", 0.5), Lora("sub/a b: c", -1)),
    motion="none",
    motion_loras=(Lora("pan_left"),),
    context=8,
    overlap=7,
    format="gif",
    width=512,
    height=768,
    frames=33,
    fps=Fraction(30000, 1001),
)
FREE = {"VAE", "EasyPhoto Video"}
"""What is the same in Chinese."""


def test_the_form_begins_with_the_defaults(tab: Driven) -> None:
    assert tab.form.request([tab.values[part] for part in tab.form.components]) == Text2Video()


def test_the_hosts_defaults_go_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.host.fake.FakeHost.defaults", lambda _: {"steps": 9, "motion": "x"})
    tab = Driven(tmp_path)
    assert (tab.held("steps"), tab.held("motion")) == (9, "x")


def test_a_request_goes_in_and_comes_back(tab: Driven) -> None:
    changed = [f.name for f, _ in settings(Text2Video) if getattr(SAMPLE, f.name) == f.default]
    assert changed == []  # so that each field is tried
    for values in (
        {f.name: getattr(SAMPLE, f.name) for f, _ in settings(SAMPLE)},
        SAMPLE.to_json(),
    ):
        filled = tab.form.filled(values)
        held = [filled[part]["value"] for part in tab.form.components]
        assert tab.form.request(held) == SAMPLE


def test_the_webui_fills_the_form_from_an_infotext(tab: Driven) -> None:
    parameters = parsed(to_infotext(SAMPLE))
    pasted = {part: read(parameters) for part, read in paste_fields(tab.form)}
    assert tab.form.request([pasted[part]["value"] for part in tab.form.components]) == SAMPLE


def test_the_webui_leaves_alone_what_an_infotext_does_not_say(tab: Driven) -> None:
    read = dict(paste_fields(tab.form))
    parameters = {"Prompt": "x", "Steps": "5"}
    assert read[tab.part("steps")](parameters)["value"] == 5
    assert read[tab.part("frames")](parameters) is None
    assert read[tab.part("frames")]({"EasyPhoto Video": "no JSON"}) is None


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
    tab: Driven, name: str, value: Any, label: str
) -> None:
    tab.set(**{name: value})
    with pytest.raises(BadRequest, match=f"^{label}: "):
        tab.form.request([tab.values[part] for part in tab.form.components])


def test_labels_are_unique_and_ids_ours(tab: Driven) -> None:
    parts = [part for part in tab.page.blocks.values() if isinstance(part, gr.components.Component)]
    labels = [part.label for part in parts if getattr(part, "label", None)]
    assert len(set(labels)) == len(labels) > 30
    ids = [part.elem_id for part in tab.page.blocks.values() if part.elem_id]
    assert len(set(ids)) == len(ids)
    assert all(id.startswith("easyphoto_video") for id in ids)
    ends = {id.rpartition("_")[2] for id in ids}
    assert {"generate", "interrupt", "skip", "gallery"} <= ends


def test_nothing_is_frozen_in_the_webuis_config(tab: Driven) -> None:
    """ui-config.json would keep today's values and ranges for ever."""
    saved = (gr.Slider, gr.Radio, gr.Checkbox, gr.Textbox, gr.Number, gr.Dropdown, gr.Button)
    parts = [part for part in tab.page.blocks.values() if isinstance(part, saved)]
    assert len(parts) > 30
    assert all(getattr(part, "do_not_save_to_config", False) for part in parts)


def test_automatic_is_a_position_and_said(tab: Driven) -> None:
    width = tab.part("width")
    assert (width.minimum, width.maximum, width.step, width.value) == (0, 2048, 8, 0)
    assert "0 is automatic" in width.info
    assert "-1 is automatic" in tab.part("seed").info


def texts(tab: Driven) -> Iterator[str]:
    """Every English text of the form that a person sees."""
    for part in tab.page.blocks.values():
        for name in ("label", "info", "placeholder"):
            if text := getattr(part, name, None):
                yield text
        if isinstance(part, gr.Button):
            yield str(part.value)


def test_every_text_has_its_chinese(tab: Driven) -> None:
    data = re.search(r'data-words="([^"]*)"', tab.part("words").value)
    assert data is not None
    words = json.loads(html.unescape(data[1]))
    source = Path(__file__).parents[3] / "easyphoto_video" / "host" / "tab"
    told = "".join((source / f"{name}.py").read_text() for name in ("progress", "travel"))
    fixed = set(re.findall(r'_word\(\s*"([^"]+)"', told)) | set(re.findall(r"<span>([^{<]+)", told))
    assert len(fixed) >= 4
    wanted = {*texts(tab), *fixed, *STAGES, "Stopped.", "Failed."}
    assert [text for text in sorted(wanted) if text not in words and text not in FREE] == []
    assert not [text for text, chinese in words.items() if not re.search("[一-鿿]", chinese)]


def test_the_catalogue_holds_nothing_else(tab: Driven) -> None:
    """A text that was changed leaves no old Chinese behind."""
    said = {*texts(tab), *STAGES}
    said |= {
        text for kind in MODES.values() for _, s in settings(kind) for text in (s.label, s.help)
    }
    source = Path(__file__).parents[3] / "easyphoto_video"
    code = "".join(path.read_text() for path in (source / "host" / "tab").glob("*.py"))
    unused = [text for text in CHINESE if text not in said and text not in code]
    assert [text for text in unused if not text.startswith("Send to ")] == []


def test_what_is_missing_stands_at_the_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "easyphoto_video_missing" not in Driven(tmp_path).parts
    monkeypatch.setattr("tests.host.fake.FakeHost.missing", lambda _: ["<ffmpeg> is missing."])
    assert "<p>&lt;ffmpeg&gt; is missing.</p>" in Driven(tmp_path).part("missing").value
