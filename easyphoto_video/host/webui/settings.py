"""Our section in the WebUI's settings: each option declared once, and read from anywhere.

| name               | what it is                                  | default                   |
|--------------------|---------------------------------------------|---------------------------|
| output_folder      | where clips go, below the data folder       | `outputs/easyphoto-video` |
| motion_folder      | a further folder with motion modules        | none                      |
| default_format     | the format that the tab begins with         | `mp4`                     |
| default_checkpoint | the checkpoint that the tab begins with     | `auto`                    |
| default_motion     | the motion module that the tab begins with  | `auto`                    |
| keep_models        | whether the motion module stays in memory   | yes                       |

The host keeps each under `easyphoto_video_` and its name.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from easyphoto_video.host.webui import common
from easyphoto_video.request import AUTO, FORMATS

SECTION = ("easyphoto_video", "EasyPhoto Video")
PREFIX = "easyphoto_video_"
CLIP_SKIP = "CLIP_stop_at_last_layers"
"""The host's own option for the field clip_skip."""

Choices = Callable[[str], Sequence[str]]
"""What can be chosen now for a field of the request, as Host.choices."""


@dataclass(frozen=True)
class Option:
    """One option, for people and for the host."""

    label: str
    default: Any
    help: str
    field: str = ""
    """The field of the request whose choices it has; empty where it is written or ticked."""


OPTIONS: Mapping[str, Option] = {
    "output_folder": Option(
        "Folder for clips",
        "outputs/easyphoto-video",
        "below the WebUI's data folder, or a full path; empty is outputs/easyphoto-video",
    ),
    "motion_folder": Option(
        "Further folder with motion modules",
        "",
        "a full path; models/AnimateDiff and the folders of sd-webui-animatediff are looked through"
        " anyway",
    ),
    "default_format": Option(
        "Format", FORMATS[0], "what the tab begins with after Reload UI", "format"
    ),
    "default_checkpoint": Option(
        "Checkpoint",
        AUTO,
        "what the tab begins with after Reload UI; auto is the one that is loaded",
        "checkpoint",
    ),
    "default_motion": Option(
        "Motion module",
        AUTO,
        "what the tab begins with after Reload UI; auto is the newest kind that fits",
        "motion",
    ),
    "keep_models": Option(
        "Keep models in memory",
        True,
        "the motion module stays in the machine's memory, not the GPU's, for the next clip",
    ),
}


def value(name: str) -> Any:
    """What the user set, else the default; also before the settings are made, and without a UI."""
    usual = OPTIONS[name].default
    given = common.option(PREFIX + name, usual)
    return given if isinstance(given, type(usual)) and given != "" else usual


def clip_skip() -> int:
    """What the host's own option says, so that a clip begins as the host's pictures are made."""
    given = common.option(CLIP_SKIP, 1)
    return int(given) if isinstance(given, (int, float)) and given >= 1 else 1


def register(choices: Choices) -> None:
    """Make the section; for on_ui_settings."""
    for name, option in OPTIONS.items():
        common.add_option(PREFIX + name, _info(name, option, choices))


def _info(name: str, option: Option, choices: Choices) -> Any:
    def arguments() -> dict[str, Any]:
        return {"choices": _choices(name, option, choices)}

    kinds = {bool: gr.Checkbox, str: gr.Textbox}
    info = common.option_info(
        option.default,
        option.label,
        gr.Dropdown if option.field else kinds[type(option.default)],
        arguments if option.field else None,
        section=SECTION,
        # The host wants a function here where it shall show a button; `arguments` looks anew.
        refresh=(lambda: None) if option.field not in ("", "format") else None,
    )
    return info.info(option.help)


def _choices(name: str, option: Option, choices: Choices) -> list[str]:
    """What can be chosen, and what is set although it is gone; the host's page needs both."""
    try:
        found = list(FORMATS) if option.field == "format" else list(choices(option.field))
    except Exception:  # or all settings of the WebUI would be gone
        traceback.print_exc()
        found = [option.default]
    return list(dict.fromkeys([*found, value(name)]))
