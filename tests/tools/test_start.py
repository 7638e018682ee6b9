"""Going on from exported files."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from tools.models import autoencoder
from tools.train.export import export
from tools.train.motion import new_motion
from tools.train.start import read_export
from tools.train.text import small_text_encoder
from tools.train.unet import new_painter


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
