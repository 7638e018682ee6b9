"""The panel beside the form: buttons, progress, the result and the last results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from easyphoto_video.host.tab.compat import make
from easyphoto_video.host.tab.results import Shown
from easyphoto_video.host.tab.unfinished import UnfinishedPart, build_unfinished

SEND = ("img2img", "extras")
"""The WebUI's own tabs that take a frame."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Its components."""

    generate: Any
    interrupt: Any
    skip: Any
    error: Any
    progress: Any
    unfinished: UnfinishedPart
    film: Any
    picture: Any
    gallery: Any
    infotext: Any
    history: Any
    refresh: Any
    open: Any
    send: dict[str, Any]

    @property
    def result(self) -> list[Any]:
        """What changes with the result."""
        return [self.film, self.picture, self.gallery, self.infotext]

    def showing(self, what: Shown, infotext: str) -> dict[Any, Any]:
        """Updates that show a result without its frames, which take longer."""
        return {
            self.film: gr.update(value=what.film, visible=what.film is not None),
            self.picture: gr.update(value=what.picture, visible=what.picture is not None),
            self.infotext: gr.update(value=infotext),
        }


def build_panel(
    history: Sequence[str], unfinished: Sequence[str], *, sends: bool, local: bool
) -> Panel:
    """Lay out the panel, here and now."""
    parts: dict[str, Any] = {}
    with make(gr.Row, equal_height=False):
        parts["generate"] = _button("Generate", "generate", variant="primary")
        parts["interrupt"] = _button("Interrupt", "interrupt", variant="stop")
        parts["skip"] = _button("Skip", "skip")
    parts["error"] = make(gr.HTML, value="", elem_id="easyphoto_video_error")
    parts["progress"] = make(gr.HTML, value="", elem_id="easyphoto_video_progress")
    parts["unfinished"] = build_unfinished(unfinished)
    parts |= _result()
    parts["send"] = {}
    with make(gr.Row, equal_height=False):
        for name in SEND if sends else ():
            parts["send"][name] = _button(f"Send to {name}", f"send_{name}", size="sm")
        parts["open"] = _button("Open folder", "open", size="sm", visible=local)
    with make(gr.Row, equal_height=False):
        parts["history"] = make(
            gr.Dropdown,
            label="Earlier results",
            choices=list(history),
            value=None,
            elem_id="easyphoto_video_history",
            allow_custom_value=True,
            scale=4,
        )
        parts["refresh"] = _button("Refresh results", "refresh_results", size="sm")
    return Panel(**parts)


def _result() -> dict[str, Any]:
    hidden = {"interactive": False, "visible": False}
    return {
        "film": make(
            gr.Video,
            label="Result",
            elem_id="easyphoto_video_film",
            autoplay=True,
            loop=True,
            **hidden,
        ),
        "picture": make(
            gr.Image,
            label="Animation",
            type="filepath",
            elem_id="easyphoto_video_picture",
            **hidden,
        ),
        "gallery": make(
            gr.Gallery,
            label="Frames of the clip",
            elem_id="easyphoto_video_gallery",
            columns=4,
            height="auto",
            object_fit="contain",
            format="png",
            interactive=False,
        ),
        "infotext": make(
            gr.Textbox,
            label="Parameters of the result",
            lines=3,
            max_lines=6,
            interactive=False,
            show_copy_button=True,
            buttons=["copy"],
            elem_id="easyphoto_video_infotext",
        ),
    }


def _button(label: str, id: str, **options: Any) -> Any:
    return make(gr.Button, value=label, elem_id=f"easyphoto_video_{id}", min_width=80, **options)
