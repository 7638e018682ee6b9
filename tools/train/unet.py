"""Stage 4: the denoiser, and the text encoder with it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from transformers import CLIPTextModel

from tools.models import unet
from tools.train import noise
from tools.train.album import HELD, Album
from tools.train.astray import winks
from tools.train.fleet import Fleet
from tools.train.loop import Budget, Course, Draw, train
from tools.words import small_ids
from tools.world import thinned, vary

_SCORED = (950, 800, 500, 200)
_BATCH = 8
_PAIRED = 2
"""How many of a batch are shown without their caption as well."""
_GUIDANCE = 5.0
"""The guidance scale that pictures must bear."""
_GUIDED = 0.2
_ALONE = 0.7
_TWINS, _TWINS_FROM = 4, 0.6
"""How many of a batch are twins, and from which share of the training on."""
_TWIN_STEPS = 250, 950
"""Where an expression is decided."""
_TOLD = 2.0
"""How much the difference of twins counts."""
_LEANING = 0.3
"""How many pictures have noise that leans."""
_THINNED = 0.2
"""How many captions leave most to chance, as short prompts do."""


class Painter(nn.Module):
    """Text encoder and denoiser."""

    def __init__(self, text: CLIPTextModel) -> None:
        super().__init__()
        self.text = text
        self.unet = unet()

    def words(self, captions: list[str]) -> Tensor:
        """(B, 77, 64) for as many captions."""
        return self.text(small_ids(captions).to(self.text.device)).last_hidden_state

    def forward(self, noisy: Tensor, t: Tensor, words: Tensor) -> Tensor:
        """v for latents (B, 4, 16, 16) at steps t (B,)."""
        return self.unet(noisy, t, words).sample


def new_painter(text: CLIPTextModel) -> Painter:
    """A denoiser that has learnt nothing yet, behind a text encoder that may have."""
    torch.manual_seed(3)
    return Painter(text)


def even_steps(draw: Draw, count: int) -> Tensor:
    """(count,) int64 steps, one in each of `count` equal parts of 0..999, in random order."""
    spread = (torch.arange(count) + draw.uniform(1)) / count
    order = torch.randperm(count, generator=draw.torch)
    return (spread * noise.STEPS).long().clamp(0, noise.STEPS - 1)[order]


def lean(draw: Draw, x0: Tensor, alpha: Tensor, mean: Tensor) -> Tensor:
    """Noise for x0, of which some leans away from the mean picture, as if guidance had pushed it.

    Under guidance a picture overshoots: its colours stand further from the mean than any picture's.
    A denoiser that has met this takes the push for noise, and takes it back.
    """
    pushed = (draw.uniform(len(x0)) < _LEANING) * draw.uniform(len(x0))
    return draw.normal(*x0.shape) + pushed.view(-1, 1, 1, 1) * alpha.sqrt() * (x0 - mean)


def guided_error(said: Tensor, free: Tensor, v: Tensor, alpha: Tensor) -> Tensor:
    """How far guidance goes astray where the noise is so low that the picture tells its caption.

    There a caption has nothing to add, and what it adds all the same burns the colours, since
    guidance multiplies it. With high noise it counts nothing: there the caption must decide.
    """
    return _GUIDED * alpha**2 * (free + _GUIDANCE * (said - free) - v) ** 2


def train_unet(painter: Painter, album: Album, fleet: Fleet, budget: Budget) -> Painter:
    """Train on the album's latents with varied captions; some pictures also come without any."""
    painter.requires_grad_(True).train()
    alphas, count = noise.alphas(), len(album.captions) - HELD
    mean = album.latents.mean(0)

    def loss(draw: Draw) -> Tensor:
        twins = _TWINS if draw.progress >= _TWINS_FROM else 0
        singles = _BATCH - twins
        picks = draw.numpy.integers(0, count, singles)
        x0, t = album.latents[picks], even_steps(draw, singles)
        alpha = alphas[t].view(-1, 1, 1, 1)
        eps = lean(draw, x0, alpha, mean) + alpha.sqrt() * winks(draw, album, picks)
        captions = [_caption(album, int(i), draw) for i in picks]
        if twins:
            both = _twins(album, draw)
            x0, t, eps = (torch.cat(pair) for pair in zip((x0, t, eps), both[1:], strict=True))
            captions += [album.alone[i] for i in both[0]]
            picks = np.concatenate([picks, both[0]])
        alpha, mask = alphas[t].view(-1, 1, 1, 1), album.weights[picks]
        share = noise.weight(alpha) * mask / mask.mean()
        tensors = (noise.add_noise(x0, eps, alpha), noise.velocity(x0, eps, alpha), t, share, alpha)
        noisy, v, t, share, alpha = (_paired(x).to(fleet.device) for x in tensors)
        said = painter(noisy, t, painter.words(captions + [""] * _PAIRED))
        error = said - v
        told, free = said[:_PAIRED], said[_BATCH:]
        guided = guided_error(told, free, v[:_PAIRED], alpha[:_PAIRED])
        total = (share * error**2).mean() + (share[:_PAIRED] * guided).mean()
        return total + _TOLD * untold(error[singles:_BATCH], share[singles:_BATCH])

    def score(average: nn.Module) -> str:
        assert isinstance(average, Painter)
        return _score(average, album, fleet.device)

    course = Course(budget=budget, model=painter, loss=loss, score=score, batch=_BATCH)
    average = train(course, fleet)
    assert isinstance(average, Painter)
    return average


