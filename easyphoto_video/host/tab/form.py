"""The form of one mode: every component says what its field says, and holds a request together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.front import Host
from easyphoto_video.host.tab.fields import Field
from easyphoto_video.host.tab.inputs import Inputs
from easyphoto_video.host.tab.layout import Builder
from easyphoto_video.host.tab.views import Views
from easyphoto_video.infotext import values_of_parameters
from easyphoto_video.modes.registry import MODES
from easyphoto_video.request import Request
from easyphoto_video.setting import PICTURE, Setting


@dataclass(frozen=True, kw_only=True)
class Form:
    """The components of a mode's form."""

    mode: str
    fields: Mapping[str, Field]
    parts: Mapping[str, Any]
    """The component of every field."""
    extra: Mapping[str, Any]
    """What belongs to no field, by name: buttons, the dropdowns that add, players, curves."""
    inputs: Inputs
    """Where the files are kept that are dropped."""
    views: Views
    """How they come back into their fields."""

    @property
    def components(self) -> list[Any]:
        """In the order of the fields."""
        return [self.parts[name] for name in self.fields]

    def request(self, values: Sequence[Any]) -> Request:
        """The request that the components hold. Raises BadRequest, and HostFailed without room."""
        held = zip(self.fields.values(), values, strict=True)
        return MODES[self.mode].request(
            **{field.name: self._read(field, value) for field, value in held}
        )

    def filled(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        """Updates that put these values of a request into the form and leave the others alone.

        A file that is not among those dropped here stays empty: its path may be another machine's.
        """
        return {
            part: gr.update(value=self.shown(name, values[name]))
            for name, part in self.parts.items()
            if name in values
        }

    def shown(self, name: str, value: Any) -> Any:
        """A value of a request, or its plain JSON form, as the field's component shows it."""
        field = self.fields[name]
        kind = field.setting.kind
        if not field.is_dropped:
            return kind.to_form(kind.with_files(value, field.setting, self._name_here))
        path = self.inputs.ours(value)
        if path is None:
            return None
        if kind is PICTURE:
            return self.views.dropped(path)
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return [back for file in files if (back := self.views.dropped(file))] or None

    def _read(self, field: Field, value: Any) -> Any:
        setting, kind = field.setting, field.setting.kind
        if field.is_dropped:
            return self.inputs.kept(setting.label, value)
        return kind.with_files(kind.from_form(value), setting, self.inputs.named)

    def _name_here(self, setting: Setting, path: str) -> str:
        """The name of a file of ours, of any other nothing."""
        found = self.inputs.ours(path)
        return "" if found is None else found.name


def paste_fields(form: Form) -> list[tuple[Any, Any]]:
    """For the WebUI's `add_paste_fields`: components, and how each reads parsed parameters."""

    def reader(name: str) -> Any:
        def read_from(parameters: Mapping[str, Any]) -> Any:
            try:
                values = values_of_parameters(parameters)
            except BadRequest:
                return None
            if name not in values:
                return None
            return gr.update(value=form.shown(name, values[name]))

        return read_from

    return [(part, reader(name)) for name, part in form.parts.items()]


def build_form(mode: str, host: Host, views: Views) -> Form:
    """Lay out the form of a mode, here and now."""
    builder = Builder(mode, host)
    builder.everything()
    return Form(
        mode=mode,
        fields=builder.fields,
        parts=builder.parts,
        extra=builder.extra,
        inputs=Inputs(host),
        views=views,
    )
