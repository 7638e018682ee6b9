"""Options, state and the model of the host."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

DEFAULTS = {
    "batch_cond_uncond": True,
    "pad_cond_uncond": False,
    "CLIP_stop_at_last_layers": 1,
    "img2img_fix_steps": False,
    "sd_vae": "Automatic",
    "sd_unet": "None",
    "s_min_uncond": 0.0,
    "live_previews_enable": True,
    "localization": "None",
    "persistent_cond_cache": True,
    "sd_noise_schedule": "Default",
}


class Options:
    """Data that the user's config file has; what it lacks has a default. New, it has nothing."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}

    def __getattr__(self, key: str) -> Any:
        data = self.__dict__["data"]
        if key in data:
            return data[key]
        if key in DEFAULTS:
            return DEFAULTS[key]
        raise AttributeError(key)


face_restorers: list[Any] = []
sd_upscalers: list[Any] = []


class State:
    """What runs now."""

    skipped = interrupted = stopping_generation = False
    job, job_count = "", 0
    sampling_step = sampling_steps = 0
    current_latent = current_image = None

    def begin(self, job: str) -> None:
        """A job takes over."""
        self.skipped = self.interrupted = self.stopping_generation = False
        self.job, self.job_count = job, -1
        self.current_latent = self.current_image = None

    def end(self) -> None:
        """The job is over."""
        self.job, self.job_count = "", 0

    def interrupt(self) -> None:
        """The user's button."""
        self.interrupted = True


opts, state = Options(), State()
cmd_opts = SimpleNamespace(no_gradio_queue=False, api=True)


def walk_files(path: str, allowed_extensions: Any = None) -> Iterator[str]:
    """Every file below a folder with one of these suffixes."""
    for root, _, names in sorted(os.walk(path, followlinks=True)):
        for name in sorted(names):
            if allowed_extensions is None or Path(name).suffix.lower() in allowed_extensions:
                yield str(Path(root, name))


class _Shared(ModuleType):
    @property
    def sd_model(self) -> Any:
        """Loads on access, as the host's does."""
        from modules import sd_models

        return sd_models.model_data.get_sd_model()


sys.modules[__name__].__class__ = _Shared
