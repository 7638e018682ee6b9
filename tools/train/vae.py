"""Stage 1: the autoencoder, on portraits drawn as it goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import nn

from tools.canvas import SIZE
from tools.drawing import render
from tools.head import Head
from tools.models import SCALE, autoencoder, decode, encode
from tools.train.fleet import Fleet
from tools.train.loop import Budget, Course, Draw, train
from tools.world import random_person, random_pose

_CROP = 64
_CROP_UNTIL = 0.4
_KL = 5e-5
_HELD_OUT = 900_000


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """(B, H, W, 3) uint8 RGB -> (B, 3, H, W) float32 in -1..1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_pictures(tensor: torch.Tensor) -> np.ndarray:
    """(B, 3, H, W) in -1..1 -> (B, H, W, 3) uint8 RGB."""
    levels = ((tensor.clamp(-1, 1) + 1) * 127.5).round()
    return levels.permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()


@dataclass(frozen=True)
class Errors:
    """PSNR in dB over whole pictures and over face boxes, each the mean over pictures."""

    whole: float
    face: float


def held_out(count: int) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    """Pictures (count, H, W, 3) uint8 that no training step drew, and their face boxes."""
    pictures, boxes = [], []
    for i in range(count):
        rng = np.random.default_rng(_HELD_OUT + i)
        person, pose = random_person(rng), random_pose(rng)
        pictures.append(render(person, pose))
        boxes.append(Head(person, pose).box())
    return np.stack(pictures), boxes


@torch.no_grad()
def errors(model: AutoencoderKL, count: int, device: str) -> Errors:
    """How well `model` gives back `count` held-out portraits, rounded to 8 bits."""
    pictures, boxes = held_out(count)
    wholes, faces = [], []
    for picture, (x0, y0, x1, y1) in zip(pictures, boxes, strict=True):
        latent = encode(model, to_tensor(picture[None]).to(device)).mode()
        back = to_pictures(decode(model, latent))[0]
        square = (back.astype(float) - picture) ** 2
        wholes.append(_psnr(square))
        faces.append(_psnr(square[y0:y1, x0:x1]))
    return Errors(float(np.mean(wholes)), float(np.mean(faces)))


def _psnr(square: np.ndarray) -> float:
    return 10 * float(np.log10(255**2 / square.mean()))


def _one(rng: np.random.Generator, crop: bool) -> tuple[np.ndarray, np.ndarray]:
    """A picture and the weight of each pixel: the face counts 2.5 times, its middle 4 times."""
    person, pose = random_person(rng), random_pose(rng)
    picture, weight = render(person, pose), np.ones((SIZE, SIZE), np.float32)
    x0, y0, x1, y1 = Head(person, pose).box()
    weight[y0:y1, x0:x1] += 1.5
    weight[y0 + (y1 - y0) * 35 // 100 : y0 + (y1 - y0) * 90 // 100, x0 + 8 : x1 - 8] += 1.5
    if not crop:
        return picture, weight
    y, x = rng.integers(0, (SIZE - _CROP) // 8 + 1, 2) * 8
    return picture[y : y + _CROP, x : x + _CROP], weight[y : y + _CROP, x : x + _CROP]


def _batch(draw: Draw, patches: int) -> tuple[torch.Tensor, torch.Tensor]:
    crop = draw.progress < _CROP_UNTIL
    count = patches if crop else max(1, patches // 4)
    pairs = [_one(draw.numpy, crop) for _ in range(count)]
    pictures, weights = (np.stack(x) for x in zip(*pairs, strict=True))
    return to_tensor(pictures), torch.from_numpy(weights)[:, None]


def train_vae(fleet: Fleet, budget: Budget) -> AutoencoderKL:
    """Train; returns the averaged model with each latent channel at mean 0, deviation 1 / SCALE."""
    torch.manual_seed(1)
    model, batch = autoencoder(), 4
    nn.Module.to(model, fleet.device)

    def loss(draw: Draw) -> torch.Tensor:
        target, weight = (x.to(fleet.device) for x in _batch(draw, batch))
        latent = encode(model, target)
        noise = draw.normal(*latent.mean.shape).to(fleet.device)
        error = decode(model, latent.mean + latent.std * noise) - target
        kl = latent.kl().mean() / latent.mean[0, 0].numel()
        return _distance(error, weight) + _KL * kl

    def score(average: nn.Module) -> str:
        assert isinstance(average, AutoencoderKL)
        found = errors(average, 24, fleet.device)
        return f"PSNR {found.whole:.2f} dB, face {found.face:.2f} dB"

    course = Course(
        budget=budget, model=model, loss=loss, score=score, batch=batch,
        decay=0.995, betas=(0.9, 0.98),
    )  # fmt: skip
    average = train(course, fleet)
    assert isinstance(average, AutoencoderKL)
    return fold(average, to_tensor(held_out(64)[0]).to(fleet.device))


def _distance(error: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted L1, L2 and L1 of the gradients: the last keeps edges crisp."""
    across = (error.diff(dim=-1).abs() * weight[..., 1:]).mean()
    down = (error.diff(dim=-2).abs() * weight[..., 1:, :]).mean()
    return (error.abs() * weight).mean() + 0.5 * (error**2 * weight).mean() + 0.5 * (across + down)


@torch.no_grad()
def fold(model: AutoencoderKL, pictures: torch.Tensor) -> AutoencoderKL:
    """Fold each latent channel's mean and deviation into the two 1x1 convolutions.

    Times SCALE the latents have mean 0 and deviation 1 then, and decode to what they did.
    """
    latents = encode(model, pictures).mode()
    mean, scale = latents.mean((0, 2, 3)), 1 / (latents.std((0, 2, 3)) * SCALE)
    quant, post = model.quant_conv, model.post_quant_conv
    assert isinstance(quant, nn.Conv2d) and isinstance(post, nn.Conv2d)
    assert quant.bias is not None and post.bias is not None
    channels = len(mean)
    post.bias += post.weight[:, :, 0, 0] @ mean
    post.weight /= scale.view(1, -1, 1, 1)
    quant.weight[:channels] *= scale.view(-1, 1, 1, 1)
    quant.bias[:channels] = (quant.bias[:channels] - mean) * scale
    quant.bias[channels:] += 2 * scale.log()
    return model
