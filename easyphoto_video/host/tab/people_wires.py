"""What happens when something in the sub-tab User ids is touched."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from easyphoto_video.errors import BadFile, BadRequest
from easyphoto_video.host.front import Host
from easyphoto_video.host.people import lora_named
from easyphoto_video.host.portrait import chooser
from easyphoto_video.host.tab.compat import on, upload_of
from easyphoto_video.host.tab.fields import choices_of
from easyphoto_video.host.tab.form import Form
from easyphoto_video.host.tab.people import PeoplePanel, names, pictures, shown
from easyphoto_video.host.tab.touch import Updates, touch
from easyphoto_video.identity import UserId
from easyphoto_video.people import delete, make, own, rename
from easyphoto_video.people_zip import bring, export

KEPT = 3600
"""Seconds that a zip waits to be downloaded."""
USER = "user_id"


class PeopleWires:
    """The events of the sub-tab; what goes wrong is told in `box`."""

    def __init__(self, host: Host, panel: PeoplePanel, forms: Mapping[str, Form], box: Any) -> None:
        self._host = host
        self._panel = panel
        self._forms = forms
        self._box = box
        self._exports = Exports()

    def connect(self) -> None:
        """Connect everything, inside the Blocks."""
        panel = self._panel
        everybody = [panel.gallery, panel.person, panel.facts, panel.make_lora, *self._users()]
        self._touch(panel.person.change, self._look, [panel.person], [panel.facts])
        on(panel.gallery.select, self._chosen(), [], [self._box, panel.person])
        chosen = [panel.person]
        held = [panel.person, *self._users()]
        self._touch(panel.refresh.click, self._refresh, held, everybody)
        renamed = [*everybody, panel.new_name]
        self._touch(panel.rename.click, self._rename, [panel.new_name, *held], renamed)
        self._touch(panel.export.click, self._export, chosen, [panel.zip])
        asked = [panel.delete_name, panel.keep_lora, *held]
        self._touch(panel.delete.click, self._delete, asked, [*everybody, panel.delete_name])
        brought = [panel.incoming, panel.replace, *self._users()]
        self._touch(panel.incoming.upload, self._bring, brought, [*everybody, panel.incoming])
        given = [panel.make_name, panel.make_lora, panel.make_photos]
        made = [*everybody, panel.make_name, panel.make_photos]
        self._touch(panel.make.click, self._make, [*given, *self._users()], made)

    def _touch(
        self,
        event: Callable[..., Any],
        call: Callable[..., Updates],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
    ) -> None:
        touch(self._box, event, call, inputs, outputs)

    def _users(self) -> list[Any]:
        """The forms' own choice of a user id."""
        return [form.parts[USER] for form in self._forms.values()]

    def _chosen(self) -> Callable[..., Updates]:
        def chosen(event: gr.SelectData) -> Updates:
            there = names(self._host.people)
            index = int(event.index)
            return {self._panel.person: there[index]} if index < len(there) else {self._box: ""}

        return chosen

    def _look(self, name: str | None) -> Updates:
        return {self._panel.facts: shown(self._host.people, name or "")}

    def _refresh(self, name: str | None, *users: Any) -> Updates:
        return self._everybody(name, users)

    def _rename(self, new: str | None, old: str | None, *users: Any) -> Updates:
        person = rename(self._host.people, _given(old), new or "")
        users = tuple(person.name if user == old else user for user in users)
        return {**self._everybody(person.name, users), self._panel.new_name: ""}

    def _export(self, name: str | None) -> Updates:
        path = export(self._host.people, _given(name), self._exports.folder())
        return {self._panel.zip: gr.update(value=str(path), visible=True)}

    def _delete(self, typed: str | None, keep_lora: bool, name: str | None, *users: Any) -> Updates:
        person = own(self._host.people, _given(name), "deleted")
        if (typed or "").strip() != person.name:
            step = f"Type {person.name} to delete it for good."
            raise BadRequest("User id", person.name, "was not to be deleted without a yes", step)
        delete(self._host.people, person.name, keep_lora=bool(keep_lora))
        return {**self._everybody(None, users), self._panel.delete_name: ""}

    def _bring(self, file: Any, replace: bool, *users: Any) -> Updates:
        path = upload_of(file)
        if path is None:
            return {}
        person = self._brought(Path(path), bool(replace))
        return {**self._everybody(person.name, users), self._panel.incoming: None}

    def _brought(self, path: Path, replace: bool) -> UserId:
        try:
            return bring(self._host.people, path, replace=replace)
        except BadFile as error:  # its place on this machine is nobody's business
            if error.path != path:
                raise
            raise BadFile(path.name, error.reason, error.next_step) from error

    def _make(self, name: str | None, lora: str | None, photos: Any, *users: Any) -> Updates:
        people, panel = self._host.people, self._panel
        found = [Path(path) for path in map(upload_of, photos or []) if path]
        if not found:
            step = "Drop photos of the person into the field; one will do."
            raise BadRequest("Photos", None, "are needed", step)
        if not lora:
            raise BadRequest("LoRA", None, "is needed", "Choose the person's LoRA, or train one.")
        file = lora_named(people, lora)
        person = make(people, name or "", found, file, chooser(people, file))
        cleared = {panel.make_name: "", panel.make_photos: None}
        return {**self._everybody(person.name, users), **cleared}

    def _everybody(self, name: str | None, users: Sequence[Any]) -> Updates:
        """Updates of all that lists persons, with this one chosen, else the first."""
        people, panel = self._host.people, self._panel
        there = names(people)
        chosen = name if name in there else next(iter(there), None)
        loras = list(self._host.choices("loras"))
        return {
            panel.gallery: gr.update(value=pictures(people)),
            panel.person: gr.update(choices=there, value=chosen),
            panel.facts: shown(people, chosen or ""),
            panel.make_lora: gr.update(choices=loras),
            **self._of_forms(users),
        }

    def _of_forms(self, users: Sequence[Any]) -> Updates:
        updates: Updates = {}
        for form, user in zip(self._forms.values(), users, strict=True):
            choices = choices_of(form.fields[USER], self._host)
            value = user if user in choices else choices[0]
            updates[form.parts[USER]] = gr.update(choices=choices, value=value)
        return updates


class Exports:
    """A folder for zips that wait to be downloaded."""

    def __init__(self) -> None:
        self._root: Path | None = None

    def folder(self) -> Path:
        """A new folder for one zip; old ones go."""
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="easyphoto-video-"))
            atexit.register(shutil.rmtree, self._root, ignore_errors=True)
        for old in self._root.iterdir():
            if time.time() - old.stat().st_mtime > KEPT:
                shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self._root))


def _given(name: str | None) -> str:
    if not name:
        raise BadRequest("Person", name, "is nobody", "Choose one in the list.")
    return name
