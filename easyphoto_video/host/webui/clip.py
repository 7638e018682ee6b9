"""One run of the host's own txt2img machinery for a whole clip: a batch whose pictures are frames.

Everything of ours is in a subclass, so the host's classes stay as they are. The host parses the
prompts, activates LoRAs, makes the conditions and the noise and samples; we put motion into its
UNet for the time of sampling, and take the latents.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from modules import processing, sd_samplers, shared
from torch import Tensor

from easyphoto_video.engine import Shot
from easyphoto_video.host.webui import ddim
from easyphoto_video.host.webui.conditions import parsed, parts_of, spread, spread_composed
from easyphoto_video.host.webui.denoiser import Plan, WindowedDenoiser
from easyphoto_video.host.webui.samplers import sampler_of
from easyphoto_video.motion.attach import Handle
from easyphoto_video.motion.windows import apart, windows
from easyphoto_video.schedule import Schedule

SMALL = (3, 1, 1)
"""What the host gets instead of pictures, whose own way with them we do not need."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Pictures to begin from, as latents."""

    latents: Tensor
    """(F, 4, h, w)."""
    mask: Tensor | None
    """(F, 1, h, w), 1 may change; None is everything."""
    steps: int
    """How many of the shot's steps are done; all of them is from noise alone."""


@dataclass(frozen=True, kw_only=True)
class Take:
    """A shot, and what of ours goes into the host's run of it."""

    shot: Shot
    attach: Callable[[Any], AbstractContextManager[Handle | None]]
    """Puts the motion into a UNet while a `with` lasts."""
    kept: Kept | None
    one_by_one: bool
    tell: Callable[[Any, int, int], None]
    """Called with the host's denoiser, the number of the window and how many there are."""


class ClipProcessing(processing.StableDiffusionProcessingTxt2Img):
    """A host's run that ends with `latents` (F, 4, h, w); make it with `clip_run`."""

    take: Take
    latents: Tensor | None
    written: Schedule[str]
    """The prompts with every tag, those of the shot's LoRAs too."""
    keys: Schedule[str]
    """The prompts without."""

    def parse_extra_network_prompts(self) -> None:
        """The networks of every key frame, not only of the first picture."""
        shot = self.take.shot
        self.keys, self.extra_network_data = parsed(self.written)
        self.prompts = [self.keys.at(frame) for frame in range(shot.frames)]

    def setup_conds(self) -> None:
        """The host's conditions for the key frames, spread over all frames."""
        shot, shown = self.take.shot, (self.prompts, self.negative_prompts)
        self.prompts, self.negative_prompts = list(self.keys.values), list(shot.negative.values)
        super().setup_conds()
        self.prompts, self.negative_prompts = shown
        empty = shared.sd_model.cond_stage_model_empty_prompt
        self.c = spread_composed(self.c, self.keys, shot.frames, empty)
        self.uc = spread(self.uc, shot.negative, shot.frames, empty)

    def sample(
        self, conditioning: Any, unconditional_conditioning: Any, *_rest: Any, **_named: Any
    ) -> Any:
        """Samples with the motion inside and keeps the latents; the host gets specks back."""
        with self.take.attach(self.sd_model.model.diffusion_model) as handle:
            self.sampler = sd_samplers.create_sampler(self.sampler_name, self.sd_model)
            self._plan(self.sampler.model_wrap_cfg, handle)
            self.latents = self._sampled(conditioning, unconditional_conditioning)
        return processing.DecodedSamples(torch.zeros(self.take.shot.frames, *SMALL))

    def _plan(self, denoiser: Any, handle: Handle | None) -> None:
        shot = self.take.shot
        seen = apart(shot.frames, shot.context)
        if handle is not None:
            seen = windows(shot.frames, shot.context, shot.overlap)
        plan = Plan(
            frames=shot.frames,
            parts=parts_of(self.keys),
            windows=seen,
            handle=handle,
            one_by_one=self.take.one_by_one,
            tell=lambda window: self.take.tell(denoiser, window, len(seen)),
        )
        denoiser.model_wrap = WindowedDenoiser(denoiser.inner_model, plan)

    def _sampled(self, wanted: Any, free: Any) -> Tensor:
        noise, kept = self.rng.next(), self.take.kept
        told = {
            "conditioning": wanted,
            "unconditional_conditioning": free,
            "image_conditioning": self.txt2img_image_conditioning(noise),
        }
        if kept is None:
            return self._denoised(noise, None, self.steps, told)
        if kept.mask is not None:
            self.nmask, self.mask = kept.mask, 1 - kept.mask
        self.sampler.model_wrap_cfg.init_latent = kept.latents
        begins = kept.latents if kept.steps < self.steps else None
        latents = self._denoised(noise, begins, kept.steps, told)
        return latents if kept.mask is None else torch.lerp(kept.latents, latents, kept.mask)

    def _denoised(
        self, noise: Tensor, kept: Tensor | None, steps: int, told: dict[str, Any]
    ) -> Tensor:
        if self.sampler_name == ddim.NAME:
            return ddim.sampled(self, noise, kept, steps, **told)
        if kept is None:
            return self.sampler.sample(self, noise, **told)
        self.denoising_strength = self._strength(steps)
        return self.sampler.sample_img2img(self, kept, noise, **told)

    def _strength(self, steps: int) -> float:
        """The denoising strength at which the host does that many steps.

        It takes int(strength * steps), does one more with k-diffusion's samplers, and counts the
        noise by the step behind with those that go by timesteps.
        """
        taken = steps if hasattr(self.sampler, "get_timesteps") else steps - 1
        return (taken + 0.5) / self.steps


def clip_run(take: Take, model: Any) -> ClipProcessing:
    """The host's run for a take, with the model that the host holds."""
    shot = take.shot
    tags = "".join(f"<lora:{lora.name}:{lora.weight:g}>" for lora in shot.loras)
    first = shot.prompt.values[0] + tags
    prompt = Schedule(((shot.prompt.keys[0][0], first), *shot.prompt.keys[1:]))
    sampler, scheduler = sampler_of(shot.sampler)
    run = ClipProcessing(
        sd_model=model,
        prompt=[prompt.at(frame) for frame in range(shot.frames)],
        negative_prompt=[shot.negative.at(frame) for frame in range(shot.frames)],
        seed=shot.seed,
        sampler_name=sampler,
        scheduler=scheduler,
        batch_size=shot.frames,
        n_iter=1,
        steps=shot.steps,
        cfg_scale=shot.cfg,
        width=shot.width,
        height=shot.height,
        restore_faces=False,
        tiling=False,
        do_not_save_samples=True,
        do_not_save_grid=True,
    )
    run.take, run.latents, run.written = take, None, prompt
    # Those of the class belong to the user's pictures.
    run.cached_c, run.cached_uc = [None, None], [None, None]
    return run
