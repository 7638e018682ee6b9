"""Stage 5: the motion module, behind a denoiser that stays as it is."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.motion.attach import Handle, attached
from easyphoto_video.motion.module import Motion, MotionSpec
from tools.models import WIDTH
from tools.train import noise
from tools.train.album import HELD, Album
from tools.train.astray import stray, wink
from tools.train.fleet import Fleet
from tools.train.loop import Budget, Course, Draw, train
from tools.train.unet import Painter
from tools.world import CLIP_FRAMES, thinned, vary

SPEC = MotionSpec(channels=(WIDTH,) * 4)
_HELD_CLIPS = HELD // CLIP_FRAMES
_SCORED = (950, 800, 500, 200)
_SHORT_UNTIL = 0.25
_FLICKER = 1.0
_THINNED = 0.6


@torch.no_grad()
def averaging(motion: Motion, strength: float = 0.1) -> Motion:
    """Start from a motion module that draws each frame a little towards the mean of the clip.

    The first attention's value path becomes minus the identity, the way out minus `strength` of it.
    """
    for _, transformer in motion.transformers():
        _average(transformer, strength)
    return motion


def _average(transformer: Any, strength: float) -> None:
    identity = torch.eye(transformer.channels)
    block = transformer.transformer_blocks[0]
    first, second = block.attention_blocks
    transformer.proj_in.weight.copy_(identity)
    transformer.proj_in.bias.zero_()
    transformer.proj_out.weight.copy_(-strength * identity)
    first.to_v.weight.copy_(identity)
    first.to_out[0].weight.copy_(-identity)
    first.to_out[0].bias.zero_()
    for quiet in (second.to_out[0], block.ff.net[2]):
        quiet.weight.mul_(0.1)
        quiet.bias.zero_()


def _clips(album: Album) -> tuple[Tensor, Tensor, list[str]]:
    """Latents (N, F, 4, 16, 16), weights (N, F, 1, 16, 16) and captions of the album's clips."""
    start = album.first_clip
    latents = album.latents[start:].unflatten(0, (-1, CLIP_FRAMES))
    weights = album.weights[start:].unflatten(0, (-1, CLIP_FRAMES))
    return latents, weights, album.captions[start::CLIP_FRAMES]


def _choose(draw: Draw) -> list[list[int]]:
    """A step's frames: two clips of 8 (in a row or every second one), later one clip of 16."""
    if draw.progress > _SHORT_UNTIL:
        return [list(range(CLIP_FRAMES))]
    half = CLIP_FRAMES // 2
    stride = int(draw.numpy.integers(1, 3))
    first = int(draw.numpy.integers(0, CLIP_FRAMES - stride * (half - 1)))
    return [list(range(first, first + stride * half, stride))] * 2


def new_motion() -> Motion:
    """A motion module that has learnt nothing yet."""
    torch.manual_seed(4)
    return averaging(Motion(SPEC))


def disagreement(error: Tensor, frames: int) -> Tensor:
    """Squared error (N * frames, ...), and what changes of it from frame to frame.

    An error that all frames share is another picture; one that changes is flicker, and counts more.
    """
    change = error.unflatten(0, (-1, frames)).diff(dim=1)
    flicker = F.pad(change**2, (0, 0) * 3 + (1, 0)) + F.pad(change**2, (0, 0) * 3 + (0, 1))
    return error**2 + _FLICKER * flicker.flatten(0, 1)


def train_motion(
    model: Motion, painter: Painter, album: Album, fleet: Fleet, budget: Budget
) -> Motion:
    """Train on whole clips; half of them run backwards, which is as natural here."""
    painter.requires_grad_(False).eval()
    model.requires_grad_(True)
    latents, weights, captions = _clips(album)
    alphas, learnt = noise.alphas(), len(captions) - _HELD_CLIPS

    def loss(draw: Draw, handle: Handle) -> Tensor:
        chosen = _choose(draw)
        picks = draw.numpy.integers(0, learnt, len(chosen))
        reverse = draw.numpy.random(len(chosen)) < 0.5
        rows = [frames[::-1] if r else frames for frames, r in zip(chosen, reverse, strict=True)]
        x0, mask = (
            torch.cat([source[i, row] for i, row in zip(picks, rows, strict=True)])
            for source in (latents, weights)
        )
        frames = len(chosen[0])
        even = (torch.arange(len(chosen)) + draw.uniform(1)) / len(chosen)
        t = (even * noise.STEPS).long().clamp(max=noise.STEPS - 1).repeat_interleave(frames)
        alpha = alphas[t].view(-1, 1, 1, 1)
        strangers = latents.flatten(0, 1)[draw.numpy.integers(0, learnt * CLIP_FRAMES, len(x0))]
        astray = wink(draw, x0, mask, frames) + stray(draw, x0, strangers)
        eps = draw.normal(*x0.shape) + alpha.sqrt() * astray
        share = noise.weight(alpha) * mask / mask.mean()
        tensors = (noise.add_noise(x0, eps, alpha), noise.velocity(x0, eps, alpha), t, share)
        noisy, v, t, share = (x.to(fleet.device) for x in tensors)
        # What the caption leaves open, the frames must agree on among themselves.
        say = thinned if draw.numpy.random() < _THINNED else vary
        words = painter.words([say(captions[i], draw.numpy) for i in picks])
        with handle.frames(frames, chosen[0]):
            said = painter(noisy, t, words.repeat_interleave(frames, 0))
        return (share * disagreement(said - v, frames)).mean()

    def score(average: nn.Module) -> str:
        assert isinstance(average, Motion)
        return _score(painter, average, album, fleet.device)

    with attached(painter.unet, model) as handle:
        course = Course(
            budget=budget, model=model, loss=lambda draw: loss(draw, handle), score=score,
            batch=1,
        )  # fmt: skip
        average = train(course, fleet)
    assert isinstance(average, Motion)
    return average


@torch.no_grad()
def _score(painter: Painter, motion: Motion, album: Album, device: str) -> str:
    """The squared error of x0 on held-out clips, with and without the motion module."""
    latents, _, captions = _clips(album)
    x0 = latents[-4:].flatten(0, 1).to(device)
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(6)).to(device)
    words = painter.words(captions[-4:]).repeat_interleave(CLIP_FRAMES, 0)
    found = []
    with attached(painter.unet, motion) as handle:
        for step in _SCORED:
            alpha, t = noise.alphas()[step], torch.full((len(x0),), step, device=device)
            noisy = noise.add_noise(x0, eps, alpha)
            with handle.frames(CLIP_FRAMES):
                said = painter(noisy, t, words)
            pair = [
                float((noise.clean(noisy, v, alpha) - x0).square().mean())
                for v in (said, painter(noisy, t, words))
            ]
            found.append(f"{step}: {pair[0]:.4f}/{pair[1]:.4f}")
    return "x0 error with/without " + ", ".join(found)
