"""What happens when a file is dropped into a form, or a schedule is written."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from easyphoto_video.errors import EasyPhotoError
from easyphoto_video.host.tab.compat import on
from easyphoto_video.host.tab.curves import curve_of
from easyphoto_video.host.tab.form import Form
from easyphoto_video.host.tab.progress import seconds
from easyphoto_video.host.tab.touch import Box, Updates
from easyphoto_video.host.tab.views import Views
from easyphoto_video.setting import FILM, CurveOverFrames
from easyphoto_video.video.read import Video, open_video

PLAYED = (".mp4", ".m4v", ".mov", ".webm", ".ogv")
"""What browsers play."""
MOVING = (".gif", ".webp", ".png", ".apng")
"""What browsers show as it is."""
LARGEST = 1024
"""px, the longest side of a frame in the page."""


def connect_material(form: Form, box: Box) -> None:
    """Connect the fields for films and the schedules of a form; errors go into `box`."""
    for name, field in form.fields.items():
        if field.setting.kind is FILM:
            _connect_film(form, name, box)
        elif isinstance(field.setting.kind, CurveOverFrames):
            _connect_schedule(form, name, field.setting.kind)


def _connect_film(form: Form, name: str, box: Box) -> None:
    part, extra = form.parts[name], form.extra
    film, picture, facts = (extra[f"{name}_{kind}"] for kind in ("film", "picture", "facts"))
    setting = form.fields[name].setting

    def look(value: Any) -> Updates:
        try:
            path = form.inputs.kept(setting.label, value)
            shown = _shown(Path(path), form.views) if path else (None, None, _word(setting.help))
            said = box.saying(None)
        except Exception as error:
            shown, said = (None, None, _word(setting.help)), box.saying(error)
        return {
            **said,
            film: gr.update(value=shown[0], visible=shown[0] is not None),
            picture: gr.update(value=shown[1], visible=shown[1] is not None),
            facts: f"<p>{shown[2]}</p>",
        }

    on(part.change, look, [part], [box.part, film, picture, facts])


def _connect_schedule(form: Form, name: str, kind: CurveOverFrames) -> None:
    text, curve = form.parts[name], form.extra[f"curve_{name}"]
    limits = (kind.low, kind.high)
    inputs = [text, form.parts["frames"], form.parts["seed"]]

    def draw(*values: Any) -> Updates:
        return {curve: curve_of(limits, *values)}

    events: tuple[Callable[..., Any], ...] = (text.change, form.parts["frames"].change)
    for event in events:
        on(event, draw, inputs, [curve])


def _shown(path: Path, views: Views) -> tuple[str | None, Any, str]:
    """What the player and the picture show of a film, and its facts. Raises BadFile, Missing."""
    video = open_video(path)
    facts = _facts(video)
    if path.suffix.lower() in PLAYED:
        return views.file(path), None, facts
    if path.suffix.lower() in MOVING:
        return None, views.file(path), facts
    first = _first(video)
    return None, next(iter(views.pictures([first])), None) if first else None, facts


def _first(video: Video) -> Image.Image | None:
    """The first frame of what no browser plays."""
    try:
        frame = next(video.frames(0, 1), None)
    except EasyPhotoError:
        return None
    if frame is None:
        return None
    picture = Image.fromarray(frame)
    picture.thumbnail((LARGEST, LARGEST))
    return picture


def _facts(video: Video) -> str:
    parts = [_datum(f"{video.width}x{video.height}"), _word("Frames"), _datum(str(video.count))]
    if video.fps:
        length = seconds(float(video.count / video.fps))
        rate = f"{float(video.fps):.3f}".rstrip("0").rstrip(".")
        parts += [_word("Frames per second"), _datum(rate), _word("Length"), _datum(length)]
    parts.append(_word("with sound" if video.has_sound else "without sound"))
    return " ".join(parts)


def _word(text: str) -> str:
    return f"<span>{escape(text)}</span>"


def _datum(text: str) -> str:
    return f'<b translate="no">{escape(text)}</b>'
