"""What the losses of the training stages say."""

from __future__ import annotations

import numpy as np
import torch

from tools.train.loop import Draw
from tools.train.motion import disagreement
from tools.train.text import tags_of
from tools.train.unet import guided_error, lean


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
