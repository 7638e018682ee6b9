"""Noise that leans towards what no picture shows, so that it is learnt to take that back.

Where noise hides a picture, each frame and each eye settles by itself, so that a background changes
its colour and an eye shuts alone. A network that has met only true pictures under even noise keeps
what it never met; one that has met the push takes it for noise. It is asked the same picture all
the same. (Compare arXiv 2301.11706, which perturbs evenly.)
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tools.train.album import EYE, Album
from tools.train.loop import Draw
from tools.world import CLIP_FRAMES

_WINKING, _STRAYING = 0.6, 0.4
"""How many frames lean towards a wink, and towards a stranger."""
_FAR = 0.5
"""How far at most a frame leans towards a stranger."""
_APART = 3, 7
"""How many frames away the other eye comes from: a blink lasts four."""


def wink(draw: Draw, x0: Tensor, weights: Tensor, frames: int) -> Tensor:
    """The way from clips x0 (N * frames, 4, 16, 16) to having one eye of another moment."""
    apart = int(draw.numpy.integers(*_APART)) * (1 if draw.numpy.random() < 0.5 else -1)
    other = x0.unflatten(0, (-1, frames)).roll(apart, 1).flatten(0, 1)
    return _winking(draw, x0, other, weights)


def winks(draw: Draw, album: Album, picks: np.ndarray) -> Tensor:
    """The same for pictures of an album, one by one; 0 for those of no clip."""
    inside = np.maximum(picks - album.first_clip, 0)
    apart = draw.numpy.integers(*_APART, len(picks)) * draw.numpy.choice((-1, 1), len(picks))
    others = inside // CLIP_FRAMES * CLIP_FRAMES + (inside + apart) % CLIP_FRAMES
    x0, other = album.latents[picks], album.latents[album.first_clip + others]
    moving = torch.from_numpy(picks >= album.first_clip).view(-1, 1, 1, 1)
    return moving * _winking(draw, x0, other, album.weights[picks])


def _winking(draw: Draw, x0: Tensor, other: Tensor, weights: Tensor) -> Tensor:
    """The way from some of x0 (N, 4, 16, 16) to having one eye, left or right, of `other`."""
    right = bool(draw.numpy.random() < 0.5)
    return _some(draw, x0, _WINKING) * one_eye(weights, right) * (other - x0)


def stray(draw: Draw, x0: Tensor, strangers: Tensor) -> Tensor:
    """The way from frames x0 (N, 4, 16, 16) towards as many that are not theirs."""
    return _FAR * _some(draw, x0, _STRAYING) * (strangers - x0)


def one_eye(weights: Tensor, right: bool) -> Tensor:
    """(N, 1, 16, 16) float32: 1 in the cells of the eye on that side of the picture, else 0."""
    eyes = (weights == EYE).float()
    columns = torch.arange(eyes.shape[-1]).to(eyes)
    middle = (eyes * columns).sum((-1, -2), keepdim=True) / eyes.sum((-1, -2), keepdim=True)
    return eyes * ((columns >= middle) == right)


def _some(draw: Draw, x0: Tensor, share: float) -> Tensor:
    """(N, 1, 1, 1): 0 for most frames, else even in 0..1."""
    return ((draw.uniform(len(x0)) < share) * draw.uniform(len(x0))).view(-1, 1, 1, 1)
