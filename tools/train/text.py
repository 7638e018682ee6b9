"""Stage 3: the text encoder, taught what words mean before the denoiser listens.

It learns to say which colours lie where, and to keep every word up to the end: a denoiser looks
mostly at the end's states, and never finds a word that they have dropped.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import CLIPTextModel

from tools.models import WIDTH, text_encoder
from tools.train.album import HELD, Album
from tools.train.fleet import Fleet
from tools.train.loop import Budget, Course, Draw, train
from tools.words import UNKNOWN, small_ids, small_size
from tools.world import vary, vocabulary

_CELLS = 64
_END = 1
_TAGS = tuple(vocabulary())
_TAGS_COUNT = 1.0


class Reader(nn.Module):
    """Text encoder and two heads that are thrown away: one reads 8x8 colours, one the tags."""

    def __init__(self, text: CLIPTextModel) -> None:
        super().__init__()
        self.text = text
        self.queries = nn.Parameter(torch.randn(1, _CELLS, WIDTH) * 0.5)
        self.attention = nn.ModuleList(
            nn.MultiheadAttention(WIDTH, 8, batch_first=True) for _ in range(2)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2))
        self.deepen = nn.Sequential(nn.Linear(WIDTH, 256), nn.GELU(), nn.Linear(256, WIDTH))
        self.colours = nn.Linear(WIDTH, 3)
        self.tags = nn.Linear(WIDTH, len(_TAGS))

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 77) int64 -> colours (B, 64, 3) and, of each token, the logits of the tags."""
        words = self.text(ids).last_hidden_state
        x = self.queries.expand(len(ids), -1, -1)
        for attention, norm in zip(self.attention, self.norms, strict=True):
            x = x + attention(norm(x), words, words, need_weights=False)[0]
            x = x + self.deepen(x)
        return self.colours(x), self.tags(words)


def tags_of(captions: list[str]) -> Tensor:
    """(B, tags) float32, 1 where the caption has the tag."""
    said = [set(caption.split(", ")) for caption in captions]
    return torch.tensor([[float(tag in tags) for tag in _TAGS] for tags in said])


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


def train_text(album: Album, fleet: Fleet, budget: Budget) -> CLIPTextModel:
    """Train on captions and pooled pixels of the album."""
    torch.manual_seed(2)
    model, batch = Reader(small_text_encoder()).to(fleet.device), 32
    count = len(album.captions)
    held = [album.alone[i] for i in range(count - HELD, count, 8)]
    target = album.colours[count - HELD :: 8]
    variance = album.colours[::7].var(0).mean()

    def loss(draw: Draw) -> Tensor:
        picks = draw.numpy.integers(0, count - HELD, batch)
        captions = [vary(album.alone[i], draw.numpy) for i in picks]
        ids = small_ids(captions).to(fleet.device)
        colours, logits = model(ids)
        error = (colours - album.colours[picks].to(fleet.device)).square().mean()
        tags = tags_of(captions).to(fleet.device)[:, None].expand_as(logits)
        wrong = F.binary_cross_entropy_with_logits(logits, tags, reduction="none")
        return error + _TAGS_COUNT * wrong[ids == _END].mean()

    @torch.no_grad()
    def score(average: nn.Module) -> str:
        ids = small_ids(held).to(fleet.device)
        colours, logits = average(ids)
        error = (colours.cpu() - target).square().mean()
        told = ((logits[:, -1].cpu() > 0) == (tags_of(held) > 0)).all(1).float().mean()
        return (
            f"explains {100 * (1 - float(error / variance)):.1f} % of held-out variance, "
            f"ends with every tag right in {100 * float(told):.1f} %"
        )

    course = Course(budget=budget, model=model, loss=loss, score=score, batch=batch)
    average = train(course, fleet)
    assert isinstance(average, Reader)
    return average.text
