"""A session of the stand-alone engine: what enters for a clip, and how a shot becomes frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Scene, Shot, Start
from easyphoto_video.host.calls import Calls
from easyphoto_video.host.checks import check_clip_skip, check_context, check_steps
from easyphoto_video.host.library import LORAS
from easyphoto_video.host.shots import (
    begins_at,
    check_start,
    freed,
    fresh_noise,
    latent_mask,
    mixed,
    noise_numbers,
)
from easyphoto_video.host.standalone.conditions import Script, scripts
from easyphoto_video.host.standalone.denoise import Guide, Kept, Noise, Predictor, denoised
from easyphoto_video.host.standalone.device import LESS
from easyphoto_video.host.standalone.model.fade import fading
from easyphoto_video.host.standalone.model.load import Models
from easyphoto_video.host.standalone.model.lora import PictureLora, read_lora
from easyphoto_video.host.standalone.model.merge import Merge, merged
from easyphoto_video.host.standalone.model.swift import SwiftAttachment
from easyphoto_video.host.standalone.pictures import decoded, encoded, sketched
from easyphoto_video.host.standalone.prompt.embeddings import Embeddings
from easyphoto_video.host.standalone.prompt.encode import encode_all
from easyphoto_video.host.standalone.prompt.tags import LoraUse
from easyphoto_video.host.standalone.samplers import Noising, Sampler
from easyphoto_video.host.translated import translated_errors
from easyphoto_video.motion.attach import MotionAttachment, fitted
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.noise import alphas_cumprod
from easyphoto_video.motion.recall import StepCache
from easyphoto_video.unet.attachment import Attachment, entered
from easyphoto_video.unet.controls import Controls
from easyphoto_video.watch import Share, Watch, unwatched

if TYPE_CHECKING:
    from easyphoto_video.host.standalone.studio import Studio


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A scene whose files are read, whose prompts are encoded, and which is in the networks."""

    models: Models
    motion: Motion | None
    prompt: Script
    negative: Script
    encoded: Mapping[str, Tensor]
    attachments: tuple[Attachment, ...]
    """What enters the UNet for each shot."""

    @property
    def noising(self) -> Noising:
        """A motion module brings the betas that it was trained with."""
        facts = self.models.facts
        return Noising(
            betas=self.motion.spec.betas if self.motion else facts.betas,
            prediction=facts.family.prediction,
            zero_snr=facts.zero_snr,
        )


