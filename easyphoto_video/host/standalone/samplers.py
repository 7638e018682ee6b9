"""The WebUI's samplers by name, made of diffusers' schedulers.

The k-samplers step over the same sigmas as in the WebUI, which are not diffusers' own: evenly
spaced in the log of sigma over diffusion time, or after Karras (arXiv 2206.00364, equation 5), or
evenly with one step more, of which the last is left out, as few-step models are trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler, rescale_zero_terminal_snr
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_euler_ancestral_discrete import EulerAncestralDiscreteScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_lcm import LCMScheduler
from torch import Tensor

from easyphoto_video.motion.noise import alphas_cumprod, betas

KARRAS, TRAILING = " Karras", " SGM Uniform"
"""Ends of names that say how the steps are spaced; without one, evenly from first to last."""
RHO = 7.0
LEAST_ALPHA = 4.8973451890853435e-08
"""What the WebUI leaves of the picture in the last step of a zero-SNR schedule, instead of none."""

MIDPOINT = {"solver_order": 2, "solver_type": "midpoint", "final_sigmas_type": "zero"}
K_SAMPLERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "Euler": (EulerDiscreteScheduler, {}),
    "Euler a": (EulerAncestralDiscreteScheduler, {}),
    "DPM++ 2M": (DPMSolverMultistepScheduler, {**MIDPOINT, "algorithm_type": "dpmsolver++"}),
    "DPM++ 2M SDE": (
        DPMSolverMultistepScheduler,
        {**MIDPOINT, "algorithm_type": "sde-dpmsolver++"},
    ),
}
DDIM = {"clip_sample": False, "set_alpha_to_one": True, "steps_offset": 1}
TIME_SAMPLERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "DDIM": (DDIMScheduler, DDIM),
    "LCM": (LCMScheduler, DDIM),
}
"""Samplers that go by diffusion time alone."""


@dataclass(frozen=True, kw_only=True)
class Noising:
    """How a model was trained to see noise."""

    betas: tuple[str, float, float]
    """As `motion.noise.betas` takes them."""
    prediction: str
    """`epsilon` or `v_prediction`."""
    zero_snr: bool = False

    def trained_betas(self) -> list[float]:
        """The variance added in each of the 1000 diffusion steps."""
        variances = betas(*self.betas)
        if self.zero_snr:
            shares = alphas_cumprod(rescale_zero_terminal_snr(variances))
            variances[1:] = 1 - shares[1:] / shares[:-1]
            variances[-1] = 1 - LEAST_ALPHA / shares[-2]
        return variances.tolist()


class Sampler:
    """Takes the noise away, step by step, from `begin` of the steps on."""

    def __init__(self, name: str, steps: int, noising: Noising, begin: int = 0) -> None:
        plain = name.removesuffix(KARRAS).removesuffix(TRAILING)
        self._is_k = plain in K_SAMPLERS
        kind, settings = K_SAMPLERS[plain] if self._is_k else TIME_SAMPLERS[plain]
        self._scheduler = kind(
            trained_betas=noising.trained_betas(),
            prediction_type=noising.prediction,
            timestep_spacing="linspace" if self._is_k else "leading",
            **settings,
        )
        self._scheduler.set_timesteps(steps)
        if self._is_k:
            _space(self._scheduler, steps, name.removeprefix(plain))
        if hasattr(self._scheduler, "set_begin_index"):
            self._scheduler.set_begin_index(begin)
        self.begin = begin
        self.times: Tensor = self._scheduler.timesteps
        """Diffusion time of every step, (steps,), from high to low."""

    def noised(self, latents: Tensor, noise: Tensor, step: int) -> Tensor:
        """Latents (F, 4, h, w) with as much noise as there is before `step`; none at the end.

        k-samplers must stand at that step.
        """
        if step >= len(self.times):
            return latents
        return self._scheduler.add_noise(latents, noise, self.times[step : step + 1])

    def pure(self, noise: Tensor) -> Tensor:
        """What to begin from when there is no picture: noise (F, 4, h, w) of full strength."""
        if self._is_k:
            return self.noised(torch.zeros_like(noise), noise, self.begin)
        return noise * self._scheduler.init_noise_sigma

    def seen(self, x: Tensor, step: int) -> Tensor:
        """What the UNet is shown of x."""
        return self._scheduler.scale_model_input(x, self.times[step])

    def clean(self, seen: Tensor, output: Tensor, step: int) -> Tensor:
        """The clean latents (F, 4, h, w) that the UNet's output foretells, for a look at them."""
        if self._is_k:
            share = 1 / (1 + self._scheduler.sigmas[step] ** 2)
        else:
            share = self._scheduler.alphas_cumprod[int(self.times[step])]
        kept, noise = share.sqrt().to(seen.device), (1 - share).sqrt().to(seen.device)
        if self._scheduler.config.prediction_type == "v_prediction":
            return kept * seen - noise * output
        return (seen - noise * output) / kept

    def stepped(
        self, x: Tensor, output: Tensor, step: int, generators: Sequence[torch.Generator]
    ) -> Tensor:
        """x after this step, given what the UNet said; frame i draws noise from generator i."""
        time = self.times[step]
        return self._scheduler.step(output, time, x, generator=list(generators), return_dict=False)[
            0
        ]


def _space(scheduler: Any, steps: int, spacing: str) -> None:
    """Put the WebUI's sigmas, and the times that belong to them, into the scheduler."""
    shares = scheduler.alphas_cumprod.double().numpy()
    logs = np.log((1 - shares) / shares) / 2  # (1000,), rising
    times = np.arange(len(logs), dtype=np.float64)
    if spacing == KARRAS:
        low, high = np.exp(logs[[0, -1]] / RHO)
        sigmas = (high + np.linspace(0, 1, steps) * (low - high)) ** RHO
    else:
        ends = np.linspace(len(logs) - 1, 0, steps + (spacing == TRAILING))
        sigmas = np.exp(np.interp(ends[:steps], times, logs))
    scheduler.sigmas = torch.from_numpy(np.append(sigmas, 0.0)).float()
    scheduler.timesteps = torch.from_numpy(np.interp(np.log(sigmas), logs, times)).float()
