"""Stage 3: the text encoder, taught to say which colours lie where before the denoiser listens."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import CLIPTextModel

from tools.models import WIDTH, text_encoder
from tools.train.album import Album
from tools.train.fleet import Fleet
from tools.train.loop import Budget, Course, Draw, train
from tools.words import UNKNOWN, small_ids, small_size
from tools.world import vary

TEXT_SAMPLES = 30_000
_CELLS = 64


class Reader(nn.Module):
    """Text encoder and a head that reads 8x8 colours from its tokens, which is thrown away."""

    def __init__(self) -> None:
        super().__init__()
        self.text = small_text_encoder()
        self.queries = nn.Parameter(torch.randn(1, _CELLS, WIDTH) * 0.5)
        self.attention = nn.ModuleList(
            nn.MultiheadAttention(WIDTH, 8, batch_first=True) for _ in range(2)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2))
        self.deepen = nn.Sequential(nn.Linear(WIDTH, 256), nn.GELU(), nn.Linear(256, WIDTH))
        self.colours = nn.Linear(WIDTH, 3)

    def forward(self, ids: Tensor) -> Tensor:
        """(B, 77) int64 -> (B, 64, 3)."""
        words = self.text(ids).last_hidden_state
        x = self.queries.expand(len(ids), -1, -1)
        for attention, norm in zip(self.attention, self.norms, strict=True):
            x = x + attention(norm(x), words, words, need_weights=False)[0]
            x = x + self.deepen(x)
        return self.colours(x)


def small_text_encoder() -> CLIPTextModel:
    """The text encoder over the cut-down vocabulary; the unknown word is zero and stays so."""
    model = text_encoder(small_size())
    table = model.get_input_embeddings()
    assert isinstance(table, nn.Embedding)
    table.padding_idx = UNKNOWN
    with torch.no_grad():
        # CLIP begins at a deviation of 0.02, which learns too slowly in so short a training.
        table.weight.mul_(10.0)
        table.weight[UNKNOWN] = 0.0
    return model


def train_text(album: Album, fleet: Fleet) -> CLIPTextModel:
    """Train on captions and pooled pixels of the album."""
    torch.manual_seed(2)
    model, batch = Reader().to(fleet.device), 32
    count = len(album.captions)
    held = torch.arange(count - 8 * 16, count)
    variance = album.colours[::7].var(0).mean()

    def loss(draw: Draw) -> Tensor:
        picks = draw.numpy.integers(0, count - len(held), batch)
        ids = small_ids([vary(album.captions[i], draw.numpy) for i in picks])
        target = album.colours[picks].to(fleet.device)
        return (model(ids.to(fleet.device)) - target).square().mean()

    @torch.no_grad()
    def score(average: nn.Module) -> str:
        ids = small_ids([album.captions[int(i)] for i in held]).to(fleet.device)
        error = (average(ids).cpu() - album.colours[held]).square().mean()
        return f"explains {100 * (1 - float(error / variance)):.1f} % of held-out variance"

    course = Course(
        budget=Budget("text", TEXT_SAMPLES, 2e-3, 103), model=model, loss=loss, score=score,
        batch=batch,
    )  # fmt: skip
    average = train(course, fleet)
    assert isinstance(average, Reader)
    return average.text
