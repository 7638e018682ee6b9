"""The form of one mode: its layout by hand, everything that a component says from its field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gradio as gr

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.front import Host
from easyphoto_video.host.tab.compat import make
from easyphoto_video.host.tab.fields import Field, read, shown
from easyphoto_video.infotext import values_of_parameters
from easyphoto_video.request import MODES, Request

FILES = [".mp4", ".webm", ".gif", ".webp", ".png"]
ADDERS = {"loras": "Add a LoRA", "motion_loras": "Add a motion LoRA"}
"""Fields that are written, and the dropdown beside each that writes a line."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """The components of a mode's form."""

    mode: str
    fields: Mapping[str, Field]
    parts: Mapping[str, Any]
    """The component of every field."""
    extra: Mapping[str, Any]
    """What belongs to no field, by name: buttons, the dropdowns that add, the drop field."""

    @property
    def components(self) -> list[Any]:
        """In the order of the fields."""
        return [self.parts[name] for name in self.fields]

    def request(self, values: Sequence[Any]) -> Request:
        """The request that the components hold. Raises BadRequest."""
        held = zip(self.fields.values(), values, strict=True)
        return MODES[self.mode](**{field.name: read(field, value) for field, value in held})

    def filled(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        """Updates that put these values of a request into the form and leave the others alone."""
        return {
            part: gr.update(value=shown(self.fields[name], values[name]))
            for name, part in self.parts.items()
            if name in values
        }


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
            return gr.update(value=shown(form.fields[name], values[name]))

        return read_from

    return [(part, reader(name)) for name, part in form.parts.items()]


def build_form(mode: str, host: Host) -> Form:
    """Lay out the form of a mode, here and now."""
    builder = _Builder(mode, host)
    builder.prompts()
    builder.person()
    builder.models()
    builder.sampling()
    builder.size()
    builder.loras()
    builder.rest()
    return Form(mode=mode, fields=builder.fields, parts=builder.parts, extra=builder.extra)


class _Builder:
    """Puts each field into its place once."""

    def __init__(self, mode: str, host: Host) -> None:
        self.host = host
        self.fields = Field.all(MODES[mode], host)
        self.prefix = f"easyphoto_video_{mode}_"
        self.parts: dict[str, Any] = {}
        self.extra: dict[str, Any] = {}

    def put(self, *names: str) -> None:
        """The components of these fields, those that the mode has, one after the other."""
        for name in names:
            if name in self.fields:
                self.parts[name] = self.fields[name].component(self.host, self.prefix + name)

    def button(self, name: str, label: str) -> None:
        """A small button."""
        self.add(name, gr.Button, value=label, size="sm", min_width=80)

    def add(self, name: str, kind: Any, **options: Any) -> None:
        """A component that belongs to no field."""
        self.extra[name] = make(kind, elem_id=self.prefix + name, **options)

    def prompts(self) -> None:
        self.put("prompt", "negative")
        with _row():
            self.button("paste", "Read parameters from the prompt")
        with _closed("Restore from a file"):
            self.add("file", gr.File, label="A clip or picture", file_types=FILES, height=120)
        with _closed("Prompt travel"):
            self.travel()

    def travel(self) -> None:
        with _row():
            self.add("key_frame", gr.Number, label="From frame", value=0, min_width=80, scale=1)
            self.add("key_text", gr.Textbox, label="Prompt from there on", lines=1, scale=4)
        self.button("key_add", "Add key")
        self.add("keys", gr.HTML, value="", elem_classes=["easyphoto_video_keys"])

    def person(self) -> None:
        with _row():
            self.put("user_id", "face_pass")
        self.add(
            "reference",
            gr.Image,
            label="Reference picture",
            type="pil",
            interactive=False,
            visible=False,
            height=160,
        )
        with _closed("Face"):
            self.face()

    def face(self) -> None:
        with _row():
            self.put("user_weight", "face_strength")
        self.put("face_prompt")
        with _row():
            self.put("fusion_before", "fusion_after")
        with _row():
            self.put("color_match", "face_feather")
        with _row():
            self.put("face_crop", "face_size", "face_steps")
        with _row():
            self.put("skin_retouch", "restore", "restore_weight")
        with _row():
            self.put("face_model", "face_stride", "face_smoothing")
        with _row():
            self.put("more_user_ids", "scene_weight")

    def models(self) -> None:
        with _row():
            self.put("checkpoint", "motion", "vae")
        with _row():
            self.button("refresh_person", "Refresh user ids")
            self.button("refresh_models", "Refresh models")

    def sampling(self) -> None:
        self.put("sampler")
        with _row():
            self.put("steps", "cfg")
        with _row():
            self.put("seed")
            with make(gr.Column, scale=1, min_width=160):
                self.button("seed_reuse", "Reuse the result's seed")
                self.button("seed_random", "Random seed")

    def size(self) -> None:
        with _row():
            self.put("frames", "fps")
        with _row():
            self.put("width", "height")

    def loras(self) -> None:
        with _row():
            self.put("loras")
            self.adder("loras")

    def rest(self) -> None:
        with _closed("Motion and windows"):
            with _row():
                self.put("motion_loras")
                self.adder("motion_loras")
            with _row():
                self.put("context", "overlap")
        with _closed("Output"):
            self.put("format")
        others = [name for name in self.fields if name not in self.parts]
        with _closed("More"):
            self.put(*others)

    def adder(self, name: str) -> None:
        """A dropdown whose choice becomes a line of the field."""
        self.add(
            f"add_{name}",
            gr.Dropdown,
            label=ADDERS[name],
            choices=list(self.host.choices(name)),
            value=None,
            allow_custom_value=True,
        )


@contextmanager
def _row() -> Iterator[None]:
    with make(gr.Row, equal_height=False):
        yield


@contextmanager
def _closed(label: str) -> Iterator[None]:
    with make(gr.Accordion, label=label, open=False):
        yield
