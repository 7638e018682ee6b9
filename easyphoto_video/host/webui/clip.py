"""One run of the host's own txt2img machinery for a whole clip: a batch whose pictures are frames.

Everything of ours is in a subclass, so the host's classes stay as they are. The host parses the
prompts, activates LoRAs, makes the conditions and the noise and samples; we put motion into its
UNet for the time of sampling, and take the latents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from easyphoto_video.engine import Shot
from easyphoto_video.host.calls import Calls
from easyphoto_video.host.shots import freed, noise_numbers
from easyphoto_video.host.webui import common, ddim
from easyphoto_video.host.webui.conditions import Around, parsed, parts_of, spread, spread_composed
from easyphoto_video.host.webui.facade import here
from easyphoto_video.host.webui.fade import LoraShare, check_loaded, lost, over_frames, without_unet
from easyphoto_video.host.webui.samplers import sampler_of
from easyphoto_video.host.webui.windowed import Asked, ClipPlan, Hold
from easyphoto_video.schedule import Schedule
from easyphoto_video.unet.attachment import Attachment, entered

TXT2IMG: Any = here().run_class
"""The host's own run, which ours is one of."""


@dataclass(frozen=True, kw_only=True)
class KeptPictures:
    """Pictures to begin from, as latents."""

    latents: Tensor
    """(F, 4, h, w)."""
    mask: Tensor | None
    """(F, 1, h, w), 1 may change; None is everything."""
    begins: tuple[int, ...]
    """The step from which each frame is denoised; from step 0 on, it begins from noise alone."""

    def free(self, step: int) -> Tensor:
        """(F, 1, h, w) or (F, 1, 1, 1), 0..1: what may change at a step."""
        begun = torch.tensor([float(begin <= step) for begin in self.begins]).view(-1, 1, 1, 1)
        return begun if self.mask is None else begun.to(self.mask) * self.mask

    def started(self) -> Tensor:
        """(F, 4, h, w) without what begins from noise alone."""
        later = torch.tensor([float(begin > 0) for begin in self.begins]).view(-1, 1, 1, 1)
        return self.latents * later.to(self.latents)


@dataclass(frozen=True, kw_only=True)
class Take:
    """A shot, and what of ours goes into the host's run of it."""

    shot: Shot
    guests: Sequence[Attachment]
    """What enters the host's UNet while it samples."""
    kept: KeptPictures | None
    one_by_one: bool
    lend: Callable[[], None]
    """Enters the LoRAs that the shot lends the host into the host's lists once more."""
    tell: Callable[[float], None]
    """Called with how much of the work is done, 0..1, before every call of the UNet."""


