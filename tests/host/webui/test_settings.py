"""Our section in the WebUI's settings."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import gradio as gr
import pytest

from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.request import FORMATS
from tests.host.webui.street import Street


@pytest.fixture
def settings(street: Street) -> ModuleType:
    return import_module("easyphoto_video.host.webui.settings")


def choices(field: str) -> Sequence[str]:
    return {"checkpoint": ["auto", "realistic"], "motion": ["auto", "none"]}[field]


def test_defaults_hold_before_the_settings_are_made(settings: ModuleType) -> None:
    values = {name: settings.value(name) for name in settings.OPTIONS}
    assert values == {
        "output_folder": "outputs/easyphoto-video",
        "motion_folder": "",
        "default_format": Text2Video().format,
        "default_checkpoint": Text2Video().checkpoint,
        "default_motion": Text2Video().motion,
        "keep_models": True,
    }


def test_every_option_is_shown_and_read(settings: ModuleType, street: Street) -> None:
    settings.register(choices)
    assert set(street.opts.data_labels) == {f"easyphoto_video_{n}" for n in settings.OPTIONS}
    for name, option in settings.OPTIONS.items():
        info = street.opts.data_labels[f"easyphoto_video_{name}"]
        assert info.section == ("easyphoto_video", "EasyPhoto Video")
        assert (info.label, info.default) == (option.label, option.default)
        assert info.comment_after == option.help
        street.opts.data[f"easyphoto_video_{name}"] = "x" if option.default is not True else False
    assert [settings.value(name) for name in settings.OPTIONS] == ["x"] * 5 + [False]


@pytest.mark.parametrize("given", [None, "", 3])
def test_what_cannot_be_meant_is_the_default(
    settings: ModuleType, street: Street, given: Any
) -> None:
    street.opts.data["easyphoto_video_output_folder"] = given
    assert settings.value("output_folder") == "outputs/easyphoto-video"


def test_dropdowns_look_anew_and_keep_what_is_set(settings: ModuleType, street: Street) -> None:
    settings.register(choices)
    kinds = {name: info.component for name, info in street.opts.data_labels.items()}
    assert kinds["easyphoto_video_default_motion"] is gr.Dropdown
    assert kinds["easyphoto_video_motion_folder"] is gr.Textbox
    assert kinds["easyphoto_video_keep_models"] is gr.Checkbox

    def shown(name: str) -> list[str]:
        return street.opts.data_labels[f"easyphoto_video_{name}"].component_args()["choices"]

    assert shown("default_checkpoint") == ["auto", "realistic"]
    street.opts.data["easyphoto_video_default_checkpoint"] = "gone"
    assert shown("default_checkpoint") == ["auto", "realistic", "gone"]
    assert shown("default_format") == list(FORMATS)


def test_a_folder_that_cannot_be_read_does_not_take_the_settings_away(
    settings: ModuleType, street: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(field: str) -> Sequence[str]:
        raise OSError(f"no {field}")

    settings.register(fails)
    info = street.opts.data_labels["easyphoto_video_default_motion"]
    assert info.component_args() == {"choices": ["auto"]}
    assert "OSError: no motion" in capsys.readouterr().err
