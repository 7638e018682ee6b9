"""Stage 4: the denoiser, and the text encoder with it at a lower rate."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import CLIPTextModel

from tools.models import unet
from tools.train import noise
from tools.train.album import Album
from tools.train.fleet import Fleet
from tools.train.loop import Course, Draw, train
from tools.words import small_ids
from tools.world import vary

UNET_SAMPLES = 40_000
_SCORED = (950, 800, 500, 200)


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


def even_steps(draw: Draw, count: int) -> Tensor:
    """(count,) int64 steps, one in each of `count` equal parts of 0..999, in random order."""
    spread = (torch.arange(count) + draw.uniform(1)) / count
    order = torch.randperm(count, generator=draw.torch)
    return (spread * noise.STEPS).long().clamp(0, noise.STEPS - 1)[order]


def train_unet(text: CLIPTextModel, album: Album, fleet: Fleet) -> Painter:
    """Train on the album's latents with varied captions."""
    torch.manual_seed(3)
    model, batch = Painter(text.requires_grad_(True)).to(fleet.device), 8
    alphas, count = noise.alphas(), len(album.captions) - 64 * 16

    def loss(draw: Draw) -> Tensor:
        picks = draw.numpy.integers(0, count, batch)
        x0, mask = album.latents[picks], album.weights[picks]
        t, eps = even_steps(draw, batch), draw.normal(*x0.shape)
        alpha = alphas[t].view(-1, 1, 1, 1)
        share = noise.weight(alpha) * mask / mask.mean()
        tensors = (noise.add_noise(x0, eps, alpha), noise.velocity(x0, eps, alpha), t, share)
        noisy, v, t, share = (x.to(fleet.device) for x in tensors)
        words = model.words([vary(album.captions[i], draw.numpy) for i in picks])
        return (share * (model(noisy, t, words) - v) ** 2).mean()

    def score(average: nn.Module) -> str:
        assert isinstance(average, Painter)
        return _score(average, album, fleet.device)

    course = Course(
        name="unet", model=model, loss=loss, score=score, samples=UNET_SAMPLES, batch=batch,
        rate=1.5e-3, seed=104, slow=frozenset({"text"}),
    )  # fmt: skip
    average = train(course, fleet)
    assert isinstance(average, Painter)
    return average


@torch.no_grad()
def _score(model: Painter, album: Album, device: str) -> str:
    """The squared error of x0 with the right and with a stranger's caption, at a few steps."""
    held = range(len(album.captions) - 64 * 16, len(album.captions), 37)
    x0 = album.latents[list(held)].to(device)
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(5)).to(device)
    right = model.words([album.captions[i] for i in held])
    found = []
    for step in _SCORED:
        alpha, t = noise.alphas()[step], torch.full((len(x0),), step, device=device)
        noisy = noise.add_noise(x0, eps, alpha)
        pair = [
            float((noise.clean(noisy, model(noisy, t, words), alpha) - x0).square().mean())
            for words in (right, right.roll(1, 0))
        ]
        found.append(f"{step}: {pair[0]:.3f}/{pair[1]:.3f}")
    return "x0 error right/stranger " + ", ".join(found)
