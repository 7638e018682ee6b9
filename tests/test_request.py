"""Requests check themselves by their declarations and survive JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.errors import BadRequest
from easyphoto_video.modes.registry import MODES, request_from
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.request import SAMPLERS, Lora
from easyphoto_video.setting import Setting, settings

REQUESTS = st.builds(
    Text2Video,
    prompt=st.text(),
    negative=st.text(),
    steps=st.integers(1, 150),
    cfg=st.floats(1, 30),
    sampler=st.sampled_from(SAMPLERS),
    seed=st.integers(-1, 2**32 - 1),
    width=st.integers(8, 256).map(lambda n: 8 * n),
    frames=st.integers(1, 1_000_000),
    fps=st.fractions(1, 120, max_denominator=1001),
    loras=st.lists(st.builds(Lora, st.just("user"), st.just(0.9))).map(tuple),
)


@given(REQUESTS)
def test_json_and_back_is_the_identity(request_: Text2Video) -> None:
    assert request_from(json.loads(json.dumps(request_.to_json()))) == request_


def made(**values: Any) -> Text2Video:
    """A request from values whose types pyright cannot know."""
    return Text2Video(**values)


def declarations() -> Iterator[tuple[str, str, Setting, object]]:
    for mode, kind in MODES.items():
        for field, setting in settings(kind.request):
            yield mode, field.name, setting, field.default


@pytest.mark.parametrize(("mode", "name", "setting", "default"), list(declarations()))
def test_each_field_keeps_its_declared_range(
    mode: str, name: str, setting: Setting, default: Any
) -> None:
    made: Any = MODES[mode].request
    assert setting.help.endswith(".")
    assert getattr(made(**{name: default}), name) == default
    if setting.low is not None:
        below = setting.low - (setting.step or 1) - (setting.auto is not None)
        with pytest.raises(BadRequest, match=setting.label):
            made(**{name: below})
    if setting.high is not None:
        with pytest.raises(BadRequest, match="out of range"):
            made(**{name: setting.high + (setting.step or 1)})
    if setting.low is not None and setting.step and setting.step > 1:
        with pytest.raises(BadRequest, match="multiple"):
            made(**{name: setting.low + 1})
    if setting.kind.choices:
        with pytest.raises(BadRequest, match=setting.kind.choices[0]):
            made(**{name: "no such thing"})


def test_labels_are_unique() -> None:
    for kind in MODES.values():
        labels = [setting.label for _, setting in settings(kind.request)]
        assert len(labels) == len(set(labels))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"width": 100}, "multiple of 8"),
        ({"frames": 0}, "from 1 to 1000000"),
        ({"frames": "many"}, "whole number"),
        ({"frames": 2.5}, "whole number"),
        ({"cfg": float("nan")}, "out of range"),
        ({"fps": "1/0"}, "fraction"),
        ({"fps": "inf"}, "fraction"),
        ({"fps": "1e999999999"}, "fraction"),
        ({"fps": "8.00000001"}, "up to 1001000"),
        ({"seed": -2}, "-1 for automatic"),
        ({"loras": ["user:much"]}, "NAME:WEIGHT"),
        ({"loras": 3}, "NAME:WEIGHT"),
        ({"loras": ["user:nan"]}, "NAME:WEIGHT"),
        ({"prompt": 3}, "a text"),
        ({"overlap": 16}, "at most 15"),
        ({"prompt": "8: a\n0: b"}, "line 2"),
    ],
)
def test_bad_values_say_what_to_give(values: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        made(**values)


def test_unknown_fields_and_modes_are_refused_with_the_known_ones() -> None:
    with pytest.raises(BadRequest, match="text2video"):
        request_from({"mode": "text2opera"})
    with pytest.raises(BadRequest, match="sampler"):
        request_from({"mode": "text2video", "smapler": "DDIM"})


@pytest.mark.parametrize("text", ["23.976", 23.976])
def test_common_rates_stay_near_what_was_written(text: object) -> None:
    fps = made(fps=text).fps
    assert abs(fps - Fraction("23.976")) < Fraction(1, 1000)


def test_lora_names_may_hold_colons() -> None:
    assert Lora.parse("a:b:0.5") == Lora("a:b", 0.5)
    assert Lora.parse("plain") == Lora("plain", 1.0)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_goes_to_json_and_back(mode: str) -> None:
    request = MODES[mode].request()
    assert request_from(request.to_json()) == request


def test_a_schedule_is_read_over_the_frames_of_the_clip() -> None:
    job = made(frames=5, seed=3, cfg_schedule="0:(2), 4:(6)")
    assert job.over_frames("cfg_schedule", range(5)) == (2, 3, 4, 5, 6)
    assert job.over_frames("cfg_schedule", range(2, 4)) == (4, 5)
    assert job.over_frames("lora_schedule", range(5)) == ()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cfg_schedule": "0:(7), x"}, "CFG schedule.*line 1, column"),
        ({"prompt": "8: a\n4: b"}, "Prompt.*line 2"),
        ({"prompt": "99: a"}, "Prompt.*line 1"),
        ({"negative": "0: a\n0: b"}, "Negative prompt.*line 2"),
        ({"span": 16, "span_overlap": 9}, "Span overlap"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(values: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        made(**values)


def test_a_schedule_out_of_range_names_the_frame() -> None:
    with pytest.raises(BadRequest, match="at frame 1"):
        made(frames=4, cfg_schedule="0:(7), 2:(99)").over_frames("cfg_schedule", range(4))
