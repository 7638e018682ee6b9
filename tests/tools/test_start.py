"""Going on from exported files, and what the losses say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from tools.models import autoencoder
from tools.train.export import export
from tools.train.loop import Draw
from tools.train.motion import disagreement, new_motion
from tools.train.start import read_export
from tools.train.text import small_text_encoder, tags_of
from tools.train.unet import guided_error, lean, new_painter


def _same(one: nn.Module, other: nn.Module) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    assert mine.keys() == theirs.keys()
    return all(torch.equal(x.half(), theirs[name].half()) for name, x in mine.items())


def test_what_was_exported_comes_back(tmp_path: Path) -> None:
    vae, painter, motion = autoencoder(), new_painter(small_text_encoder()), new_motion()
    export(vae, painter, motion, tmp_path)
    back = read_export(tmp_path, "cpu")
    assert _same(back.vae, vae)
    assert _same(back.painter, painter)
    assert _same(back.motion, motion)
    assert all(p.requires_grad for p in back.painter.text.parameters())


def _draw() -> Draw:
    return Draw(np.random.default_rng(0), torch.Generator().manual_seed(0), 0.0)


def test_noise_leans_only_away_from_the_mean_picture() -> None:
    mean = torch.randn(4, 2, 2)
    plain = lean(_draw(), mean.expand(64, -1, -1, -1), torch.full((64, 1, 1, 1), 0.5), mean)
    pushed = lean(_draw(), mean.expand(64, -1, -1, -1) + 2, torch.full((64, 1, 1, 1), 0.5), mean)
    by = (pushed - plain).flatten(1)
    assert by.min() >= 0 and by.max() <= 2 * 0.5**0.5
    assert 8 < int((by.max(1).values > 0).sum()) < 32


def test_guidance_that_adds_nothing_is_the_plain_error() -> None:
    said, v, alpha = torch.ones(1, 4, 2, 2), torch.zeros(1, 4, 2, 2), torch.ones(1, 1, 1, 1)
    plain = guided_error(said, said, v, alpha)
    assert (guided_error(said, said * 0.9, v, alpha) > plain).all()
    assert (guided_error(said, said * 0.9, v, alpha * 0) == 0).all()


def test_an_error_that_changes_from_frame_to_frame_counts_more() -> None:
    shared, flicker = torch.ones(4, 4, 2, 2), torch.ones(4, 4, 2, 2)
    flicker[::2] = -1
    assert torch.equal(disagreement(shared, 4), shared)
    assert (disagreement(flicker, 4) > 4).all()


def test_tags_of_a_caption_are_those_of_the_vocabulary() -> None:
    (one, none) = tags_of(["smile, red hair, masterpiece", ""])
    assert one.sum() == 2 and none.sum() == 0
