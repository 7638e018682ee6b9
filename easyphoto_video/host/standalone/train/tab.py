"""The Train tab of the stand-alone page: photos in, a user id out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadRequest, EasyPhotoError, Stopped
from easyphoto_video.faces.photos import Photo
from easyphoto_video.host.front import Host
from easyphoto_video.host.offers import Offers
from easyphoto_video.host.places import Places
from easyphoto_video.host.standalone.train.album import WANTED
from easyphoto_video.host.standalone.train.request import TrainRequest
from easyphoto_video.host.standalone.train.run import Run, Runs
from easyphoto_video.host.tab.compat import make, on, upload_of
from easyphoto_video.host.tab.fields import PERSON, Field, info_of, label_of
from easyphoto_video.host.tab.progress import trouble
from easyphoto_video.host.tab.tab import Side
from easyphoto_video.host.tab.views import Views
from easyphoto_video.setting import settings

PREFIX = "easyphoto_video_train_"
FIRST = ("checkpoint", "steps", "rank")
"""Fields that are always in sight."""
PAUSE = 0.3
"""Seconds between two looks at a training."""
COLUMNS = ("Photo", "Face", "Sharpness", "Likeness", "Left out because")
Updates = dict[Any, Any]


def train_side(host: Host, runs: Runs, views: Views | None = None) -> Side:
    """The tab, to stand beside that of clips."""
    words = json.loads(Path(__file__).with_name("zh.json").read_text(encoding="utf-8"))
    return Side(
        label="Train", lay_out=TrainTab(host, runs, views).lay_out, fields=fields(), more=words
    )


def fields() -> list[Field]:
    """The fields of a training, as the form needs them."""
    return [Field(field.name, setting, field.default) for field, setting in settings(TrainRequest)]


class TrainTab:
    """The form, and what a press of its buttons does; one training at a time."""

    def __init__(self, host: Host, runs: Runs, views: Views | None = None) -> None:
        self._host = host
        self._views = views or Views(Offers())
        self._places = Places(host.data_dir)
        self.runs = runs
        self._fields = fields()
        self.parts: dict[str, Any] = {}
        """Every component by its name."""

    def lay_out(self) -> None:
        """Lay out the tab, here and now."""
        with make(gr.Row, equal_height=False):
            with make(gr.Column, scale=3, min_width=320):
                self._form()
            with make(gr.Column, scale=2, min_width=320):
                self._panel()
        held = [self.parts[name] for name in ("photos", "restart")]
        held += [self.parts[field.name] for field in self._fields]
        shown = [self.parts[name] for name in ("error", "progress", "table", "pictures")]
        on(self.parts["start"].click, self.start, held, shown, many=True)
        on(self.parts["stop"].click, self.stop)

    def start(self, photos: Any, restart: bool, *values: Any) -> Iterator[Updates]:
        """Train, telling how far it is; who presses again sees the one that runs."""
        try:
            run = self.runs.running(lambda: self._asked(photos, values), bool(restart))
        except EasyPhotoError as error:
            yield {self.parts["error"]: trouble(error, self._places), self.parts["progress"]: ""}
            return
        seen = None
        yield {self.parts["error"]: "", self.parts["table"]: "", self.parts["pictures"]: []}
        while not run.is_over:
            updates: Updates = {self.parts["progress"]: _progress(run)}
            if run.photos:
                updates[self.parts["table"]] = table(run.photos)
            if run.pictures is not None and run.pictures is not seen:
                seen = run.pictures
                updates[self.parts["pictures"]] = self._shown(seen)
            yield updates
            time.sleep(PAUSE)
        yield self._ended(run)

    def stop(self) -> None:
        """Stop what runs; the same again goes on."""
        self.runs.stop()

    def _asked(self, photos: Any, values: Sequence[Any]) -> tuple[TrainRequest, list[str]]:
        held = zip(self._fields, values, strict=True)
        read = {field.name: field.setting.kind.from_form(value) for field, value in held}
        request = TrainRequest(**read)
        files = [path for file in photos or () if (path := upload_of(file))]
        if not files:
            raise BadRequest("Photos", 0, "are none", WANTED)
        return request, files

    def _ended(self, run: Run) -> Updates:
        failed = run.error if run.error is not None and not isinstance(run.error, Stopped) else None
        updates: Updates = {
            self.parts["progress"]: _ending(run),
            self.parts["error"]: trouble(failed, self._places),
        }
        if run.photos:
            updates[self.parts["table"]] = table(run.photos)
        if run.pictures is not None:
            updates[self.parts["pictures"]] = self._shown(run.pictures)
        return updates

    def _shown(self, frames: Frames) -> list[Any]:
        return self._views.pictures([Image.fromarray(frame) for frame in frames])

    def _form(self) -> None:
        by_name = {field.name: field for field in self._fields}
        person = by_name[PERSON]
        same = {"label": label_of(person.setting), "info": info_of(person)}
        # Not a choice among those who are there, as elsewhere: this is somebody new.
        self._add(PERSON, gr.Textbox, lines=1, max_lines=1, value="", **same)
        self._add("photos", gr.File, label="Photos", file_count="multiple", file_types=["image"])
        with make(gr.Row, equal_height=False):
            self._put(*(by_name[name] for name in FIRST))
        with make(gr.Accordion, label="More", open=False):
            self._put(*(f for f in self._fields if f.name not in (PERSON, *FIRST)))
        self._add("restart", gr.Checkbox, label="Begin anew", value=False)

    def _panel(self) -> None:
        with make(gr.Row):
            self._add("start", gr.Button, value="Train", variant="primary")
            self._add("stop", gr.Button, value="Stop")
        for name in ("error", "progress", "table"):
            self._add(name, gr.HTML, value="")
        same = {"columns": 4, "height": "auto", "interactive": False, "object_fit": "contain"}
        self._add("pictures", gr.Gallery, label="Validation pictures", **same)

    def _put(self, *fields: Field) -> None:
        for field in fields:
            self.parts[field.name] = field.component(self._host, PREFIX + field.name)

    def _add(self, name: str, kind: Any, **options: Any) -> None:
        self.parts[name] = make(kind, elem_id=PREFIX + name, **options)


def table(photos: Sequence[Photo]) -> str:
    """The photos with their figures as HTML; reasons are shown as they are."""
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    rows = "".join(f"<tr>{''.join(map(_cell, _figures(photo)))}</tr>" for photo in photos)
    return f'<table class="easyphoto_video_photos"><tr>{head}</tr>{rows}</table>'


def _figures(photo: Photo) -> tuple[str, ...]:
    alike = "" if photo.likeness is None else f"{photo.likeness:.2f}"
    return photo.name, f"{photo.size:.0f} px", f"{photo.sharpness:.0f}", alike, photo.refusal


def _cell(text: str) -> str:
    return f'<td translate="no">{escape(text)}</td>'


def _progress(run: Run) -> str:
    percent = f"{100 * run.fraction:.0f}"
    note = f'<b translate="no">{escape(run.note)}</b>' if run.note else ""
    return (
        '<div class="easyphoto_video_progress">'
        f'<div class="easyphoto_video_bar" role="progressbar" aria-valuenow="{percent}">'
        f'<div style="width:{percent}%"></div></div><div class="easyphoto_video_line">'
        f'<span>{escape(run.stage)}</span> <b translate="no">{percent}%</b> {note}</div></div>'
    )


def _ending(run: Run) -> str:
    if run.trained is None:
        stopped = isinstance(run.error, Stopped)
        return (
            f"<span>{'Stopped. Train goes on from the last checkpoint.' if stopped else ''}</span>"
        )
    alike = run.trained.likeness
    figure = "" if alike is None else f" <span>likeness</span> <b>{alike:.2f}</b>"
    name = f'<b translate="no">{escape(run.trained.request.user_id)}</b>'
    return f"<div><span>Trained:</span> {name}{figure}</div>"
