"""Unfinished work in the panel: what was stopped, and going on with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.front import Host
from easyphoto_video.host.tab.compat import make
from easyphoto_video.host.tab.touch import Box, Updates, touch
from easyphoto_video.request import Request
from easyphoto_video.unfinished import discard, leftovers, unfinished

DISCARD, SURE = "Discard", "Discard for good"


@dataclass(frozen=True, kw_only=True)
class UnfinishedPart:
    """Its components."""

    box: Any
    """Holds the others; seen only when something is unfinished."""
    choice: Any
    resume: Any
    discard: Any
    asked: Any
    """The work that the discard button was pressed for once, by its line."""

    @property
    def changing(self) -> list[Any]:
        """What `showing` updates."""
        return [self.box, self.choice, self.discard, self.asked]

    def showing(self, lines: Sequence[str]) -> Updates:
        """Updates that show what is unfinished, the first chosen."""
        return {
            self.box: gr.update(visible=bool(lines)),
            self.choice: gr.update(choices=list(lines), value=next(iter(lines), None)),
            **self.unasked(),
        }

    def unasked(self) -> Updates:
        """The discard button as it was before it was pressed."""
        return {self.discard: gr.update(value=DISCARD, variant="secondary"), self.asked: ""}

    def connect(self, host: Host, box: Box) -> None:
        """Connect all but `resume`, which is a run; errors go into `box`."""

        def pressed(line: str | None, asked: str) -> Updates:
            id = id_of(line)
            if line != asked:
                return {self.discard: gr.update(value=SURE, variant="stop"), self.asked: line}
            discard(host.outputs, id)
            return self.showing(lines_of(host.outputs))

        touch(box, self.discard.click, pressed, [self.choice, self.asked], self.changing)
        touch(box, self.choice.input, lambda: self.unasked(), [], [self.discard, self.asked])


def build_unfinished(lines: Sequence[str]) -> UnfinishedPart:
    """Lay it out, here and now."""
    id = "easyphoto_video_unfinished"
    with make(gr.Column, elem_id=f"{id}_box", visible=bool(lines)) as box:
        choice = make(
            gr.Dropdown,
            label="Unfinished work",
            info="What was stopped; its finished spans are kept on disk.",
            choices=list(lines),
            value=next(iter(lines), None),
            allow_custom_value=True,
            elem_id=id,
        )
        with make(gr.Row, equal_height=False):
            small = {"size": "sm", "min_width": 80}
            resume = make(
                gr.Button, value="Resume", elem_id=f"{id}_resume", variant="primary", **small
            )
            button = make(gr.Button, value=DISCARD, elem_id=f"{id}_discard", **small)
        asked = gr.State("")
    return UnfinishedPart(box=box, choice=choice, resume=resume, discard=button, asked=asked)


def lines_of(outputs: Path) -> list[str]:
    """A line for each unfinished work, the newest first, then for what can only be discarded.

    Each begins with the id.
    """
    return [work.line for work in (*unfinished(outputs), *leftovers(outputs))]


def id_of(line: str | None) -> str:
    """The id in a line. Raises BadRequest when none is chosen."""
    if not (line or "").strip():
        raise BadRequest("Unfinished work", line or "", "is none", "Choose one in the list.")
    return (line or "").split()[0]


def spans_of(outputs: Path, request: Request) -> int:
    """How many spans of a settled request are done and can be gone on with."""
    return next((work.spans for work in unfinished(outputs) if work.request == request), 0)
