"""The components that a kind of setting may ask for, by the word in its `widget`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from easyphoto_video.host.tab.compat import make
from easyphoto_video.setting import Setting

SLIDABLE = 300
"""Most positions of a slider; a longer range is typed."""
FINE, COARSE = 0.05, 0.1
"""Steps of a slider whose field has none, for a range below and above 10."""
LEAST_WIDTH = 200
"""px of a component; below, a row becomes two."""
DROP_HEIGHT = 240
"""px of a field for files."""
MOST_LINES = 12
"""Of a text that grows as it is written."""
Same = Mapping[str, Any]
"""What every component takes: its label, its id, and help and value but for files."""


def text(setting: Setting, same: Same) -> Any:
    """A text of one line or more."""
    lines = setting.kind.lines
    return make(gr.Textbox, lines=lines, max_lines=max(lines, MOST_LINES), **same)


def checkbox(setting: Setting, same: Same) -> Any:
    """Yes or no."""
    return make(gr.Checkbox, **same)


def number(setting: Setting, same: Same) -> Any:
    """A slider where there are few positions, else a field to type in."""
    if not _slides(setting):
        return make(gr.Number, **same)
    low, high, step = _span(setting)
    return make(gr.Slider, minimum=low, maximum=high, step=step, **same)


def dropdown(choices: list[Any], same: Same) -> Any:
    """A list to choose from."""
    # A pasted name that is not there (yet) is shown, and refused in words when it is used.
    return make(gr.Dropdown, choices=choices, allow_custom_value=True, **same)


def picture(setting: Setting, same: Same) -> Any:
    """Where a picture is dropped."""
    # As pixels: as a file, the oldest gradio would compress a photo once more.
    source = {"source": "upload", "sources": ["upload", "clipboard"]}
    mode = {"image_mode": None, "type": "pil", "interactive": True}
    return make(gr.Image, **same, **source, **mode)


def files(setting: Setting, same: Same) -> Any:
    """Where a file, or several that are one, such as the frames of a film, are dropped."""
    return make(gr.File, file_count="multiple", **same)


WRITTEN: Mapping[str, Callable[[Setting, Same], Any]] = {
    "text": text,
    "checkbox": checkbox,
    "number": number,
}
DROPPED: Mapping[str, Callable[[Setting, Same], Any]] = {
    "picture": picture,
    "film": files,
    "sound": files,
    "folder": files,
}
"""Those that hold files; what is dropped is kept, see inputs.py."""


def _span(setting: Setting) -> tuple[float, float, float]:
    """Lowest and highest position and step; automatic is a position too."""
    assert setting.low is not None and setting.high is not None
    low = setting.low if setting.auto is None else min(setting.low, setting.auto)
    return low, setting.high, setting.step or (FINE if setting.high - low < 10 else COARSE)


def _slides(setting: Setting) -> bool:
    if setting.low is None or setting.high is None:
        return False
    low, high, step = _span(setting)
    return (high - low) / step <= SLIDABLE
