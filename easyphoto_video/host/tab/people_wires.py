"""What happens when something in the sub-tab User ids is touched."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from easyphoto_video import temporary
from easyphoto_video.errors import BadFile, BadRequest
from easyphoto_video.host.front import Host
from easyphoto_video.host.people import lora_named
from easyphoto_video.host.places import Places
from easyphoto_video.host.portrait import chooser
from easyphoto_video.host.tab.compat import on, upload_of
from easyphoto_video.host.tab.fields import choices_of
from easyphoto_video.host.tab.form import Form
from easyphoto_video.host.tab.people import PeoplePanel, names, pictures, shown
from easyphoto_video.host.tab.touch import Box, Updates, touch
from easyphoto_video.host.tab.views import Views
from easyphoto_video.identity import UserId
from easyphoto_video.people import delete, make, own, rename
from easyphoto_video.people_zip import bring, export
from easyphoto_video.private import private_folder

USER = "user_id"


class PeopleWires:
    """The events of the sub-tab; what goes wrong is told in the component `box`."""

    def __init__(
        self, host: Host, panel: PeoplePanel, forms: Mapping[str, Form], box: Any, views: Views
    ) -> None:
        self._host = host
        self._views = views
        self._panel = panel
        self._forms = forms
        self._box = Box(box, Places(host.data_dir))

    def connect(self, page: gr.Blocks) -> None:
        """Connect everything, inside the Blocks."""
        panel = self._panel
        # Nothing of anybody lies in the page's own file.
        on(page.load, self._pictures, [], [panel.gallery])
        everybody = [panel.gallery, panel.person, panel.facts, panel.make_lora, *self._users()]
        self._touch(panel.person.change, self._look, [panel.person], [panel.facts])
        on(panel.gallery.select, self._chosen(), [], [self._box.part, panel.person])
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
            index = event.index
            if not isinstance(index, int) or not 0 <= index < len(there):
                return {self._box.part: ""}
            return {self._panel.person: there[index]}

        return chosen

    def _look(self, name: str | None) -> Updates:
        return {self._panel.facts: shown(self._host.people, name or "")}

    def _pictures(self) -> Updates:
        return {self._panel.gallery: gr.update(value=pictures(self._host.people, self._views))}

    def _refresh(self, name: str | None, *users: Any) -> Updates:
        return self._everybody(name, users)

    def _rename(self, new: str | None, old: str | None, *users: Any) -> Updates:
        person = rename(self._host.people, _given(old), new or "")
        users = tuple(person.name if user == old else user for user in users)
        return {**self._everybody(person.name, users), self._panel.new_name: ""}

    def _export(self, name: str | None) -> Updates:
        name = self._host.people.get(_given(name)).name
        folder = private_folder(temporary.folder() / f"export-{secrets.token_hex(8)}")
        path = export(self._host.people, name, folder)
        return {self._panel.zip: self._views.download(path)}

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
            panel.gallery: gr.update(value=pictures(people, self._views)),
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


def _given(name: str | None) -> str:
    if not name:
        raise BadRequest("Person", name, "is nobody", "Choose one in the list.")
    return name
