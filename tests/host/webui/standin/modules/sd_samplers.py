"""Samplers, and guidance in between as v1.10.1 batches it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import k_diffusion.sampling
import torch
from modules import prompt_parser, sd_samplers_common, shared
from torch import Tensor, nn

NAMES = ("Euler a", "Euler", "Euler Karras")
all_samplers_map = {name: SimpleNamespace(name=name) for name in NAMES}


def visible_sampler_names() -> list[str]:
    """All of them."""
    return list(NAMES)


class Denoiser(nn.Module):
    """Sigmas and the way from eps to a clean picture."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.inner_model = model
        shares = model.alphas_cumprod
        self.sigmas = ((1 - shares) / shares).sqrt()

    def forward(self, x: Tensor, sigma: Tensor, cond: Any) -> Tensor:
        """(n, 4, h, w), (n,) -> clean."""
        wide = sigma[:, None, None, None]
        t = (sigma[:, None] - self.sigmas[None]).abs().argmin(1).float()
        return x - wide * self.inner_model.apply_model(x / (wide**2 + 1).sqrt(), t, cond)


class CFGDenoiser(nn.Module):
    """Guidance."""

    def __init__(self) -> None:
        super().__init__()
        self.model_wrap: Any = None
        self.p: Any = None
        self.mask: Any = None
        self.nmask: Any = None
        self.init_latent: Any = None
        self.step, self.total_steps = 0, 1

    @property
    def inner_model(self) -> Any:
        """Made when it is first asked for."""
        if self.model_wrap is None:
            self.model_wrap = Denoiser(shared.sd_model)
        return self.model_wrap

    def forward(self, x: Tensor, sigma: Tensor, cond: Any, uncond: Any, scale: float) -> Tensor:
        """The rows of frame 0 with all its conditions, of frame 1, ..; then those without."""
        if shared.state.interrupted or shared.state.skipped:
            raise sd_samplers_common.InterruptedException
        free = prompt_parser.reconstruct_cond_batch(uncond, self.step)
        parts = [
            [(prompt_parser.at(one.schedules, self.step), one.weight) for one in row]
            for row in cond.batch
        ]
        told = torch.stack([part for row in parts for part, _ in row])
        repeats = torch.tensor([len(row) for row in parts])
        rows = torch.cat([x.repeat_interleave(repeats, 0), x])
        times = torch.cat([sigma.repeat_interleave(repeats, 0), sigma])
        skips = bool(self.step % 2) and bool(sigma[0] < shared.opts.s_min_uncond)
        told, free = self._even(told, free)
        out = self._called(rows, times, told, None if skips else free)
        base = out[len(told) :] if not skips else out[: len(told)][:: int(repeats[0])]
        clean, row = base.clone(), 0
        for i, weights in enumerate(parts):
            for _, weight in weights:
                guided = weight * (1.0 if skips else scale)
                clean[i] += (out[row] - base[i]) * guided
                row += 1
        if self.mask is not None:
            clean = clean * self.nmask + self.init_latent * self.mask
        shared.state.current_latent = clean
        self.step += 1
        return clean

    def _even(self, told: Tensor, free: Tensor) -> tuple[Tensor, Tensor]:
        lacking = (told.shape[1] - free.shape[1]) // 77
        if lacking == 0 or not shared.opts.pad_cond_uncond:
            return told, free
        empty = shared.sd_model.cond_stage_model_empty_prompt.repeat(1, abs(lacking), 1)
        if lacking > 0:
            return told, torch.cat([free, empty.expand(len(free), -1, -1)], 1)
        return torch.cat([told, empty.expand(len(told), -1, -1)], 1), free

    def _called(self, x: Tensor, sigma: Tensor, told: Tensor, free: Tensor | None) -> Tensor:
        frames = self.p.batch_size
        if free is None:
            return self._ask(x[: len(told)], sigma[: len(told)], told)
        if told.shape[1] == free.shape[1]:
            size = len(x) if shared.opts.batch_cond_uncond else frames
            both = torch.cat([told, free])
            cuts = range(0, len(x), size)
            return torch.cat(
                [self._ask(x[i : i + size], sigma[i : i + size], both[i : i + size]) for i in cuts]
            )
        size = 2 * frames if shared.opts.batch_cond_uncond else frames
        done = [
            self._ask(*(rows[i : min(i + size, len(told))] for rows in (x, sigma, told)))
            for i in range(0, len(told), size)
        ]
        return torch.cat([*done, self._ask(x[-frames:], sigma[-frames:], free)])

    def _ask(self, x: Tensor, sigma: Tensor, cond: Tensor) -> Tensor:
        concat = torch.zeros(len(x), 5, 1, 1)
        return self.inner_model(x, sigma, cond={"c_crossattn": [cond], "c_concat": [concat]})


class Sampler:
    """Euler ancestral, or Euler without its noise."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.model_wrap_cfg = CFGDenoiser()
        self.model_wrap = self.model_wrap_cfg.inner_model
        self.last_latent: Any = None

    def sample(
        self,
        p: Any,
        x: Tensor,
        conditioning: Any,
        unconditional_conditioning: Any,
        image_conditioning: Any = None,
    ) -> Tensor:
        """From noise."""
        sigmas = self._sigmas(p.steps)
        return self._launched(p, x * sigmas[0], conditioning, unconditional_conditioning, sigmas)

    def sample_img2img(
        self,
        p: Any,
        x: Tensor,
        noise: Tensor,
        conditioning: Any,
        unconditional_conditioning: Any,
        image_conditioning: Any = None,
    ) -> Tensor:
        """From a picture."""
        taken = int(min(p.denoising_strength, 0.999) * p.steps)
        sigmas = self._sigmas(p.steps)[p.steps - taken - 1 :]
        self.model_wrap_cfg.init_latent = x
        return self._launched(
            p, x + noise * sigmas[0], conditioning, unconditional_conditioning, sigmas
        )

    def callback_state(self, told: dict[str, Any]) -> None:
        """After each step."""
        shared.state.sampling_step = told["i"]

    def _sigmas(self, steps: int) -> Tensor:
        table = self.model_wrap.sigmas
        times = torch.linspace(len(table) - 1, 0, steps).long()
        return torch.cat([table[times], torch.zeros(1)])

    def _launched(self, p: Any, x: Tensor, cond: Any, uncond: Any, sigmas: Tensor) -> Tensor:
        cfg = self.model_wrap_cfg
        cfg.p, cfg.step, cfg.total_steps = p, 0, len(sigmas) - 1
        cfg.mask, cfg.nmask = getattr(p, "mask", None), getattr(p, "nmask", None)
        sd_samplers_common.hijack(p)
        self.last_latent = x
        args = {"cond": cond, "uncond": uncond, "scale": p.cfg_scale}
        try:
            return k_diffusion.sampling.sample_euler_ancestral(
                cfg, x, sigmas, args, self.callback_state
            )
        except sd_samplers_common.InterruptedException:
            return self.last_latent


def create_sampler(name: str, model: Any) -> Sampler:
    """By name."""
    return Sampler(all_samplers_map[name].name)
