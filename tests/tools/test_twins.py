"""Twins: two pictures that differ in the expression alone, and what is made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tools.train.album import same_but_for_the_mouth
from tools.train.unet import untold


@pytest.mark.parametrize("seed", range(20))
def test_twins_differ_in_the_expression_alone(seed: int) -> None:
    (person, a), (other, b) = same_but_for_the_mouth(np.random.default_rng(seed))
    assert person == other
    assert (a.smile > 0, a.mouth > 0) != (b.smile > 0, b.mouth > 0)
    assert replace(a, smile=0.0, mouth=0.0) == replace(b, smile=0.0, mouth=0.0)
    assert a.blink == 0


def test_what_twins_have_in_common_is_no_error_between_them() -> None:
    error, share = torch.randn(4, 4, 16, 16), torch.rand(4, 1, 16, 16) + 0.1
    common = error[::2].repeat_interleave(2, 0)
    assert untold(common, share) == 0
    assert untold(error, share) > 0
    assert torch.allclose(untold(error + common, share), untold(error, share), atol=1e-5)


def test_without_twins_nothing_is_added() -> None:
    assert untold(torch.zeros(0, 4, 16, 16), torch.zeros(0, 1, 16, 16)) == 0