class ClipProcessing(TXT2IMG):
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
        self.keys, networks = parsed(self.written)
        self.fading: tuple[LoraShare, ...] = ()
        if shot.lora_shares:
            networks, self.fading = without_unet(networks, shot.lora_mean)
        self.extra_network_data = networks
        self.prompts = [self.keys.at(frame) for frame in shot.numbers]

    def setup_conds(self) -> None:
        """The host's conditions for the key frames, spread over all frames.

        Raises Missing where the host went on without a LoRA that it did not find.
        """
        self._check_loras()
        shot, shown = self.take.shot, (self.prompts, self.negative_prompts)
        self.prompts, self.negative_prompts = list(self.keys.values), list(shot.negative.values)
        super().setup_conds()
        self.prompts, self.negative_prompts = shown
        empty = here().empty(here().model())
        shares = [scale / self.cfg_scale for scale in shot.cfgs]
        self.c = spread_composed(self.c, self._at(self.keys), empty, shares)
        self.uc = spread(self.uc, self._at(shot.negative), empty)

    def _check_loras(self) -> None:
        """The host has activated the networks; whoever refreshes its page empties its lists."""
        if lost(self.extra_network_data):
            self.take.lend()
            here().activate(self, self.extra_network_data)
        check_loaded(self.extra_network_data)

    def _at(self, schedule: Schedule[Any]) -> list[Around]:
        """Between which keys each frame lies."""
        shot = self.take.shot
        return [schedule.around(frame, shot.loop) for frame in shot.numbers]

    def sample(
        self, conditioning: Any, unconditional_conditioning: Any, *_rest: Any, **_named: Any
    ) -> Any:
        """Samples with the motion inside and keeps the latents; the host gets specks back."""
        shot, unet = self.take.shot, here().unet(self.sd_model)
        told = {
            "conditioning": conditioning,
            "unconditional_conditioning": unconditional_conditioning,
        }
        here().check_unet()
        loras = [over_frames(unet, self.fading)] if self.fading else []
        with entered(unet, [*loras, *self.take.guests]) as guests:
            self.latents = self._passes(Calls.of(shot, guests), told)
            if not common.is_stopped():
                guests.check()
        return here().specks(shot.frames)

    def _passes(self, calls: Calls, told: dict[str, Any]) -> Tensor:
        """Latents (F, 4, h, w), after as many passes of FreeInit as are asked for."""
        shot, noise = self.take.shot, self._noise()
        share = float(here().shares(self.sd_model)[-1])
        passes = shot.free_init.passes if shot.free_init else 1
        latents = self._pass(calls, 0, noise, told)
        for number in range(1, passes):
            noise = freed(shot, number - 1, latents, noise, share)
            latents = self._pass(calls, number, noise, told)
        return latents

    def _pass(self, calls: Calls, number: int, noise: Tensor, told: dict[str, Any]) -> Tensor:
        asked = Asked()
        with counted(here().unet(self.sd_model)) as unet_calls:
            self.sampler = here().sampler(
                self, lambda sampler: self._plan(sampler, calls, number, asked)
            )
            latents = self._sampled(noise, told)
        if not common.is_stopped():
            asked.check(len(unet_calls), holds=self.take.kept is not None)
        return latents

    def _noise(self) -> Tensor:
        """The host's noise (F, 4, h, w) for the seeds of the frames."""
        shot = self.take.shot
        if shot.free_noise:
            seeds = [shot.seed + number for number in noise_numbers(shot)]
            self.rng = type(self.rng)(self.rng.shape, seeds)
        return self.rng.next()

    def _plan(self, sampler: Any, calls: Calls, number: int, asked: Asked) -> ClipPlan:
        """How the sampler of pass `number` sees the clip."""
        shot, take, denoiser = self.take.shot, self.take, sampler.model_wrap_cfg
        passes = shot.free_init.passes if shot.free_init else 1
        return ClipPlan(
            frames=shot.frames,
            parts=parts_of(self.keys),
            calls=calls,
            step=lambda: self._step(denoiser),
            one_by_one=take.one_by_one,
            tell=lambda seen: take.tell((number + _fraction(denoiser, seen)) / passes),
            hold=self._hold(sampler, take.kept) if take.kept else None,
            asked=asked,
        )

    def _hold(self, sampler: Any, kept: KeptPictures) -> Hold:
        is_noise = here().foretells_noise(sampler)
        shares = here().shares(self.sd_model) if is_noise else None
        return Hold(latents=kept.latents, free=kept.free, shares=shares)

    def _step(self, denoiser: Any) -> int:
        """Which of the shot's steps the host's sampler is at; some ask the UNet twice in one."""
        kept = self.take.kept
        begin = min(kept.begins) if kept else 0
        return begin + denoiser.step * (self.steps - begin) // max(denoiser.total_steps, 1)

    def _sampled(self, noise: Tensor, told: dict[str, Any]) -> Tensor:
        kept = self.take.kept
        told = {**told, "image_conditioning": self.txt2img_image_conditioning(noise)}
        if kept is None:
            return self._denoised(noise, None, self.steps, told)
        steps = self.steps - min(kept.begins)
        begins = kept.started() if any(kept.begins) else None
        latents = self._denoised(noise, begins, steps, told)
        # The last bit too of what stays.
        return torch.lerp(kept.latents, latents, kept.free(self.steps - 1).to(latents))

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
        taken = steps if here().foretells_noise(self.sampler) else steps - 1
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
        prompt=[prompt.at(frame) for frame in shot.numbers],
        negative_prompt=[shot.negative.at(frame) for frame in shot.numbers],
        seed=shot.seed + shot.first,
        sampler_name=sampler,
        scheduler=scheduler,
        batch_size=shot.frames,
        n_iter=1,
        steps=shot.steps,
        # The host has one for all frames; each has its share of it as a weight of its prompt.
        cfg_scale=max(shot.cfgs, default=shot.cfg),
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


@contextmanager
def counted(unet: nn.Module) -> Iterator[list[None]]:
    """A list that has an entry for each call of the UNet while the `with` lasts."""
    calls: list[None] = []
    hook = unet.register_forward_pre_hook(lambda _unet, _args: calls.append(None))
    try:
        yield calls
    finally:
        hook.remove()


def _fraction(denoiser: Any, of_step: float) -> float:
    """How far the host's sampler is, 0..1."""
    step = min(denoiser.step, denoiser.total_steps - 1)
    return (step + of_step) / denoiser.total_steps
