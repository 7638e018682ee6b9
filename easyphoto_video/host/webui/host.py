"""The WebUI as a host: its models, its queue, its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from easyphoto_video.engine import Engine
from easyphoto_video.errors import Missing
from easyphoto_video.faces.cast import Cast
from easyphoto_video.host.cast import cast_of, face_models
from easyphoto_video.host.interpolator import interpolators, method_of
from easyphoto_video.host.library import EMBEDDED, LORAS, MOTION_LORAS, MOTIONS, Library
from easyphoto_video.host.settling import settle
from easyphoto_video.host.webui import common, files, restore, samplers, settings
from easyphoto_video.host.webui.borrowed import BorrowedModel
from easyphoto_video.host.webui.engine import WebuiEngine
from easyphoto_video.host.webui.facade import here
from easyphoto_video.host.webui.settle import WebuiAnswers
from easyphoto_video.host.webui.turns import Turns
from easyphoto_video.identity import People
from easyphoto_video.request import AUTO, NONE, Request, Sampled
from easyphoto_video.video import ffmpeg
from easyphoto_video.video.between import Method

OTHERS_FOLDER = "animatediff_model_path"
"""The option of sd-webui-animatediff that says where its motion modules lie."""


class WebuiHost:
    """See Host."""

    name = "stable-diffusion-webui"

    def __init__(self) -> None:
        self._model = BorrowedModel()
        self._turns = Turns(common.queue_lock())
        self.engine: Engine = WebuiEngine(
            self.library, self._model, lambda: settings.value("keep_models")
        )

    def library(self) -> Library:
        """The motion modules and persons of the host's folders, which settings may move."""
        given = (
            common.flag("easyphoto_video_models"),
            settings.value("motion_folder"),
            common.option(OTHERS_FOLDER),
        )
        further = [Path(folder) for folder in given if folder]
        loras = [Path(folder) for folder in [common.flag("lora_dir")] if folder]
        extra = {MOTIONS: further, MOTION_LORAS: [*further, *loras], LORAS: loras}
        return Library(self.data_dir, extra, paths=False)

    @property
    def data_dir(self) -> Path:
        """See Host."""
        return common.data_dir()

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
        chosen = str(common.option("localization", "None")).lower()
        if chosen == "none":
            return ""
        return "zh" if chosen.startswith(("zh", "chinese")) else "en"

    def settle(self, request: Request) -> Request:
        """See Host."""
        return settle(request, WebuiAnswers(self.library()))

    def cast(self, request: Request) -> Cast | None:
        """See Host."""
        restorer = restore.restorer(request.restore) if isinstance(request, Sampled) else None
        return cast_of(request, self.people, restorer)

    def between(self, request: Request) -> Method:
        """See Host."""
        return method_of(request, self.library(), lambda: str(here().device))

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
        with self._turns.turn(), common.shown_job(f"task(easyphoto-{job})"):
            yield

    def is_stopped(self) -> bool:
        """See Host."""
        return common.is_stopped()

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