def _twins(album: Album, draw: Draw) -> tuple[np.ndarray, Tensor, Tensor, Tensor]:
    """Numbers of pairs of twins, their latents, and steps and noise that a pair shares."""
    first = 2 * draw.numpy.integers(0, album.first_still // 2, _TWINS // 2)
    picks = np.stack([first, first + 1], 1).reshape(-1)
    t = torch.from_numpy(draw.numpy.integers(*_TWIN_STEPS, _TWINS // 2)).repeat_interleave(2)
    x0 = album.latents[picks]
    return picks, x0, t, draw.normal(_TWINS // 2, *x0.shape[1:]).repeat_interleave(2, 0)


def untold(error: Tensor, share: Tensor) -> Tensor:
    """How much the errors of twins, two in a row, differ: what the caption says and is not heard.

    Whatever else a denoiser cannot know, twins have in common, so it cancels out here. A plain
    error leaves the mouth to chance, as it is a few cells among many.
    """
    if not len(error):
        return error.sum()
    return (share[::2] * (error[::2] - error[1::2]) ** 2).mean()


def _caption(album: Album, i: int, draw: Draw) -> str:
    """A frame of a clip is mostly told as a still, as clips' captions leave gaze and mouth open."""
    text = (album.alone if draw.numpy.random() < _ALONE else album.captions)[i]
    return (thinned if draw.numpy.random() < _THINNED else vary)(text, draw.numpy)


def _paired(rows: Tensor) -> Tensor:
    """The rows of a batch, and the first of them once more."""
    return torch.cat([rows, rows[:_PAIRED]])


@torch.no_grad()
def _score(model: Painter, album: Album, device: str) -> str:
    """The squared error of x0 with the right caption, a stranger's, and under guidance."""
    held = range(len(album.captions) - HELD, len(album.captions), 37)
    x0 = album.latents[list(held)].to(device)
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(5)).to(device)
    right = model.words([album.captions[i] for i in held])
    kinds = (right, right.roll(1, 0), model.words([""] * len(held)))
    found = []
    for step in _SCORED:
        alpha, t = noise.alphas()[step], torch.full((len(x0),), step, device=device)
        noisy = noise.add_noise(x0, eps, alpha)
        told, stranger, free = (noise.clean(noisy, model(noisy, t, x), alpha) for x in kinds)
        three = (told, stranger, free + _GUIDANCE * (told - free))
        errors = "/".join(f"{float((x - x0).square().mean()):.3f}" for x in three)
        found.append(f"{step}: {errors}")
    return "x0 error right/stranger/guided " + ", ".join(found)
