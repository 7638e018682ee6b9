"""The WebUI as a host: its models, its queue, its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modules import call_queue, devices, paths_internal, shared

from easyphoto_video.engine import Engine
from easyphoto_video.errors import Missing
from easyphoto_video.faces.cast import Cast
from easyphoto_video.host.cast import cast_of, face_models
from easyphoto_video.host.interpolator import interpolators, method_of
from easyphoto_video.host.library import EMBEDDED, LORAS, MOTION_LORAS, MOTIONS, Library
from easyphoto_video.host.webui import files, restore, samplers, settings
from easyphoto_video.host.webui.engine import WebuiEngine
from easyphoto_video.host.webui.held import HeldModel
from easyphoto_video.host.webui.settle import settle
from easyphoto_video.host.webui.turns import Turns
from easyphoto_video.identity import People
from easyphoto_video.request import AUTO, NONE, Request
from easyphoto_video.video import ffmpeg
from easyphoto_video.video.between import Method

OTHERS_FOLDER = "animatediff_model_path"
"""The option of sd-webui-animatediff that says where its motion modules lie."""


class WebuiHost:
    """See Host."""

    name = "stable-diffusion-webui"

    def __init__(self) -> None:
        self._model = HeldModel()
        self._turns = Turns(call_queue.queue_lock)
        self.engine: Engine = WebuiEngine(
            self.library, self._model, lambda: settings.value("keep_models")
        )

    def library(self) -> Library:
        """The motion modules and persons of the host's folders, which settings may move."""
        given = (
            getattr(shared.cmd_opts, "easyphoto_video_models", None),
            settings.value("motion_folder"),
            getattr(shared.opts, OTHERS_FOLDER, None),
        )
        further = [Path(folder) for folder in given if folder]
        loras = [Path(folder) for folder in [getattr(shared.cmd_opts, "lora_dir", None)] if folder]
        extra = {MOTIONS: further, MOTION_LORAS: [*further, *loras], LORAS: loras}
        return Library(self.data_dir, extra, paths=False)

    @property
    def data_dir(self) -> Path:
        """See Host."""
        return Path(paths_internal.data_path)

    @property
    def people(self) -> People:
        """See Host."""
        return self.library().people

    @property
    def outputs(self) -> Path:
        """See Host."""
        return self.data_dir / settings.value("output_folder")

    @property
    def language(self) -> str:
        """See Host."""
        chosen = str(getattr(shared.opts, "localization", "None")).lower()
        if chosen == "none":
            return ""
        return "zh" if chosen.startswith(("zh", "chinese")) else "en"

    def settle(self, request: Request) -> Request:
        """See Host."""
        return settle(request, self.library())

    def cast(self, request: Request) -> Cast | None:
        """See Host."""
        return cast_of(request, self.people, restore.restorer(request.restore))

    def between(self, request: Request) -> Method:
        """See Host."""
        return method_of(request, self.library(), lambda: str(devices.device))

    def choices(self, field: str) -> Sequence[str]:
        """See Host."""
        find = self._choosers().get(field)
        try:
            return find() if find else []
        except Missing:  # the host's LoRA extension is off: nothing can be chosen
            return []

    def defaults(self) -> Mapping[str, Any]:
        """See Host."""
        ours = {
            name: settings.value(f"default_{name}") for name in ("checkpoint", "motion", "format")
        }
        return {**ours, "clip_skip": settings.clip_skip()}

    @contextmanager
    def turn(self, job: str) -> Iterator[None]:
        """See Host. The host's own pages show the job as running."""
        with self._turns.turn():
            state = shared.state
            state.begin(job=f"task(easyphoto-{job})")
            try:
                with self._model.job():
                    yield
            finally:
                state.end()
                state.interrupted = state.skipped = state.stopping_generation = False
                state.current_latent = state.current_image = None

    def is_stopped(self) -> bool:
        """See Host."""
        state = shared.state
        return state.interrupted or state.skipped or state.stopping_generation

    def missing(self) -> Sequence[str]:
        """See Host."""
        try:
            ffmpeg.find()
        except Missing as error:
            return [str(error)]
        return []

    def _choosers(self) -> dict[str, Callable[[], list[str]]]:
        def motions() -> list[str]:
            return self.library().names(MOTIONS)

        return {
            "checkpoint": lambda: [AUTO, EMBEDDED, *files.checkpoint_names()],
            "vae": lambda: [AUTO, NONE, *files.vae_names()],
            "motion": lambda: [AUTO, NONE, EMBEDDED, *motions()],
            "loras": files.lora_names,
            "motion_loras": lambda: self.library().names(MOTION_LORAS),
            "interpolator": lambda: interpolators(self.library()),
            "sampler": samplers.names,
            "face_model": lambda: face_models(self.data_dir),
            "restore": lambda: [NONE, *restore.names()],
            "user_id": lambda: [AUTO, NONE, *(person.name for person in self.people.all())],
        }
