"""A studio: a library's models on one device, and the way from a shot to its frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot, Start
from easyphoto_video.host.border import border
from easyphoto_video.host.calls import Calls, lora_weights
from easyphoto_video.host.checks import check_clip_skip, check_steps
from easyphoto_video.host.library import (
    CHECKPOINTS,
    LORAS,
    VAES,
    Library,
)
from easyphoto_video.host.shelf import Key, MotionShelf, stamps
from easyphoto_video.host.shots import (
    begins_at,
    check_start,
    freed,
    fresh_noise,
    latent_mask,
    mixed,
    noise_numbers,
)
from easyphoto_video.host.standalone import lean as lean  # first, see there
from easyphoto_video.host.standalone.conditions import Script, scripts
from easyphoto_video.host.standalone.denoise import Guide, Kept, Noise, Predictor, denoised
from easyphoto_video.host.standalone.device import LESS, Target
from easyphoto_video.host.standalone.model.fade import fading
from easyphoto_video.host.standalone.model.load import Models, load_models
from easyphoto_video.host.standalone.model.lora import read_lora
from easyphoto_video.host.standalone.model.merge import Merge, merged
from easyphoto_video.host.standalone.model.swift import Kernels, swift
from easyphoto_video.host.standalone.pictures import (
    decoded,
    encoded,
    sketched,
)
from easyphoto_video.host.standalone.prompt.embeddings import Embeddings
from easyphoto_video.host.standalone.prompt.encode import encode_all
from easyphoto_video.host.standalone.prompt.tags import LoraUse
from easyphoto_video.host.standalone.samplers import Noising, Sampler
from easyphoto_video.motion.attach import Handle, attached, fitted
from easyphoto_video.motion.fading import FadeHandle
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.noise import alphas_cumprod
from easyphoto_video.motion.recall import recalling
from easyphoto_video.request import AUTO
from easyphoto_video.watch import Share, Watch


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A shot with its files read and its prompts understood."""

    shot: Shot
    models: Models
    motion: Motion | None
    prompt: Script
    negative: Script
    merges: tuple[Merge, ...]


class Studio:
    """Renders shots; keeps the last models and the last motion module."""

    def __init__(self, library: Library, target: Target) -> None:
        self._library = library
        self._target = target
        self._models: tuple[Key, Models] | None = None
        self._motions = MotionShelf()
        self._kernels = Kernels()

    def render(self, shot: Shot, watch: Watch) -> Frames:
        """See Engine."""
        with border(self._target.device, LESS), torch.no_grad():
            scene = self._scene(shot, watch)
            kept = self._kept(scene, shot.start, watch) if shot.start else None
            if kept is not None and min(kept.begins) == shot.steps:
                return decoded(scene.models.vae, kept.latents, watch)
            with self._prepared(scene) as predictor:
                latents = _denoised(scene, predictor, kept, watch)
            return decoded(scene.models.vae, latents, watch)

    def _scene(self, shot: Shot, watch: Watch) -> Scene:
        prompt, negative = scripts(shot.prompt, shot.negative, shot.steps)
        uses = [*map(LoraUse.of, shot.loras), *prompt.loras]
        merges = tuple(
            Merge(read_lora(self._library.find(LORAS, use.name)), use.text, use.unet)
            for use in uses
        )
        check_steps(shot.sampler, shot.steps)
        models = self._loaded(shot)
        check_clip_skip(shot.clip_skip, models.text_encoder.config.num_hidden_layers)
        watch("loading", 0.7)
        motion = self._moving(shot)
        if motion is not None:
            fitted(models.unet, motion)
        watch("loading", 1.0)
        return Scene(
            shot=shot, models=models, motion=motion, prompt=prompt, negative=negative, merges=merges
        )

    @contextmanager
    def _prepared(self, scene: Scene) -> Iterator[Predictor]:
        """While it lasts, LoRAs and motion are in the networks."""
        models, shot = scene.models, scene.shot
        with _with_loras(scene) as fades:
            model = models.text_encoder
            find = Embeddings(self._library, model.config.hidden_size).at
            texts = scene.prompt.texts() | scene.negative.texts()
            guide = Guide(
                prompt=scene.prompt,
                negative=scene.negative,
                encoded=encode_all(sorted(texts), model, shot.clip_skip, find),
                cfgs=shot.cfgs or (shot.cfg,) * shot.frames,
                first=shot.first,
                loop=shot.loop,
            )
            with (
                swift(models.unet, self._kernels),
                _attached(scene) as handle,
                recalling(models.unet, shot.step_cache) as recall,
            ):
                yield Predictor(
                    unet=models.unet,
                    calls=Calls.of(shot, handle, fades, recall),
                    guide=guide,
                    pixels_at_once=self._target.latent_pixels_at_once,
                )

    def _kept(self, scene: Scene, start: Start, watch: Watch) -> Kept:
        shot = scene.shot
        check_start(start, shot)
        pictures = encoded(scene.models.vae, start.frames, watch)
        latents = mixed(pictures, start.mix, fresh_noise(shot)) if start.mix else pictures
        mask = None if start.mask is None else latent_mask(start.mask, latents)
        begins = begins_at(start.strengths(shot.frames), shot.steps)
        return Kept(latents=latents, mask=mask, begins=tuple(begins))

    def _loaded(self, shot: Shot) -> Models:
        checkpoint = self._library.find(CHECKPOINTS, shot.checkpoint)
        vae = None if shot.vae == AUTO else self._library.find(VAES, shot.vae)
        key = stamps(checkpoint, checkpoint.with_suffix(".yaml"), vae)
        if self._models is None or self._models[0] != key:
            self._models = None  # before the next are read, so that memory holds one only
            self._models = (key, load_models(checkpoint, vae, self._target))
        return self._models[1]

    def _moving(self, shot: Shot) -> Motion | None:
        motion = self._motions.of(shot, self._library)
        return motion and motion.to(self._target.device, self._target.dtype)


