"""The WebUI's engine: renders shots with the host's own checkpoint, samplers and prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Scene, Shot, Start
from easyphoto_video.errors import HostFailed, Stopped
from easyphoto_video.host.checks import check_context
from easyphoto_video.host.library import Library
from easyphoto_video.host.shelf import MotionShelf
from easyphoto_video.host.shots import begins_at, check_start, fresh_noise, latent_mask, mixed
from easyphoto_video.host.translated import translated_errors
from easyphoto_video.host.webui import borrowed, common
from easyphoto_video.host.webui.borrowed import BorrowedModel
from easyphoto_video.host.webui.clip import KeptPictures, Take, clip_run
from easyphoto_video.host.webui.facade import here
from easyphoto_video.host.webui.files import checkpoint_info, person_loras
from easyphoto_video.host.webui.pictures import decoded, encoded
from easyphoto_video.host.webui.strangers import check_blocks, put_away
from easyphoto_video.motion.attach import MotionAttachment, fitted
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.noise import alphas_cumprod, betas
from easyphoto_video.motion.recall import StepCache
from easyphoto_video.unet.attachment import Attachment
from easyphoto_video.unet.controls import KINDS, Controls
from easyphoto_video.watch import Viewer, Watch, unwatched

LESS = (
    "Give a smaller Width and Height, a shorter Span, the alternating Windows, or start the WebUI "
    "with --medvram."
)


SHOWN = 4
"""Frames of a look at what is becoming."""


class WebuiEngine:
    """See Engine. `library` finds motion modules; `model` lends the checkpoint; `keeps` says
    whether the last motion module stays in memory."""

    @property
    def controls(self) -> frozenset[str]:
        """See Engine."""
        return frozenset(KINDS)

    def __init__(
        self, library: Callable[[], Library], model: BorrowedModel, keeps: Callable[[], bool]
    ) -> None:
        self.library = library
        self.model = model
        self.motions = MotionShelf()
        self._keeps = keeps

    @contextmanager
    def open(self) -> Iterator[WebuiSession]:
        """See Engine. Only while the host's queue is ours."""
        with self.model.job(), ExitStack() as held:
            held.callback(self._forget)
            session = WebuiSession(self)
            held.callback(session.close)
            yield session

    def _forget(self) -> None:
        if not self._keeps():
            self.motions.clear()

    def release(self) -> None:
        """See Engine. The host's own models are the host's to let go."""
        self.motions.clear()


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A scene for which the host is as it must be."""

    model: Any
    """The host's, with the scene's checkpoint and VAE."""
    motion: Motion | None
    guests: tuple[Attachment, ...]
    one_by_one: bool
    """Whether the user wants conditions to go through the UNet one after the other."""
    lend: Callable[[], None]
    """Enters the scene's own LoRAs into the host's lists once more."""


class WebuiSession:
    """See Session. Holds what the last shot's scene needs of the host."""

    def __init__(self, engine: WebuiEngine) -> None:
        self._engine = engine
        self._held = ExitStack()
        self._scene: Scene | None = None
        self._stage: Prepared | None = None
        self._controls = Controls(lambda kind, name: engine.library().control(kind, name))

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        """See Session. The stages are loading, encoding (with a start), denoising and decoding."""
        watch("loading", 0.0)
        with translated_errors(here().device, LESS), torch.no_grad():
            stage = self._staged(shot, watch)
            kept = _kept(stage.model, shot, shot.start, watch) if shot.start else None
            if kept is not None and min(kept.begins) == shot.steps:
                return decoded(stage.model, kept.latents, watch)
            controls = self._controls.attachments(shot.controls)
            latents = _latents(stage, shot, kept, [*stage.guests, *controls], watch)
            return decoded(stage.model, latents, watch)

    def close(self) -> None:
        """Put everything back."""
        self._scene = self._stage = None
        self._held.close()

    def _staged(self, shot: Shot, watch: Watch) -> Prepared:
        here().check_unet()
        scene = shot.scene
        if self._stage is None or self._scene != scene or not here().is_chosen():
            self.close()
            with ExitStack() as held:
                self._stage = held.enter_context(self._entered(scene, watch))
                self._held = held.pop_all()
            self._scene = scene
        if self._stage.motion is not None:
            check_context(self._stage.motion.spec, shot.context, shot.frames)
        watch("loading", 1.0)
        return self._stage

    @contextmanager
    def _entered(self, scene: Scene, watch: Watch) -> Iterator[Prepared]:
        engine = self._engine
        motion = engine.motions.of(scene, engine.library())
        watch("loading", 0.2)
        with ExitStack() as held:
            info = checkpoint_info(scene.checkpoint)
            model = held.enter_context(engine.model.of(info, scene.vae))
            lend = held.enter_context(borrowed.loras(person_loras(scene, engine.library().people)))
            check_blocks(here().unet(model))
            held.enter_context(put_away(here().networks(model)))
            if motion is not None:
                fitted(here().unet(model), motion)
            held.enter_context(borrowed.stage(motion))
            yield Prepared(
                model=model,
                motion=motion,
                guests=tuple(_guests(scene, motion)),
                one_by_one=not common.option("batch_cond_uncond", True),
                lend=lend,
            )


