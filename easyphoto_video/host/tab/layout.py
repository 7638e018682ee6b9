"""Where each field of a mode stands in its form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import gradio as gr

from easyphoto_video.host.front import Host
from easyphoto_video.host.tab.compat import make
from easyphoto_video.host.tab.fields import Field
from easyphoto_video.host.tab.widgets import DROP_HEIGHT
from easyphoto_video.modes.registry import MODES
from easyphoto_video.presets import PRESET_HELP, PRESET_LABEL, PRESETS
from easyphoto_video.setting import FILM, CurveOverFrames

FILES = [".mp4", ".webm", ".gif", ".webp", ".png"]
ADDERS = {"loras": "Add a LoRA", "motion_loras": "Add a motion LoRA"}
"""Fields that are written, and the dropdown beside each that writes a line."""

Rows = tuple[tuple[str, ...], ...]

MATERIAL: Rows = (
    ("image", "last_image"),
    ("fit", "hold", "strength"),
    ("video",),
    ("start_time", "end_time"),
)
FILM_RATE = ("frames", "fps")
"""Stands with the film, where there is one."""
LATENTS: Rows = (("latent_power", "latent_scale"), ("latent_power_last", "latent_scale_last"))
FACE: Rows = (
    ("user_weight", "face_strength"),
    ("face_schedule",),
    ("face_prompt",),
    ("fusion_before", "fusion_after"),
    ("color_match", "face_feather"),
    ("face_crop", "face_size", "face_steps"),
    ("skin_retouch", "restore", "restore_weight"),
    ("face_model", "face_stride", "face_smoothing"),
    ("more_user_ids", "scene_weight"),
)
SCHEDULES: Rows = tuple(
    (name,)
    for name in (
        "strength_schedule",
        "redraw_schedule",
        "cfg_schedule",
        "motion_schedule",
        "lora_schedule",
    )
)
MOTION: Rows = (
    ("motion_amount", "closed_loop"),
    ("context", "overlap", "stride"),
    ("windows", "fuse"),
)
STEADY: Rows = (
    ("free_noise", "free_init"),
    ("free_init_filter", "free_init_space", "free_init_time"),
)
LONG: Rows = (("span", "span_overlap"),)
OUTPUT: Rows = (
    ("format", "order"),
    ("interpolation", "interpolator"),
    ("loop", "palette", "dither"),
)


class Builder:
    """Puts each field into its place once."""

    def __init__(self, mode: str, host: Host) -> None:
        self.host = host
        self.fields = Field.all(MODES[mode].request, host)
        self.prefix = f"easyphoto_video_{mode}_"
        self.parts: dict[str, Any] = {}
        self.extra: dict[str, Any] = {}

    def everything(self) -> None:
        """The form from top to bottom; a part whose field the mode does not have is left out."""
        self.material()
        if "prompt" in self.fields:
            self.prompts()
        self.restore()
        if "prompt" in self.fields:
            self.travel()
        if "user_id" in self.fields:
            self.person()
        if "checkpoint" in self.fields:
            self.models()
        if "sampler" in self.fields:
            self.sampling()
        self.size()
        if "loras" in self.fields:
            self.loras()
        self.group("Schedules over frames", SCHEDULES)
        if "motion_loras" in self.fields:
            self.motion()
        self.group("FreeNoise and FreeInit", STEADY)
        self.group("Long clips", LONG)
        self.group("Output", OUTPUT)
        self.group("More", tuple((name,) for name in self.fields if name not in self.parts))

    def put(self, *names: str) -> None:
        """The components of these fields, those that the mode has, one after the other."""
        for name in self.waiting(names):
            if self.fields[name].is_dropped:
                self.dropped(name)
                continue
            self.parts[name] = self.fields[name].component(self.host, self.prefix + name)
            if isinstance(self.fields[name].setting.kind, CurveOverFrames):
                self.add(f"curve_{name}", gr.HTML, value="", elem_classes=["easyphoto_video_drawn"])

    def waiting(self, names: tuple[str, ...]) -> list[str]:
        """Those that the mode has and that have no place yet."""
        return [name for name in names if name in self.fields and name not in self.parts]

    def rows(self, rows: Rows) -> None:
        """Fields beside each other, row after row."""
        for names in rows:
            if self.waiting(names):
                with _row():
                    self.put_apart(names)

    def put_apart(self, names: tuple[str, ...]) -> None:
        """Each in a column of its own where it is more than one component."""
        for name in self.waiting(names):
            field = self.fields[name]
            if field.is_dropped or isinstance(field.setting.kind, CurveOverFrames):
                with make(gr.Column, min_width=240):
                    self.put(name)
            else:
                self.put(name)

    def group(self, label: str, rows: Rows) -> None:
        """Rows behind a closed door; no door without rows."""
        if any(self.waiting(names) for names in rows):
            with _closed(label):
                self.rows(rows)

    def dropped(self, name: str) -> None:
        """A field for files; a film's has a player that comes when something was dropped."""
        field = self.fields[name]
        self.parts[name] = field.component(self.host, self.prefix + name)
        if field.setting.kind is FILM:
            hidden = {"interactive": False, "visible": False, "show_label": False}
            self.add(f"{name}_film", gr.Video, height=DROP_HEIGHT, **hidden)
            self.add(f"{name}_picture", gr.Image, type="filepath", height=DROP_HEIGHT, **hidden)
        said = f"<p><span>{escape(field.setting.help)}</span></p>"
        self.add(
            f"{name}_facts",
            gr.HTML,
            value=said,
            elem_classes=["easyphoto_video_facts"],
            padding=False,
        )

    def button(self, name: str, label: str) -> None:
        """A small button."""
        self.add(name, gr.Button, value=label, size="sm", min_width=80)

    def add(self, name: str, kind: Any, **options: Any) -> None:
        """A component that belongs to no field."""
        self.extra[name] = make(kind, elem_id=self.prefix + name, **options)

    def material(self) -> None:
        """What the clip begins from, but for words."""
        self.rows(MATERIAL)
        if "video" in self.fields:
            self.rows((FILM_RATE, ("redraw",)))
            self.group("Mask", (("mask_video",),))
        self.group("Latents of hold animatediff", LATENTS)

    def prompts(self) -> None:
        """What to show."""
        self.put("prompt", "negative")
        with _row():
            self.button("paste", "Read parameters from the prompt")

    def restore(self) -> None:
        """Where everything is read from."""
        with _closed("Restore from a file"):
            self.add("file", gr.File, label="A clip or picture", file_types=FILES, height=120)

    def travel(self) -> None:
        """Keys of the prompt."""
        with _closed("Prompt travel"):
            with _row():
                self.add("key_frame", gr.Number, label="From frame", value=0, min_width=80, scale=1)
                self.add("key_text", gr.Textbox, label="Prompt from there on", lines=1, scale=4)
            self.button("key_add", "Add key")
            self.add("keys", gr.HTML, value="", elem_classes=["easyphoto_video_keys"])

    def person(self) -> None:
        """Whose face."""
        with _row():
            self.put("user_id", "face_pass")
        hidden = {"interactive": False, "visible": False}
        label = "Reference picture"
        self.add("reference", gr.Image, label=label, type="pil", height=160, **hidden)
        self.group("Face", FACE)

    def models(self) -> None:
        """Which files."""
        with _row():
            self.put("checkpoint", "motion", "vae")
        with _row():
            self.button("refresh_person", "Refresh user ids")
            self.button("refresh_models", "Refresh models")

    def sampling(self) -> None:
        """How the noise goes."""
        with _row():
            self.put("sampler")
            self.add(
                "preset",
                gr.Dropdown,
                label=PRESET_LABEL,
                info=PRESET_HELP,
                choices=list(PRESETS),
                value=None,
            )
        with _row():
            self.put("steps", "cfg")
        with _row():
            self.put("seed")
            with make(gr.Column, scale=1, min_width=160):
                self.button("seed_reuse", "Reuse the result's seed")
                self.button("seed_random", "Random seed")

    def size(self) -> None:
        """How much of it."""
        self.rows((FILM_RATE, ("width", "height")))

    def loras(self) -> None:
        """LoRAs of the scene."""
        with _row():
            self.put("loras")
            self.adder("loras")

    def motion(self) -> None:
        """How frames go together."""
        with _closed("Motion and windows"):
            self.rows(MOTION)
            with _row():
                self.put("motion_loras")
                self.adder("motion_loras")

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
