"""Touching a tab without a browser: the functions behind its events, by the ids of its parts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio.routes import App

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot
from easyphoto_video.host.jobs import Jobs
from easyphoto_video.host.tab import Form, build
from easyphoto_video.watch import Viewer, Watch, unwatched
from tests.fake_engine import FakeEngine
from tests.host.fake import FakeHost


class Showing(FakeEngine):
    """A fake engine that shows each frame that it has painted, to whoever looks."""

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        self.shots.append(shot)
        frames = []
        for i in range(shot.frames):
            watch("denoising", i / shot.frames)
            frames.append(self.painter(shot, i))
            if isinstance(watch, Viewer) and watch.wants_picture():
                watch.show(np.stack(frames))
        return np.stack(frames)


class Driven:
    """A built tab and what its components hold."""

    def __init__(self, data_dir: Path, engine: FakeEngine | None = None, **options: Any) -> None:
        self.host = FakeHost(data_dir, engine or Showing())
        self.jobs = Jobs(self.host)
        self.forms: Mapping[str, Form] = {}
        self.page = asyncio.run(self._built(options))
        self.parts = {part.elem_id: part for part in self.page.blocks.values() if part.elem_id}
        self.values: dict[Any, Any] = {
            part: getattr(part, "value", None) for part in self.page.blocks.values()
        }

    async def _built(self, options: Mapping[str, Any]) -> Any:
        """Inside a loop, for else gradio makes one for every Blocks and leaves it open."""
        with pytest.MonkeyPatch.context() as patch:
            # Nobody serves it, and two servers and three descriptions take longer than the page.
            patch.setattr(App, "create_app", lambda *_, **__: None)
            patch.setattr(gr.Blocks, "get_config_file", lambda *_, **__: {})
            return build(self.host, self.jobs, register_paste=self._keep, **options)

    @property
    def form(self) -> Form:
        return self.forms["text2video"]

    def part(self, name: str) -> Any:
        ours = self.parts.get(f"easyphoto_video_{name}")
        return ours or self.parts[f"easyphoto_video_text2video_{name}"]

    def held(self, name: str) -> Any:
        """What the part of that name holds now."""
        return self.values[self.part(name)]

    def set(self, **values: Any) -> None:
        self.values.update({self.part(name): value for name, value in values.items()})

    def touch(self, name: str, event: str = "click") -> dict[str, Any]:
        """The updates of an event by the names of the parts, already in force."""
        return self._in_force(self.function(name, event)(*self.inputs(name, event)))

    def stream(self, name: str = "generate") -> Iterator[dict[str, Any]]:
        for updates in self.function(name, "click")(*self.inputs(name, "click")):
            yield self._in_force(updates)

    def function(self, name: str, event: str) -> Any:
        return self._event(name, event).fn

    def inputs(self, name: str, event: str) -> list[Any]:
        return [self.values[part] for part in self._event(name, event).inputs]

    def outputs(self, name: str, event: str = "click") -> list[Any]:
        return list(self._event(name, event).outputs)

    def _event(self, name: str, event: str) -> Any:
        target = (self.part(name)._id, event)
        (found,) = [each for each in self.page.fns.values() if target in each.targets]
        return found

    def _in_force(self, updates: Mapping[Any, Any]) -> dict[str, Any]:
        named = {}
        for part, update in updates.items():
            value = update.get("value", self.values[part]) if _is_update(update) else update
            self.values[part] = value
            id = (part.elem_id or "state").removeprefix("easyphoto_video_")
            named[id.removeprefix("text2video_")] = update
        return named

    def _keep(self, forms: Mapping[str, Form]) -> None:
        self.forms = forms


def _is_update(update: Any) -> bool:
    return isinstance(update, dict) and update.get("__type__") == "update"
