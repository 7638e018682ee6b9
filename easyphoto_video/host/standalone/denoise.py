"""The sampler's loop: windows over frames, guidance, and what a start picture keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from easyphoto_video.clip import Frames
from easyphoto_video.host.standalone.conditions import Script
from easyphoto_video.host.standalone.samplers import Sampler
from easyphoto_video.motion.attach import Handle
from easyphoto_video.motion.noise import initial_noise
from easyphoto_video.motion.windows import Window, fused
from easyphoto_video.watch import Viewer, Watch


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A picture to begin from."""

    latents: Tensor
    """(F, 4, h, w) float32."""
    mask: Tensor | None
    """(F, 1, h, w) float32, what may change; None is everything."""
    begins: bool
    """Whether the sampler begins from it; else from noise alone, and only the mask keeps it."""


@dataclass(frozen=True, kw_only=True)
class Guide:
    """What the UNet is told, and how strongly."""

    prompt: Script
    negative: Script
    encoded: Mapping[str, Tensor]
    """The condition (tokens, width) of every text of both."""
    cfg: float
    """Guidance scale (arXiv 2207.12598); at 1 the negative prompt is not asked for."""

    @property
    def scripts(self) -> tuple[Script, ...]:
        """Those that the UNet is asked for, in the order of its rows."""
        return (self.prompt,) if self.cfg == 1 else (self.negative, self.prompt)

    def guided(self, output: Tensor) -> Tensor:
        """(k*F, ...) -> (F, ...)."""
        if self.cfg == 1:
            return output
        free, wanted = output.chunk(2)
        return free + self.cfg * (wanted - free)


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """The UNet over a whole clip."""

    unet: UNet2DConditionModel
    handle: Handle | None
    """The motion inside the UNet; None when every frame stands alone."""
    windows: Sequence[Window]
    guide: Guide
    pixels_at_once: int
    """Most latent pixels in one call; above, the conditions go one after the other."""

    def __call__(self, x: Tensor, time: Tensor, step: int, tell: Callable[[], None]) -> Tensor:
        """What the UNet says of x (F, 4, h, w) under guidance; `tell` is called for each window."""
        scripts = self.guide.scripts

        def call(rows: Tensor, window: Window) -> Tensor:
            tell()
            words = [s.rows(self.guide.encoded, step, window.frames) for s in scripts]
            if rows[:, 0].numel() <= self.pixels_at_once:
                return self._asked(rows, time, torch.cat(words), window)
            halves = zip(rows.chunk(len(scripts)), words, strict=True)
            return torch.cat([self._asked(half, time, word, window) for half, word in halves])

        return self.guide.guided(fused(call, x.repeat(len(scripts), 1, 1, 1), self.windows))

    def _asked(self, rows: Tensor, time: Tensor, words: Tensor, window: Window) -> Tensor:
        dtype = self.unet.dtype
        with self.handle.frames(len(window.frames)) if self.handle else nullcontext():
            asked = self.unet(rows.to(dtype), time.to(rows.device), words.to(dtype))
        return asked.sample.float()


@dataclass(frozen=True, kw_only=True)
class Noise:
    """The noise of a clip: frame i has its own, from seed + i, as in the WebUI."""

    size: tuple[int, int, int]
    """Of one frame's latents: (4, h, w)."""
    frames: int
    seed: int

    def first(self) -> Tensor:
        """(F, 4, h, w) float32 on the CPU."""
        return initial_noise(range(self.frames), self.size, self.seed)

    def generators(self) -> list[torch.Generator]:
        """One for each frame, which goes on where its first noise ended."""
        return [self._further(self.seed + i) for i in range(self.frames)]

    def _further(self, seed: int) -> torch.Generator:
        generator = torch.Generator().manual_seed(seed)
        torch.randn(self.size, generator=generator)
        return generator


Sketch = Callable[[Tensor], Frames | None]
"""Small pictures of latents (F, 4, h, w), or None when there is nothing to see."""


def denoised(
    predictor: Predictor,
    sampler: Sampler,
    noise: Noise,
    kept: Kept | None,
    watch: Watch,
    sketch: Sketch,
) -> Tensor:
    """Latents (F, 4, h, w) float32 without noise; `sketch` draws for a watch that looks."""
    first = noise.first().to(predictor.unet.device)
    generators = noise.generators()
    steps = len(sampler.times)
    total, done = (steps - sampler.begin) * len(predictor.windows), 0

    def tell() -> None:
        nonlocal done
        watch("denoising", done / total)
        done += 1

    x = sampler.pure(first)
    if kept is not None and kept.begins:
        x = sampler.noised(kept.latents, first, sampler.begin)
    for step in range(sampler.begin, steps):
        seen = sampler.seen(x, step)
        output = predictor(seen, sampler.times[step], step, tell)
        _look(watch, sampler, sketch, (seen, output, step))
        x = sampler.stepped(x, output, step, generators)
        if kept is not None and kept.mask is not None:
            x = torch.lerp(sampler.noised(kept.latents, first, step + 1), x, kept.mask)
    watch("denoising", 1.0)
    return x


def _look(watch: Watch, sampler: Sampler, sketch: Sketch, said: tuple[Tensor, Tensor, int]) -> None:
    """Show a watch that looks what lies under the noise; `said` as `Sampler.clean` takes it."""
    if isinstance(watch, Viewer) and watch.wants_picture():
        frames = sketch(sampler.clean(*said))
        if frames is not None:
            watch.show(frames)
