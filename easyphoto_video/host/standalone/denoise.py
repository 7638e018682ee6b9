"""The sampler's loop: windows over frames, guidance, and what a start picture keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from easyphoto_video.clip import Frames
from easyphoto_video.host.calls import Calls
from easyphoto_video.host.standalone.conditions import Script
from easyphoto_video.host.standalone.samplers import Sampler
from easyphoto_video.motion.noise import initial_noise
from easyphoto_video.motion.windows import Window, fused
from easyphoto_video.watch import Viewer, Watch


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A picture to begin from."""

    latents: Tensor
    """(F, C, h, w) float32."""
    mask: Tensor | None
    """(F, 1, h, w) float32, what may change; None is everything."""
    begins: tuple[int, ...]
    """The step from which each frame is denoised. Before, it is as the picture is with the noise
    that belongs to the step; from step 0 on, it is noise alone, and only the mask keeps it."""

    def began(self, first: Tensor, sampler: Sampler) -> Tensor:
        """(F, C, h, w) before the sampler's first step; `first` is the noise."""
        x = sampler.pure(first)
        if not any(self.begins):
            return x
        kept = sampler.noised(self.latents, first, sampler.begin)
        return torch.where(self._column(0).to(x.device) > 0, kept, x)

    def held(self, x: Tensor, first: Tensor, sampler: Sampler, step: int) -> Tensor:
        """x (F, C, h, w) before this step, where it may not change yet as the picture is."""
        free = (self._column(step) < 0).to(x)
        if self.mask is None and bool(free.all()):
            return x
        share = free if self.mask is None else free * self.mask
        return torch.lerp(sampler.noised(self.latents, first, step), x, share)

    def _column(self, step: int) -> Tensor:
        """(F, 1, 1, 1): by how many steps each frame waits after this one."""
        return torch.tensor([begin - step for begin in self.begins]).view(-1, 1, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Guide:
    """What the UNet is told, and how strongly."""

    prompt: Script
    negative: Script
    encoded: Mapping[str, Tensor]
    """The condition (tokens, width) of every text of both."""
    cfgs: tuple[float, ...]
    """Guidance scale of each frame (arXiv 2207.12598); where all are 1 the negative prompt is not
    asked for."""
    first: int = 0
    """The number in the whole clip of the first frame."""
    loop: int | None = None
    """See Shot."""

    @property
    def scripts(self) -> tuple[Script, ...]:
        """Those that the UNet is asked for, in the order of its rows."""
        return (self.prompt,) if set(self.cfgs) == {1} else (self.negative, self.prompt)

    def words(self, step: int, frames: Sequence[int]) -> list[Tensor]:
        """For each script the conditions (n, tokens, width) of these frames of the shot."""
        numbers = [self.first + frame for frame in frames]
        return [script.rows(self.encoded, step, numbers, self.loop) for script in self.scripts]

    def guided(self, output: Tensor) -> Tensor:
        """(k*F, ...) -> (F, ...)."""
        if len(self.scripts) == 1:
            return output
        free, wanted = output.chunk(2)
        scale = torch.tensor(self.cfgs).to(output).view(-1, *(1 for _ in output.shape[1:]))
        return free + scale * (wanted - free)


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """The UNet over a whole clip."""

    unet: UNet2DConditionModel
    calls: Calls
    guide: Guide
    pixels_at_once: int
    """Most latent pixels in one call; above, the conditions go one after the other."""

    def __call__(self, x: Tensor, time: Tensor, step: int, tell: Callable[[], None]) -> Tensor:
        """What the UNet says of x (F, C, h, w) under guidance; `tell` is called for each window."""
        scripts = self.guide.scripts

        def asked(rows: Tensor, words: Tensor) -> Tensor:
            dtype = self.unet.dtype
            said = self.unet(rows.to(dtype), time.to(rows.device), words.to(dtype))
            return said.sample.float()

        def call(rows: Tensor, window: Window) -> Tensor:
            tell()
            words = self.guide.words(step, window.frames)
            with self.calls.seeing(window, step):
                if rows[:, 0].numel() <= self.pixels_at_once:
                    return asked(rows, torch.cat(words))
                halves = zip(rows.chunk(len(scripts)), words, strict=True)
                return torch.cat([asked(half, word) for half, word in halves])

        return self.guide.guided(
            fused(call, x.repeat(len(scripts), 1, 1, 1), self.calls.windows(step))
        )


@dataclass(frozen=True, kw_only=True)
class Noise:
    """The noise of a clip: frame i has its own, from seed + i, as in the WebUI."""

    size: tuple[int, int, int]
    """Of one frame's latents: (C, h, w)."""
    numbers: Sequence[int]
    """For each frame, whose noise it has, by numbers in the whole clip."""
    seed: int
    given: Tensor | None = None
    """What to begin from instead."""

    def first(self) -> Tensor:
        """(F, C, h, w) float32."""
        if self.given is not None:
            return self.given
        return initial_noise(self.numbers, self.size, self.seed)

    def generators(self) -> list[torch.Generator]:
        """One for each frame, which goes on where its first noise ended."""
        return [self._further(self.seed + number) for number in self.numbers]

    def _further(self, seed: int) -> torch.Generator:
        generator = torch.Generator().manual_seed(seed)
        torch.randn(self.size, generator=generator)
        return generator


Sketch = Callable[[Tensor], Frames | None]
"""Small pictures of latents (F, C, h, w), or None when there is nothing to see."""


def denoised(
    predictor: Predictor,
    sampler: Sampler,
    noise: Noise,
    kept: Kept | None,
    watch: Watch,
    sketch: Sketch,
) -> Tensor:
    """Latents (F, C, h, w) float32 without noise; `sketch` draws for a watch that looks."""
    first = noise.first().to(predictor.unet.device)
    generators = noise.generators()
    steps = len(sampler.times)
    total, done = sum(len(predictor.calls.windows(i)) for i in range(sampler.begin, steps)), 0

    def tell() -> None:
        nonlocal done
        watch("denoising", done / total)
        done += 1

    x = sampler.pure(first) if kept is None else kept.began(first, sampler)
    for step in range(sampler.begin, steps):
        seen = sampler.seen(x, step)
        output = predictor(seen, sampler.times[step], step, tell)
        _look(watch, sampler, sketch, (seen, output, step))
        x = sampler.stepped(x, output, step, generators)
        if kept is not None:
            x = kept.held(x, first, sampler, step + 1)
    watch("denoising", 1.0)
    return x


def _look(watch: Watch, sampler: Sampler, sketch: Sketch, said: tuple[Tensor, Tensor, int]) -> None:
    """Show a watch that looks what lies under the noise; `said` as `Sampler.clean` takes it."""
    if isinstance(watch, Viewer) and watch.wants_picture():
        frames = sketch(sampler.clean(*said))
        if frames is not None:
            watch.show(frames)
