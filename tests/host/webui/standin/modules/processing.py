"""txt2img in the host's order of events."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from modules import (
    devices,
    extra_networks,
    prompt_parser,
    sd_models,
    sd_samplers,
    shared,
)
from PIL import Image
from torch import Tensor


class DecodedSamples(list[Tensor]):
    """Pictures instead of latents."""

    already_decoded = True


class ImageRNG:
    """One generator for each picture."""

    def __init__(self, shape: tuple[int, int, int], seeds: list[int]) -> None:
        self.shape = shape
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def next(self) -> Tensor:
        """The next noise of all."""
        return torch.stack([torch.randn(self.shape, generator=g) for g in self.generators])


class StableDiffusionProcessingTxt2Img:
    """One run."""

    prompt: str | list[str]
    negative_prompt: str | list[str]
    batch_size: int
    steps: int
    sampler_name: str
    sd_model: Any
    cached_c: ClassVar[list[Any]] = [None, None]
    cached_uc: ClassVar[list[Any]] = [None, None]

    def __init__(self, **given: Any) -> None:
        self.sampler: Any = None
        self.c: Any = None
        self.uc: Any = None
        self.rng: Any = None
        self.denoising_strength = None
        self.extra_network_data: dict[str, Any] = {}
        self.iteration = 0
        self.scripts = None
        self.__dict__.update(given)
        self.negative_prompts = self._listed(self.negative_prompt)
        self.prompts = self._listed(self.prompt)

    def _listed(self, text: str | list[str]) -> list[str]:
        return text if isinstance(text, list) else [text] * self.batch_size

    def parse_extra_network_prompts(self) -> None:
        """Only the first picture's networks are heeded."""
        parsed = [extra_networks.parse_prompt(prompt) for prompt in self.prompts]
        self.prompts = [text for text, _ in parsed]
        self.extra_network_data = parsed[0][1]

    def setup_conds(self) -> None:
        """Conditions, kept for the next run with the same."""
        key = (tuple(self.prompts), tuple(self.negative_prompts), id(shared.sd_model))
        model, steps = shared.sd_model, self.steps
        if self.cached_c[0] != key:
            made = prompt_parser.get_multicond_learned_conditioning(model, self.prompts, steps)
            self.cached_c[:] = [key, made]
        if self.cached_uc[0] != key:
            made = prompt_parser.get_learned_conditioning(model, self.negative_prompts, steps)
            self.cached_uc[:] = [key, made]
        self.c, self.uc = self.cached_c[1], self.cached_uc[1]

    def txt2img_image_conditioning(self, x: Tensor) -> Tensor:
        """Nothing, for this kind of model."""
        return x.new_zeros(len(x), 5, 1, 1)

    def sample(self, conditioning: Any, unconditional_conditioning: Any, **_: Any) -> Any:
        """From noise to latents."""
        self.sampler = sd_samplers.create_sampler(self.sampler_name, self.sd_model)
        noise = self.rng.next()
        told = self.txt2img_image_conditioning(noise)
        return self.sampler.sample(
            self, noise, conditioning, unconditional_conditioning, image_conditioning=told
        )

    def close(self) -> None:
        """Let go."""
        self.sampler = self.c = self.uc = None


def decode_latent_batch(
    model: Any, batch: Tensor, target_device: Any = None, check_for_nans: bool = False
) -> DecodedSamples:
    """One picture after the other."""
    if check_for_nans:
        devices.test_for_nans(batch, "unet")
    return DecodedSamples(model.decode_first_stage(one[None])[0] for one in batch)


def process_images(p: Any) -> Any:
    """Raises what the run raises; puts nothing back by itself."""
    sd_models.reload_model_weights()
    if shared.state.job_count == -1:
        shared.state.job_count = 1
    if shared.state.interrupted or shared.state.stopping_generation:
        return []
    with torch.no_grad():
        seeds = [p.seed + i for i in range(p.batch_size)]
        p.rng = ImageRNG((4, p.height // 8, p.width // 8), seeds)
        p.parse_extra_network_prompts()
        extra_networks.activate(p, p.extra_network_data)
        p.setup_conds()
        sd_models.apply_alpha_schedule_override(p.sd_model)
        samples = p.sample(conditioning=p.c, unconditional_conditioning=p.uc, seeds=seeds)
        if not getattr(samples, "already_decoded", False):
            samples = decode_latent_batch(p.sd_model, samples, check_for_nans=True)
    levels = (torch.stack(list(samples)).clamp(-1, 1) + 1) * 127.5
    pictures = levels.byte().permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(np.ascontiguousarray(picture)) for picture in pictures]
