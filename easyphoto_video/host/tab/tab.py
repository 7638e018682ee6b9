"""The tab: the forms of the modes beside one panel for all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from easyphoto_video.host.front import Host
from easyphoto_video.host.jobs import Jobs
from easyphoto_video.host.offers import Offers
from easyphoto_video.host.tab.compat import blocks, make
from easyphoto_video.host.tab.fields import Field, catalogue
from easyphoto_video.host.tab.form import Form, build_form
from easyphoto_video.host.tab.panel import Panel, build_panel
from easyphoto_video.host.tab.people import PeoplePanel, build_people
from easyphoto_video.host.tab.people_wires import PeopleWires
from easyphoto_video.host.tab.results import history
from easyphoto_video.host.tab.unfinished import lines_of
from easyphoto_video.host.tab.views import Views
from easyphoto_video.host.tab.wires import Wires
from easyphoto_video.request import MODES

Send = Callable[[dict[str, Any], Any, Any], None]
"""Called with the buttons by the name of the WebUI's tab, the gallery and the infotext's box."""
PEOPLE = "easyphoto_video_people"
Paste = Callable[[Mapping[str, Form]], None]
"""Called with the form of every mode."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """Another tab, beside the one that makes clips."""

    label: str
    lay_out: Callable[[], None]
    """Lays it out, where it is called."""
    fields: Sequence[Field]
    """Those whose labels and helps it shows."""
    more: Mapping[str, str]
    """Chinese by English of its texts."""


def build(
    host: Host,
    jobs: Jobs,
    *,
    streams: bool = True,
    register_send: Send | None = None,
    register_paste: Paste | None = None,
    sides: Sequence[Side] = (),
    views: Views | None = None,
) -> gr.Blocks:
    """The tab as Blocks, for a page of its own or for a place in the WebUI's.

    Without `streams` (a host without gradio's queue) Generate answers once, at the end. The
    two callbacks are called while the tab is built. With `sides` it becomes one tab among them.
    Without `views`, the page serves files itself, as the WebUI's does.
    """
    views = views or Views(Offers())
    with (
        blocks(title="EasyPhoto Video", analytics_enabled=False) as page,
        make(gr.Column, elem_id="easyphoto_video"),
    ):
        _words(host, sides)
        _missing(host)
        with _among(sides):
            mode = gr.State(next(iter(MODES)))
            with make(gr.Row, equal_height=False):
                tabs, forms, people = _left(host, mode, views)
                panel = _right(host, sends=register_send is not None, local=views.local)
            Wires(host, jobs, forms, panel, (mode, tabs, page), views).connect(streams=streams)
            PeopleWires(host, people, forms, panel.error, views).connect(page)
        if register_send is not None:
            register_send(panel.send, panel.gallery, panel.infotext)
        if register_paste is not None:
            register_paste(forms)
    return page


def mode_label(mode: str) -> str:
    """A mode's name for people: text2video is `Text to video`."""
    return mode.replace("2", " to ").capitalize()


def _left(host: Host, mode: Any, views: Views) -> tuple[Any, dict[str, Form], PeoplePanel]:
    with make(gr.Column, scale=3, min_width=320):
        return _forms(host, mode, views)


def _right(host: Host, *, sends: bool, local: bool) -> Panel:
    with make(gr.Column, scale=2, min_width=320, elem_id="easyphoto_video_panel"):
        there, waiting = history(host.outputs), lines_of(host.outputs)
        return build_panel(there, waiting, sends=sends, local=local)


def _forms(host: Host, mode: Any, views: Views) -> tuple[Any, dict[str, Form], PeoplePanel]:
    """A sub-tab for every mode that exists, choosing it sets the mode; and one for the user ids."""
    forms = {}
    with make(gr.Tabs, elem_id="easyphoto_video_modes") as tabs:
        for name in MODES:
            id = f"easyphoto_video_mode_{name}"
            with make(gr.Tab, label=mode_label(name), id=name, elem_id=id) as tab:
                forms[name] = build_form(name, host, views)
            tab.select(_constant(name), outputs=[mode], show_progress="hidden", queue=False)
        with make(gr.Tab, label="User ids", id=PEOPLE, elem_id=PEOPLE):
            people = build_people(host)
    return tabs, forms, people


def _constant(name: str) -> Callable[[], str]:
    def chosen() -> str:
        return name

    return chosen


@contextmanager
def _among(sides: Sequence[Side]) -> Iterator[None]:
    """Where the clips' tab is laid out: alone, or the first of several."""
    if not sides:
        yield
        return
    with make(gr.Tabs, elem_id="easyphoto_video_sides"):
        with make(gr.Tab, label="Clip"):
            yield
        for side in sides:
            with make(gr.Tab, label=side.label):
                side.lay_out()


def _words(host: Host, sides: Sequence[Side] = ()) -> None:
    """What the page needs to put itself into Chinese; javascript/easyphoto_video.js reads it."""
    fields = [field for kind in MODES.values() for field in Field.all(kind, host).values()]
    words = catalogue(fields)
    for side in sides:
        words |= catalogue(side.fields, side.more)
    data = escape(json.dumps(words, ensure_ascii=False))
    make(
        gr.HTML,
        value=f'<div hidden data-language="{escape(host.language)}" data-words="{data}"></div>',
        elem_id="easyphoto_video_words",
    )


def _missing(host: Host) -> None:
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in host.missing())
    if sentences:
        make(
            gr.HTML,
            value=f'<div class="easyphoto_video_error" translate="no">{sentences}</div>',
            elem_id="easyphoto_video_missing",
        )