def _noising(scene: Scene) -> Noising:
    """A motion module brings the betas that it was trained with."""
    facts = scene.models.facts
    return Noising(
        betas=scene.motion.spec.betas if scene.motion else facts.betas,
        prediction=facts.prediction,
        zero_snr=facts.zero_snr,
    )


@contextmanager
def _attached(scene: Scene) -> Iterator[Handle | None]:
    if scene.motion is None:
        yield None
    else:
        with attached(scene.models.unet, scene.motion) as handle:
            yield handle


@contextmanager
def _with_loras(scene: Scene) -> Iterator[FadeHandle | None]:
    """Merged where their weight is one for all frames, else by hooks."""
    unet, text_encoder, shot = scene.models.unet, scene.models.text_encoder, scene.shot
    if not shot.lora_shares:
        with merged(unet, text_encoder, scene.merges):
            yield None
        return
    weights = lora_weights(shot)
    with fading(unet, text_encoder, scene.merges, weights, shot.lora_mean) as handle:
        yield handle


def _denoised(scene: Scene, predictor: Predictor, kept: Kept | None, watch: Watch) -> Tensor:
    """Latents (F, 4, h, w), after as many passes of FreeInit as are asked for."""
    shot, noising = scene.shot, _noising(scene)
    size = (4, shot.height // 8, shot.width // 8)
    noise = Noise(size=size, numbers=noise_numbers(shot), seed=shot.seed)
    passes = shot.free_init.passes if shot.free_init else 1
    sketch = partial(sketched, scene.models.vae)
    share = float(alphas_cumprod(torch.tensor(noising.trained_betas()))[-1])
    for number in range(passes - 1):
        part = Share(number, passes, watch)
        sampler = Sampler(shot.sampler, shot.steps, noising, min(kept.begins) if kept else 0)
        latents = denoised(predictor, sampler, noise, kept, part, sketch)
        noise = replace(noise, given=freed(shot, number, latents, noise.first(), share))
    sampler = Sampler(shot.sampler, shot.steps, noising, min(kept.begins) if kept else 0)
    return denoised(predictor, sampler, noise, kept, Share(passes - 1, passes, watch), sketch)
