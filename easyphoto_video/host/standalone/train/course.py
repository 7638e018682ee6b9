"""The course of a training: steps over cached latents, saved so that it can go on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.host.standalone.model.load import Models
from easyphoto_video.host.standalone.prompt.encode import encode_all
from easyphoto_video.host.standalone.samplers import Noising
from easyphoto_video.host.standalone.train.adapters import Adapters
from easyphoto_video.motion.noise import STEPS, alphas_cumprod
from easyphoto_video.tensors import DAMAGE

MOST_SNR = 5.0
"""The loss on x0 is weighted by the signal-to-noise ratio up to this one (Hang et al., Min-SNR,
2023, arXiv 2303.09556)."""
LEAST_SNR = 0.3
"""For v-prediction, from this one on, since high noise decides who is drawn."""
FACES = (50, 600)
FACES_SHARE = 0.6
"""Share of the steps at these diffusion times, where the face pass redraws; others at any."""
WARM_UP = 20
"""Steps over which the learning rate rises."""
LAST_RATE = 0.1
"""What the learning rate falls to, as half a cosine, in those of its height."""
LARGE = 32
"""Latent pixels of a side from which memory is short: activations are computed twice."""
EMPTY = 0.1
"""Share of steps without a caption, for guidance."""
TEXT_SHARE = 0.5
"""The text encoder's learning rate, in those of the UNet."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A training with nothing left open."""

    steps: int
    rank: int
    alpha: float
    """What the LoRA is scaled by, in its rank: alpha / rank."""
    learning_rate: float
    """Its height, of the UNet."""
    batch: int
    caption: str
    seed: int


class Course:
    """Learns a LoRA for frozen networks; `step` goes one step on, `save` and `load` keep all."""

    def __init__(self, models: Models, latents: Tensor, plan: Plan) -> None:
        """`latents` (N, 4, h, w) float32, scaled for the UNet."""
        self._models = models
        self._latents = latents
        self._plan = plan
        device = latents.device
        if latents.shape[-1] >= LARGE:
            models.unet.enable_gradient_checkpointing()
            # Only then does it; there is no dropout that this would wake.
            models.unet.train()
        self._random = torch.Generator().manual_seed(plan.seed)
        with torch.random.fork_rng():
            torch.manual_seed(plan.seed)
            self.adapters = Adapters(
                models.unet, models.text_encoder, plan.rank, plan.alpha / plan.rank
            )
        self.adapters.to(device)
        rate = plan.learning_rate
        self._optimiser = torch.optim.AdamW(
            [
                {"params": self.adapters.unet.parameters(), "lr": rate},
                {"params": self.adapters.text.parameters(), "lr": rate * TEXT_SHARE},
            ],
            weight_decay=1e-2,
        )
        self._heights = [group["lr"] for group in self._optimiser.param_groups]
        variances = torch.tensor(_noising(models).trained_betas(), dtype=torch.float64)
        self._signal = alphas_cumprod(variances).float().to(device)
        self.done = 0

    def step(self) -> float:
        """One step of the optimiser; the loss."""
        chosen = torch.randint(len(self._latents), (self._plan.batch,), generator=self._random)
        clean = self._latents[chosen]
        noise = torch.randn(clean.shape, generator=self._random).to(clean)
        times = self._times(len(clean)).to(clean.device)
        says_nothing = float(torch.rand(1, generator=self._random)) < EMPTY
        caption = "" if says_nothing else self._plan.caption
        self._set_rate()
        self._optimiser.zero_grad()
        # Around the way back too, which computes activations again where memory is short.
        with self.attached():
            loss = self._loss(clean, noise, times, caption)
            loss.backward()
        torch.nn.utils.clip_grad_norm_(self.adapters.parameters(), 1.0)
        self._optimiser.step()
        self.done += 1
        return float(loss.detach())

    def _times(self, count: int) -> Tensor:
        everywhere = torch.randint(STEPS, (count,), generator=self._random)
        faces = torch.randint(*FACES, (count,), generator=self._random)
        chosen = torch.rand(count, generator=self._random) < FACES_SHARE
        return torch.where(chosen, faces, everywhere)

    @property
    def rates(self) -> list[float]:
        """The learning rates of the last step, of UNet and text encoder."""
        return [group["lr"] for group in self._optimiser.param_groups]

    def attached(self) -> AbstractContextManager[None]:
        """While it lasts, the networks draw with what was learnt so far."""
        return self.adapters.attached(self._models.unet, self._models.text_encoder)

    def _set_rate(self) -> None:
        along = math.pi * min(1.0, self.done / self._plan.steps)
        fallen = LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(along)) / 2
        share = min(1.0, (self.done + 1) / WARM_UP) * fallen
        for group, rate in zip(self._optimiser.param_groups, self._heights, strict=True):
            group["lr"] = rate * share

    def _loss(self, clean: Tensor, noise: Tensor, times: Tensor, caption: str) -> Tensor:
        models = self._models
        signal = self._signal[times][:, None, None, None]
        noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
        words = encode_all([caption], models.text_encoder)[caption]
        words = words.expand(len(clean), *words.shape).to(models.unet.dtype)
        said = models.unet(noisy.to(models.unet.dtype), times, words).sample.float()
        ratio = signal / (1 - signal)
        if models.facts.family.prediction == "v_prediction":
            wanted = signal.sqrt() * noise - (1 - signal).sqrt() * clean
            weight = ratio.clamp(LEAST_SNR, MOST_SNR) / (1 + ratio)
        else:
            wanted = noise
            weight = ratio.clamp(max=MOST_SNR) / ratio
        return (weight * (said - wanted).square()).mean()

    def save(self, path: Path) -> None:
        """Everything that going on needs, in one file, written whole or not at all."""
        part = path.with_name(path.name + ".part")
        state: dict[str, Any] = {
            "adapters": self.adapters.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "random": self._random.get_state(),
            "done": self.done,
        }
        torch.save(state, part)
        part.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a file of `save`. Raises BadFile when it belongs to another training."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            self.adapters.load_state_dict(state["adapters"])
            self._optimiser.load_state_dict(state["optimiser"])
            self._random.set_state(state["random"])
            self.done = int(state["done"])
        except (*DAMAGE, UnpicklingError) as error:
            raise BadFile(
                path,
                "it is no state of this training",
                "Begin anew with --restart, or give the settings that it began with.",
            ) from error


def _noising(models: Models) -> Noising:
    facts = models.facts
    return Noising(betas=facts.betas, prediction=facts.family.prediction, zero_snr=facts.zero_snr)


def averaged(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of LoRAs of one training, layer by layer."""
    return {
        key: torch.stack([state[key].float() for state in states]).mean(0).to(states[0][key].dtype)
        for key in states[0]
    }
