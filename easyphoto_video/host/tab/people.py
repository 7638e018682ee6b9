"""The sub-tab User ids: everybody with her picture, and what can be done with one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr
from PIL import Image

from easyphoto_video.errors import EasyPhotoError
from easyphoto_video.host.front import Host
from easyphoto_video.host.places import Places
from easyphoto_video.host.tab.compat import make
from easyphoto_video.host.tab.views import Views
from easyphoto_video.identity import People
from easyphoto_video.people import PICTURES
from easyphoto_video.people_facts import Facts, facts

PREFIX = "easyphoto_video_people_"
SIDE = 256
"""px, the longest side of a picture in the list."""
COLUMNS = 5


@dataclass(frozen=True, kw_only=True)
class PeoplePanel:
    """The components of the sub-tab."""

    gallery: Any
    person: Any
    refresh: Any
    facts: Any
    new_name: Any
    rename: Any
    export: Any
    zip: Any
    delete_name: Any
    keep_lora: Any
    delete: Any
    incoming: Any
    replace: Any
    make_name: Any
    make_photos: Any
    make_lora: Any
    make: Any


def build_people(host: Host) -> PeoplePanel:
    """Lay out the sub-tab, here and now."""
    parts = {**_list(host), **_changes(), **_newcomers(host)}
    return PeoplePanel(**parts)


def names(people: People) -> list[str]:
    """Everybody, in the order of the pictures."""
    return [person.name for person in people.all()]


def pictures(people: People, views: Views) -> list[tuple[Any, str]]:
    """Everybody's picture with her name; a grey one where it cannot be read."""
    grey = Image.new("RGB", (SIDE, SIDE), "grey")
    found = ((views.person(person, SIDE), person.name) for person in people.all())
    return [(picture or views.pictures([grey])[0], name) for picture, name in found]


def table(found: Facts, places: Places) -> str:
    """What there is to say of somebody."""
    size = found.reference_size
    rows = {
        "Reference": f"{found.reference.name}, {size[0]} x {size[1]} px" if size else "",
        "LoRA file": f"{found.lora.name} ({found.lora_from})" if found.lora else "",
        "Base model": found.base_model,
        "Trained on": found.trained_on,
        "Known to": ", ".join(name for name, _ in found.embeddings),
    }
    lines = [
        f'<dt>{escape(label)}</dt><dd translate="no">{escape(text)}</dd>'
        for label, text in rows.items()
        if text
    ]
    came = "<p>Came along with the program.</p>" if found.is_builtin else ""
    problem = (
        f'<p translate="no">{escape(places.without(found.problem))}</p>' if found.problem else ""
    )
    content = f"<dl>{''.join(lines)}</dl>{came}{problem}"
    return f'<div class="easyphoto_video_person">{content}</div>'


def shown(people: People, name: str) -> str:
    """The table of a person; empty when there is nobody of that name."""
    try:
        return table(facts(people, people.get(name)), Places(people.data_dir)) if name else ""
    except EasyPhotoError:
        return ""


def _list(host: Host) -> dict[str, Any]:
    found = names(host.people)
    first = found[0] if found else None
    parts = {
        "gallery": make(
            gr.Gallery,
            label="Everybody",
            elem_id=f"{PREFIX}gallery",
            columns=COLUMNS,
            height=260,
            object_fit="contain",
            allow_preview=False,
            interactive=False,
        )
    }
    with make(gr.Row, equal_height=False):
        parts["person"] = _dropdown("person", "Person", found, first)
        parts["refresh"] = _button("refresh", "Refresh the list")
    parts["facts"] = make(gr.HTML, value=shown(host.people, first or ""), elem_id=f"{PREFIX}facts")
    return parts


def _changes() -> dict[str, Any]:
    parts: dict[str, Any] = {}
    with make(gr.Accordion, label="Rename", open=False), make(gr.Row, equal_height=False):
        parts["new_name"] = _text("new_name", "New name")
        parts["rename"] = _button("rename", "Rename the person")
    with make(gr.Accordion, label="Export", open=False):
        parts["export"] = _button("export", "Put the person into a zip")
        parts["zip"] = make(gr.HTML, value="", elem_id=f"{PREFIX}zip")
    with make(gr.Accordion, label="Delete", open=False):
        with make(gr.Row, equal_height=False):
            parts["delete_name"] = _text("delete_name", "Type the person's name as a yes")
            parts["delete"] = _button("delete", "Delete for good", variant="stop")
        parts["keep_lora"] = _check("keep_lora", "Keep the LoRA in models/Lora")
    return parts


def _newcomers(host: Host) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    with make(gr.Accordion, label="Import", open=False):
        parts["replace"] = _check("replace", "In place of the person of that name")
        parts["incoming"] = _file("incoming", "A zip that was exported", [".zip"])
    with make(gr.Accordion, label="Make from photos and a LoRA", open=False):
        with make(gr.Row, equal_height=False):
            parts["make_name"] = _text("make_name", "Name of the new person")
            loras = list(host.choices("loras"))
            parts["make_lora"] = _dropdown("make_lora", "LoRA of the new person", loras, None)
        parts["make_photos"] = _file(
            "make_photos", "Photos; one will do", list(PICTURES), file_count="multiple"
        )
        parts["make"] = _button("make", "Make the person")
    return parts


def _dropdown(name: str, label: str, choices: Sequence[str], value: str | None) -> Any:
    return make(
        gr.Dropdown, label=label, choices=list(choices), value=value, elem_id=PREFIX + name, scale=3
    )


def _text(name: str, label: str) -> Any:
    return make(gr.Textbox, label=label, lines=1, elem_id=PREFIX + name, scale=3)


def _check(name: str, label: str) -> Any:
    return make(gr.Checkbox, label=label, value=False, elem_id=PREFIX + name)


def _button(name: str, label: str, **options: Any) -> Any:
    id = PREFIX + name
    return make(gr.Button, value=label, size="sm", min_width=80, elem_id=id, scale=1, **options)


def _file(name: str, label: str, types: list[str], **options: Any) -> Any:
    return make(
        gr.File, label=label, file_types=types, height=120, elem_id=PREFIX + name, **options
    )
