"""The shipped files at work in the stand-alone engine: what the judge and the sheet look at."""

from __future__ import annotations

from pathlib import Path

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot, render
from easyphoto_video.host.library import CHECKPOINTS, EMBEDDED, EMBEDDED_FOLDER, Library
from easyphoto_video.host.standalone.device import target
from easyphoto_video.host.standalone.engine import StandaloneEngine
from easyphoto_video.host.standalone.model.load import load_models
from easyphoto_video.host.standalone.settle import settle
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.request import AUTO, NONE


class Studio:
    """The embedded model in a folder, in fp32 on the CPU."""

    def __init__(self, folder: Path = EMBEDDED_FOLDER) -> None:
        self.folder = folder
        self._library = Library(folder, embedded=folder)
        self._engine = StandaloneEngine(self._library, "cpu", "fp32")

    def vae(self) -> AutoencoderKL:
        """The autoencoder as the engine reads it."""
        checkpoint = self._library.find(CHECKPOINTS, EMBEDDED)
        return load_models(checkpoint, None, target("cpu", "fp32")).vae

    def draw(
        self, prompt: str, seed: int, frames: int = 1, moving: bool = False, cfg: float = 0.0
    ) -> Frames:
        """(F, 128, 128, 3) uint8 RGB; `moving` puts the motion module to work.

        `cfg` 0 is the checkpoint's own.
        """
        motion = AUTO if moving else NONE
        request = Text2Video(prompt=prompt, seed=seed, frames=frames, motion=motion, cfg=cfg)
        return render(self._engine, Shot.of(settle(request, self._library)))
