"""What happens when something in the tab is touched. What goes wrong is told in the red box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from easyphoto_video.errors import BadFile, BadRequest, EasyPhotoError, Missing
from easyphoto_video.host.front import Host
from easyphoto_video.host.jobs import Jobs
from easyphoto_video.host.places import Places
from easyphoto_video.host.tab.compat import on, upload_of
from easyphoto_video.host.tab.fields import choices_of
from easyphoto_video.host.tab.form import Form
from easyphoto_video.host.tab.inputs import infotext_of
from easyphoto_video.host.tab.layout import ADDERS
from easyphoto_video.host.tab.material_wires import connect_material
from easyphoto_video.host.tab.panel import Panel
from easyphoto_video.host.tab.results import history, note_in, of_history, open_folder, shown
from easyphoto_video.host.tab.run import Runner
from easyphoto_video.host.tab.touch import Box, Updates, touch
from easyphoto_video.host.tab.travel import keys_of, with_key
from easyphoto_video.host.tab.unfinished import lines_of
from easyphoto_video.host.tab.views import Views
from easyphoto_video.infotext import values_of
from easyphoto_video.presets import PRESETS
from easyphoto_video.request import Lora, request_from

MODELS = ("checkpoint", "motion", "vae")
REFERENCE = 512
"""px, the longest side of a reference picture in the page."""


class Wires:
    """The events of a tab. `around` is the state that holds the chosen mode, the sub-tabs, and the
    page itself."""

    def __init__(
        self,
        host: Host,
        jobs: Jobs,
        forms: dict[str, Form],
        panel: Panel,
        around: tuple[Any, Any, gr.Blocks],
        views: Views,
    ) -> None:
        self._views = views
        self._box = Box(panel.error, Places(host.data_dir))
        self._host = host
        self._jobs = jobs
        self._forms = forms
        self._panel = panel
        self._mode, self._tabs, self._page = around

    def connect(self, *, streams: bool) -> None:
        """Connect everything, inside the Blocks."""
        self._connect_run(streams)
        self._connect_history()
        for form in self._forms.values():
            self._connect_paste(form)
            self._connect_person(form)
            self._connect_models(form)
            self._connect_seed(form)
            self._connect_preset(form)
            self._connect_travel(form)
            connect_material(form, self._box)

    def _touch(
        self,
        event: Callable[..., Any],
        call: Callable[..., Updates],
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
    ) -> None:
        """Answer an event at once with the call's updates, or with the sentence of its error."""
        touch(self._box, event, call, inputs, outputs)

    def _connect_run(self, streams: bool) -> None:
        panel, jobs = self._panel, self._jobs
        runner = Runner(self._host, jobs, self._forms, panel, self._views)
        fields = [part for form in self._forms.values() for part in form.components]
        # A list of each page's own, which stays on this side: gradio hands over the list itself.
        own = gr.State([])
        run = runner.stream if streams else runner.wait
        on(panel.generate.click, run, [own, self._mode, *fields], runner.outputs, many=streams)
        unfinished = panel.unfinished
        resume = runner.stream_resumed if streams else runner.wait_resumed
        on(unfinished.resume.click, resume, [own, unfinished.choice], runner.outputs, many=streams)
        unfinished.connect(self._host, self._box)

        def stop(ids: list[str]) -> Updates:
            jobs.interrupt(ids)
            return {}

        # Two buttons, as the WebUI's keys look for either.
        self._touch(panel.interrupt.click, stop, [own])
        self._touch(panel.skip.click, stop, [own])

    def _connect_history(self) -> None:
        panel, outputs = self._panel, self._host.outputs

        def choose(name: str | None) -> Updates:
            if not name:
                return {}
            path = of_history(outputs, name)
            infotext, error = _infotext_in(path)
            what = shown(path, None, infotext, self._views)
            frames = {panel.gallery: gr.update(value=list(what.frames))}
            return {**self._box.saying(error), **panel.showing(what, infotext), **frames}

        def refresh() -> Updates:
            unfinished = panel.unfinished.showing(lines_of(outputs))
            return {panel.history: gr.update(choices=history(outputs)), **unfinished}

        def open_outputs() -> Updates:
            open_folder(outputs)
            return {}

        self._touch(panel.history.input, choose, [panel.history], panel.result)
        there = [panel.history, *panel.unfinished.changing]
        self._touch(panel.refresh.click, refresh, [], there)
        # What is in the page's own file is as old as the server.
        self._touch(self._page.load, refresh, [], there)
        if self._views.local:
            self._touch(panel.open.click, open_outputs)

    def _connect_paste(self, form: Form) -> None:
        everything = [part for each in self._forms.values() for part in each.components]
        outputs = [self._mode, self._tabs, *everything]

        def paste(text: str) -> Updates:
            values = values_of(text or "")
            if set(values) <= {"prompt"}:
                what = "A text with parameters in the prompt"
                raise Missing(what, "Copy it from a result or from PNG Info into the prompt.")
            return self._filled(form, text)

        def restore(file: Any) -> Updates:
            path = upload_of(file)
            return self._filled(form, _note_in(Path(path))) if path else {}

        self._touch(form.extra["paste"].click, paste, [form.parts["prompt"]], outputs)
        self._touch(form.extra["file"].upload, restore, [form.extra["file"]], outputs)

    def _filled(self, form: Form, text: str) -> Updates:
        """Updates that put what a text says into the form of its mode, and show that form."""
        values = values_of(text)
        mode = values.get("mode", form.mode)
        where = {self._mode: mode, self._tabs: gr.update(selected=mode)}
        return {**where, **self._forms[mode].filled(values)}

    def _connect_person(self, form: Form) -> None:
        field, person = form.fields["user_id"], form.parts["user_id"]
        picture = form.extra["reference"]

        def refresh() -> Updates:
            return {person: gr.update(choices=choices_of(field, self._host))}

        def look(name: str | None) -> Updates:
            found = self._reference(name or "")
            return {picture: gr.update(value=found, visible=found is not None)}

        self._touch(form.extra["refresh_person"].click, refresh, [], [person])
        on(person.change, look, [person], [picture])

    def _reference(self, name: str) -> Any:
        """The reference picture of a person; None when there is nobody or it cannot be read."""
        try:
            return self._views.person(self._host.people.get(name), REFERENCE)
        except EasyPhotoError:
            return None

    def _connect_models(self, form: Form) -> None:
        host = self._host
        models = {form.parts[name]: form.fields[name] for name in MODELS}
        adders = {form.extra[f"add_{name}"]: name for name in ADDERS}

        def refresh() -> Updates:
            files = {part: choices_of(field, host) for part, field in models.items()}
            loras = {part: list(host.choices(name)) for part, name in adders.items()}
            found = {**files, **loras}
            return {part: gr.update(choices=choices) for part, choices in found.items()}

        self._touch(form.extra["refresh_models"].click, refresh, [], [*models, *adders])
        for adder, name in adders.items():
            self._connect_adder(adder, form.parts[name])

    def _connect_adder(self, adder: Any, part: Any) -> None:
        def add(name: str | None, text: str | None) -> Updates:
            if not name:
                return {}
            lines = [*(text or "").splitlines(), str(Lora(name)) if name else ""]
            return {part: "\n".join(filter(None, lines)), adder: gr.update(value=None)}

        self._touch(adder.input, add, [adder, part], [part, adder])

    def _connect_seed(self, form: Form) -> None:
        seed, infotext = form.parts["seed"], self._panel.infotext

        def reuse(text: str) -> Updates:
            values = values_of(text or "")
            if "seed" not in values:
                raise Missing("A result", "Generate one, or choose an earlier one.")
            return {seed: values["seed"]}

        def draw() -> Updates:
            return {seed: form.fields["seed"].setting.auto}

        self._touch(form.extra["seed_reuse"].click, reuse, [infotext], [seed])
        self._touch(form.extra["seed_random"].click, draw, [], [seed])

    def _connect_preset(self, form: Form) -> None:
        names = dict.fromkeys(name for preset in PRESETS.values() for name in preset)
        parts = {name: form.parts[name] for name in names}
        preset = form.extra["preset"]

        def fill(chosen: str | None) -> Updates:
            given = PRESETS.get(chosen or "", {})
            return {parts[name]: value for name, value in given.items()}

        self._touch(preset.input, fill, [preset], [*parts.values()])

    def _connect_travel(self, form: Form) -> None:
        prompt, extra = form.parts["prompt"], form.extra

        def add(text: str | None, frame: float | None, key: str | None) -> Updates:
            return {prompt: with_key(text or "", frame, key), extra["key_text"]: ""}

        def tell(text: str | None) -> Updates:
            return {extra["keys"]: keys_of(text or "")}

        inputs = [prompt, extra["key_frame"], extra["key_text"]]
        self._touch(extra["key_add"].click, add, inputs, [prompt, extra["key_text"]])
        on(prompt.change, tell, [prompt], [extra["keys"]])


def _note_in(path: Path) -> str:
    """The text in a dropped file; its place on this machine is nobody's business."""
    try:
        return note_in(path)
    except BadFile as error:
        raise BadFile(path.name, error.reason, error.next_step) from error


def _infotext_in(path: Path) -> tuple[str, EasyPhotoError | None]:
    """The infotext of a clip of ours, and why there is none."""
    try:
        values = values_of(note_in(path))
        if "mode" not in values:
            raise BadRequest("Result", path.name, "is not ours", "Choose another.")
        return infotext_of(request_from(values)), None
    except EasyPhotoError as error:
        return "", error
