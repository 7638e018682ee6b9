"""Infotext: what we write comes back exactly, and what the WebUI writes as far as we have it."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.errors import BadRequest
from easyphoto_video.infotext import KEY, parsed, to_infotext, values_of, values_of_parameters
from easyphoto_video.modes.registry import request_from
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.recipes import note_of
from easyphoto_video.request import FORMATS, SAMPLERS, Lora

# What the last line of a prompt may hold that a careless reader would trip over.
TEXTS = st.text() | st.sampled_from(
    [
        "Steps: 3, Sampler: x, Seed: 1",
        "Negative prompt: no\nSteps: 1, a: 2, b: 3",
        f'{KEY}: "{{}}", Size: 1x1, Seed: 2',
        '"quoted", \\ back: slash\n',
    ]
)
NAMES = st.text(min_size=1)
LORAS = st.builds(
    Lora,
    NAMES.filter(lambda name: bool(name.strip())),
    st.floats(-10, 10).map(lambda weight: float(f"{weight:g}")),
)


@st.composite
def requests(draw: st.DrawFn) -> Text2Video:
    context = draw(st.integers(2, 64))
    return Text2Video(
        prompt=draw(TEXTS.filter(lambda text: ":" not in text or "Steps" in text)),
        negative=draw(TEXTS.filter(lambda text: ":" not in text or "Steps" in text)),
        steps=draw(st.integers(1, 150)),
        cfg=draw(st.just(0.0) | st.floats(1, 30)),
        sampler=draw(st.sampled_from(SAMPLERS)),
        seed=draw(st.integers(-1, 2**32 - 1)),
        checkpoint=draw(NAMES),
        vae=draw(NAMES),
        user_id=draw(st.text()),
        loras=tuple(draw(st.lists(LORAS, max_size=2))),
        context=context,
        overlap=draw(st.integers(0, context - 1)),
        format=draw(st.sampled_from(FORMATS)),
        width=draw(st.integers(8, 256)) * 8,
        frames=draw(st.integers(1, 4096)),
        fps=draw(st.fractions(1, 120, max_denominator=1001)),
    )


@given(requests())
def test_what_we_wrote_comes_back(request: Text2Video) -> None:
    assert request_from(values_of(to_infotext(request))) == request
    assert request_from(values_of(note_of(request))) == request


@given(requests())
def test_the_webui_sees_the_same_last_line(request: Text2Video) -> None:
    entries = parsed(to_infotext(request))
    assert request_from(values_of_parameters(entries)) == request
    assert (entries["Steps"], entries["Seed"]) == (str(request.steps), str(request.seed))
    assert entries["Size-1"] == str(request.width)


@pytest.mark.parametrize("name", ["a.safetensors", 'sub/a, "b": c', '"x', "line\nbreak"])
def test_a_strange_name_stays_in_its_entry(name: str) -> None:
    assert parsed(to_infotext(Text2Video(checkpoint=name)))["Model"] == name


def test_the_form_is_the_webuis() -> None:
    text = to_infotext(Text2Video(prompt="a, b", negative="c", seed=3, width=64, height=96, cfg=7))
    prompt, negative, last = text.split("\n")
    assert (prompt, negative) == ("a, b", "Negative prompt: c")
    assert last.startswith(
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 3, Size: 64x96, "
        'Model: auto, Clip skip: 1, EasyPhoto Video: "{\\"mode\\"'
    )


TXT2IMG = """girl with a beret,
blue eyes
Negative prompt: ugly,
fat
Steps: 25, Sampler: {sampler}, CFG scale: 7.5, Seed: 965400086, Size: 512x768, \
Model hash: 45dee52b, Lora hashes: "film: aa, b: c", Version: v1.10.1"""


@pytest.mark.parametrize(
    ("sampler", "ours"),
    [
        ("Euler a", "Euler a"),
        ("Euler a, Schedule type: Automatic", "Euler a"),
        ("Euler, Schedule type: Uniform", "Euler"),
        ("DPM++ 2M, Schedule type: Karras", "DPM++ 2M Karras"),
        ("DPM++ 2M, Schedule type: Automatic", "DPM++ 2M Karras"),
        ("DPM++ 2M SDE, Schedule type: Automatic", "DPM++ 2M SDE Exponential"),
        ("DPM++ 2M Karras", "DPM++ 2M Karras"),
        ("DDIM, Schedule type: Automatic", "DDIM"),
    ],
)
def test_a_picture_of_the_webui(sampler: str, ours: str) -> None:
    assert values_of(TXT2IMG.format(sampler=sampler)) == {
        "prompt": "girl with a beret,\nblue eyes",
        "negative": "ugly,\nfat",
        "steps": 25,
        "sampler": ours,
        "cfg": 7.5,
        "seed": 965400086,
        "width": 512,
        "height": 768,
        "clip_skip": 1,
    }


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        (" \n", {}),
        ("only a prompt, with: two, entries", {"prompt": "only a prompt, with: two, entries"}),
        ("a\nNegative prompt: b", {"prompt": "a", "negative": "b"}),
        (
            "a\nSteps: 999, Seed: x, Size: 500x8, Clip skip: 2",
            {"prompt": "a", "negative": "", "clip_skip": 2},
        ),
    ],
)
def test_less_than_everything(text: str, values: dict[str, Any]) -> None:
    assert values_of(text) == values


def test_another_version_wrote_it() -> None:
    note = {"easyphoto_video": "9", "request": {"mode": "text2video", "steps": 3, "wings": 2}}
    assert values_of(json.dumps(note)) == Text2Video(steps=3).to_json()


@pytest.mark.parametrize(
    "text",
    [
        '{"mode": "dream"}',
        '{"request": 3}',
        '{"mode": []}',
        '{"request": {"mode": "text2video", "steps": "many"}}',
        'a\nSteps: 1, Seed: 2, EasyPhoto Video: "[1, 2]"',
    ],
)
def test_what_is_ours_but_cannot_be_used(text: str) -> None:
    with pytest.raises(BadRequest):
        values_of(text)


def test_an_exact_frame_rate_survives() -> None:
    request = Text2Video(fps=Fraction(30000, 1001))
    assert values_of(to_infotext(request))["fps"] == "30000/1001"
