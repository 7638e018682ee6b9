"""The WebUI's engine: renders shots with the host's own checkpoint, samplers and prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from modules import devices, extra_networks, processing, shared

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot, Start
from easyphoto_video.errors import HostFailed, Stopped
from easyphoto_video.host.border import border
from easyphoto_video.host.library import Library
from easyphoto_video.host.shelf import MotionShelf
from easyphoto_video.host.shots import begins_at, check_start, fresh_noise, latent_mask, mixed
from easyphoto_video.host.webui import borrowed
from easyphoto_video.host.webui.checks import check_unet
from easyphoto_video.host.webui.clip import Kept, Take, clip_run
from easyphoto_video.host.webui.files import checkpoint_info, person_loras
from easyphoto_video.host.webui.held import HeldModel
from easyphoto_video.host.webui.pictures import decoded, encoded, look
from easyphoto_video.host.webui.strangers import check_blocks, put_away
from easyphoto_video.motion.attach import Handle, attached, fitted
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.noise import alphas_cumprod, betas
from easyphoto_video.watch import Viewer, Watch, unwatched

LESS = (
    "Give a smaller Width and Height, a shorter Span, the alternating Windows, or start the WebUI "
    "with --medvram."
)


class WebuiEngine:
    """See Engine. The stages are loading, encoding (with a start), denoising and decoding.

    `library` finds motion modules; `model` lends the checkpoint; `keeps` says whether the last
    motion module stays in memory.
    """

    def __init__(
        self, library: Callable[[], Library], model: HeldModel, keeps: Callable[[], bool]
    ) -> None:
        self._library = library
        self._model = model
        self._keeps = keeps
        self._motions = MotionShelf()

    def render(self, shot: Shot, watch: Watch = unwatched) -> Frames:
        """See Engine. Only while the host's queue is ours."""
        watch("loading", 0.0)
        with border(devices.device, LESS), torch.no_grad(), ExitStack() as held:
            check_unet()
            motion = self._motions.of(shot, self._library())
            held.callback(self._forget)
            watch("loading", 0.2)
            info = checkpoint_info(shot.checkpoint)
            model = held.enter_context(self._model.of(info, shot.vae))
            lend = held.enter_context(borrowed.loras(person_loras(shot, self._library().people)))
            check_blocks(model.model.diffusion_model)
            held.enter_context(put_away(model))
            if motion is not None:
                fitted(model.model.diffusion_model, motion)
            watch("loading", 1.0)
            kept = _kept(model, shot, shot.start, watch) if shot.start else None
            if kept is not None and min(kept.begins) == shot.steps:
                return decoded(model, kept.latents, watch)
            held.enter_context(borrowed.stage(motion))
            take = _take(shot, motion, kept, lend, watch)
            return decoded(model, _latents(model, take, motion, watch), watch)

    def _forget(self) -> None:
        if not self._keeps():
            self._motions.clear()


def _take(
    shot: Shot, motion: Motion | None, kept: Kept | None, lend: Callable[[], None], watch: Watch
) -> Take:
    return Take(
        shot=shot,
        attach=lambda unet: _attached(unet, motion),
        kept=kept,
        one_by_one=not shared.opts.batch_cond_uncond,
        lend=lend,
        tell=_teller(watch),
    )


def _latents(model: Any, take: Take, motion: Motion | None, watch: Watch) -> torch.Tensor:
    """Runs the host's sampler with everything of ours borrowed for just so long."""
    shares = alphas_cumprod(betas(*motion.spec.betas)) if motion is not None else None
    with (
        borrowed.options(
            batch_cond_uncond=True,
            pad_cond_uncond=True,
            img2img_fix_steps=False,
            CLIP_stop_at_last_layers=take.shot.clip_skip,
        ),
        borrowed.betas(model, shares),
        borrowed.sampling(),
        _run(take, model) as run,
    ):
        borrowed.list_again(model.sd_checkpoint_info)
        processing.process_images(run)
        if _is_stopped() or run.latents is None:
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
        extra_networks.activate(run, {})
        run.close()


@contextmanager
def _attached(unet: Any, motion: Motion | None) -> Iterator[Handle | None]:
    check_unet()
    if motion is None:
        yield None
        return
    with attached(unet, motion) as handle:
        yield handle


def _kept(model: Any, shot: Shot, start: Start, watch: Watch) -> Kept:
    check_start(start, shot)
    pictures = encoded(model, start.frames, watch)
    latents = mixed(pictures, start.mix, fresh_noise(shot)) if start.mix else pictures
    mask = None if start.mask is None else latent_mask(start.mask, latents)
    begins = begins_at(start.strengths(shot.frames), shot.steps)
    return Kept(latents=latents, mask=mask, begins=tuple(begins))


def _teller(watch: Watch) -> Callable[[float], None]:
    furthest = 0.0

    def tell(fraction: float) -> None:
        nonlocal furthest
        furthest = max(furthest, fraction)
        watch("denoising", furthest)
        if isinstance(watch, Viewer) and watch.wants_picture() and (frames := look()) is not None:
            watch.show(frames)

    return tell


def _is_stopped() -> bool:
    state = shared.state
    return state.interrupted or state.skipped or state.stopping_generation