class StandaloneSession:
    """See Session. Holds the scene of the last shot in the networks."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._held = ExitStack()
        self._scene: Scene | None = None
        self._stage: Stage | None = None
        self._loras: dict[Path, PictureLora] = {}
        self._controls = Controls(studio.library.control)

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        """See Session. The stages are loading, encoding (with a start), denoising and decoding."""
        with translated_errors(self._studio.target.device, LESS), torch.no_grad():
            stage = self._staged(shot, watch)
            kept = _kept(stage, shot, shot.start, watch) if shot.start else None
            if kept is not None and min(kept.begins) == shot.steps:
                return decoded(stage.models.vae, kept.latents, watch)
            controls = self._controls.attachments(shot.controls)
            with entered(stage.models.unet, [*stage.attachments, *controls]) as guests:
                predictor = Predictor(
                    unet=stage.models.unet,
                    calls=Calls.of(shot, guests),
                    guide=_guide(stage, shot),
                    pixels_at_once=self._studio.target.latent_pixels_at_once,
                )
                latents = _denoised(stage, shot, predictor, kept, watch)
                guests.check()
            return decoded(stage.models.vae, latents, watch)

    def close(self) -> None:
        """Put everything away; the networks are as they were."""
        self._scene = self._stage = None
        self._held.close()
        self._loras.clear()

    def _staged(self, shot: Shot, watch: Watch) -> Stage:
        scene = shot.scene
        if self._stage is None or self._scene != scene:
            self._scene = self._stage = None
            self._held.close()
            with ExitStack() as held:
                self._stage = held.enter_context(self._entered(scene, watch))
                self._held = held.pop_all()
            self._scene = scene
        if self._stage.motion is not None:
            check_context(self._stage.motion.spec, shot.context, shot.frames)
        watch("loading", 1.0)
        return self._stage

    @contextmanager
    def _entered(self, scene: Scene, watch: Watch) -> Iterator[Stage]:
        """While it lasts, LoRAs and motion are in the networks. Reads files in a fixed order, so
        that the first thing wrong is the one that is said."""
        prompt, negative = scripts(scene.prompt, scene.negative, scene.steps)
        merges = self._merges(scene, prompt)
        check_steps(scene.sampler, scene.steps)
        models = self._studio.models(scene)
        check_clip_skip(scene.clip_skip, models.text_encoder.config.num_hidden_layers)
        watch("loading", 0.7)
        motion = self._studio.motion(scene)
        if motion is not None:
            fitted(models.unet, motion)
        with _with_loras(scene, models, merges) as attachments:
            model = models.text_encoder
            find = Embeddings(self._studio.library, model.config.hidden_size).at
            texts = sorted(prompt.texts() | negative.texts())
            encoded_texts = encode_all(texts, model, scene.clip_skip, find)
            attachments.append(SwiftAttachment(self._studio.kernels))
            if motion is not None:
                attachments.append(MotionAttachment(motion))
            if scene.step_cache > 1:
                attachments.append(StepCache(scene.step_cache))
            yield Stage(
                models=models,
                motion=motion,
                prompt=prompt,
                negative=negative,
                encoded=encoded_texts,
                attachments=tuple(attachments),
            )

    def _merges(self, scene: Scene, prompt: Script) -> tuple[Merge, ...]:
        uses = [*map(LoraUse.of, scene.loras), *prompt.loras]
        return tuple(Merge(self._lora(use.name), use.text, use.unet) for use in uses)

    def _lora(self, name: str) -> PictureLora:
        path = self._studio.library.find(LORAS, name)
        if path not in self._loras:
            self._loras[path] = read_lora(path)
        return self._loras[path]


@contextmanager
def _with_loras(
    scene: Scene, models: Models, merges: tuple[Merge, ...]
) -> Iterator[list[Attachment]]:
    """Merged where their weight is one for all frames, else as something that enters the UNet."""
    unet, text_encoder = models.unet, models.text_encoder
    if not scene.fades_loras:
        with merged(unet, text_encoder, merges):
            yield []
        return
    with fading(unet, text_encoder, merges, scene.lora_mean) as loras:
        yield [loras]


def _guide(stage: Stage, shot: Shot) -> Guide:
    return Guide(
        prompt=stage.prompt,
        negative=stage.negative,
        encoded=stage.encoded,
        cfgs=shot.cfgs or (shot.cfg,) * shot.frames,
        first=shot.first,
        loop=shot.loop,
    )


def _kept(stage: Stage, shot: Shot, start: Start, watch: Watch) -> Kept:
    check_start(start, shot)
    pictures = encoded(stage.models.vae, start.frames, watch)
    latents = mixed(pictures, start.mix, fresh_noise(shot, pictures)) if start.mix else pictures
    mask = None if start.mask is None else latent_mask(start.mask, latents)
    begins = begins_at(start.strengths(shot.frames), shot.steps)
    return Kept(latents=latents, mask=mask, begins=tuple(begins))


def _denoised(
    stage: Stage, shot: Shot, predictor: Predictor, kept: Kept | None, watch: Watch
) -> Tensor:
    """Latents (F, 4, h, w), after as many passes of FreeInit as are asked for."""
    noising = stage.noising
    size = stage.models.facts.family.latents(shot.width, shot.height)
    noise = Noise(size=size, numbers=noise_numbers(shot), seed=shot.seed)
    passes = shot.free_init.passes if shot.free_init else 1
    sketch = partial(sketched, stage.models.vae)
    share = float(alphas_cumprod(torch.tensor(noising.trained_betas()))[-1])
    begin = min(kept.begins) if kept else 0
    for number in range(passes - 1):
        part = Share(number, passes, watch)
        sampler = Sampler(shot.sampler, shot.steps, noising, begin)
        latents = denoised(predictor, sampler, noise, kept, part, sketch)
        noise = replace(noise, given=freed(shot, number, latents, noise.first(), share))
    sampler = Sampler(shot.sampler, shot.steps, noising, begin)
    return denoised(predictor, sampler, noise, kept, Share(passes - 1, passes, watch), sketch)