def _guests(scene: Scene, motion: Motion | None) -> Iterator[Attachment]:
    if motion is not None:
        yield MotionAttachment(motion)
    if scene.step_cache > 1:
        yield StepCache(scene.step_cache)


def _latents(
    stage: Prepared,
    shot: Shot,
    kept: KeptPictures | None,
    guests: Sequence[Attachment],
    watch: Watch,
) -> torch.Tensor:
    """Runs the host's sampler with everything of ours borrowed for just so long."""
    motion, model = stage.motion, stage.model
    take = Take(
        shot=shot,
        guests=guests,
        kept=kept,
        one_by_one=stage.one_by_one,
        lend=stage.lend,
        tell=_teller(watch),
    )
    shares = alphas_cumprod(betas(*motion.spec.betas)) if motion is not None else None
    with (
        common.options(
            batch_cond_uncond=True,
            pad_cond_uncond=True,
            img2img_fix_steps=False,
            CLIP_stop_at_last_layers=shot.clip_skip,
        ),
        here().schedule(model, shares) if shares is not None else nullcontext(),
        here().randomness(),
        _run(take, model) as run,
    ):
        here().list_again(model)
        here().process(run)
        if common.is_stopped() or run.latents is None:
            raise Stopped("Stopped.")
        if not run.latents.isfinite().all():
            raise HostFailed(
                "The latents are not finite, so there is no picture. Give a lower CFG scale or "
                "LoRA weight, or start the WebUI with --no-half."
            )
    watch("denoising", 1.0)
    return run.latents


@contextmanager
def _run(take: Take, model: Any) -> Iterator[Any]:
    run = clip_run(take, model)
    try:
        yield run
    finally:
        # What a LoRA changed comes out of the UNet before its next call, not only with the next
        # picture's prompt.
        here().activate(run, {})
        run.close()


def _kept(model: Any, shot: Shot, start: Start, watch: Watch) -> KeptPictures:
    check_start(start, shot)
    pictures = encoded(model, start.frames, watch)
    latents = mixed(pictures, start.mix, fresh_noise(shot, pictures)) if start.mix else pictures
    mask = None if start.mask is None else latent_mask(start.mask, latents)
    begins = begins_at(start.strengths(shot.frames), shot.steps)
    return KeptPictures(latents=latents, mask=mask, begins=tuple(begins))


def _teller(watch: Watch) -> Callable[[float], None]:
    furthest = 0.0

    def tell(fraction: float) -> None:
        nonlocal furthest
        furthest = max(furthest, fraction)
        watch("denoising", furthest)
        if (
            isinstance(watch, Viewer)
            and watch.wants_picture()
            and (frames := here().look(SHOWN)) is not None
        ):
            watch.show(frames)

    return tell
