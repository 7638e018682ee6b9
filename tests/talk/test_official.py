"""The official code's numbers, where they are, and files of full size."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadFile
from easyphoto_video.host.standalone.talking import denoiser, reference
from easyphoto_video.talk.attention import blocks
from easyphoto_video.talk.locator import locator_from
from tools.talk_parity import KINDS, findings, kind_of

pytestmark = pytest.mark.slow(reason="checks networks that rarely change against official code")

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"
SIZES = {"reference": (570, 815_521_280), "denoiser": (686, 849_936_324)}
"""Tensors and parameters of the public files."""


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_the_official_one(kind: str) -> None:
    folder = GOLDEN / kind
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing")
    assert kind_of(folder) == kind
    # A prediction is enough here: `python -m tools.parity` makes whole clips.
    found = list(itertools.takewhile(lambda one: "pose_t" not in one.name, findings(kind, folder)))
    assert len(found) > 10
    assert not [finding for finding in found if not finding.error <= finding.limit]


def sd15(cross: int | None) -> dict[str, Tensor]:
    """The names and shapes of a full-size network, without values."""
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=cross or 8, attention_head_dim=8)
    tensors = unet.state_dict()
    if cross is None:
        gone = (".attn2.", ".norm2.")
        inner = "transformer_blocks"
        return {
            name: t
            for name, t in tensors.items()
            if not name.startswith(("conv_norm_out", "conv_out"))
            and not (inner in name and any(part in name for part in gone))
        }
    return tensors


def counted(network: nn.Module) -> tuple[int, int]:
    state = network.state_dict()
    return len(state), sum(t.numel() for t in state.values())


def test_full_size_files_fit_strictly() -> None:
    assert counted(denoiser(sd15(384), "denoising_unet.pth")) == SIZES["denoiser"]
    looks = reference(sd15(None), "reference_unet.pth")
    assert counted(looks) == SIZES["reference"]
    assert all(block.attn2 is None for block in blocks(looks).values())


def test_a_reference_with_an_unused_end_is_read_too() -> None:
    unused = {"conv_out.bias": torch.empty(4, device="meta")}
    assert counted(reference({**sd15(None), **unused}, "a")) == SIZES["reference"]


def test_each_is_refused_as_the_other() -> None:
    with pytest.raises(BadFile, match="no denoising network"):
        denoiser(sd15(None), "reference_unet.pth")
    with pytest.raises(BadFile, match="no reference network"):
        reference(sd15(384), "denoising_unet.pth")
    with pytest.raises(BadFile, match="no UNet"):
        reference({"a": torch.zeros(1)}, "a")
    with pytest.raises(BadFile, match="not whole"):
        reference({**sd15(None), "more": torch.empty(1, device="meta")}, "a")


def full_locator(seen: int) -> dict[str, Tensor]:
    shapes = {"conv_in": (16, seen), "conv_out": (320, 256)}
    widths = (16, 32, 96, 256)
    for i, (inner, outer) in enumerate(itertools.pairwise(widths)):
        shapes |= {f"blocks.{2 * i}": (inner, inner), f"blocks.{2 * i + 1}": (outer, inner)}
    found = {}
    for name, (out, into) in shapes.items():
        found[f"{name}.weight"] = torch.randn(out, into, 3, 3) * 0.05
        found[f"{name}.bias"] = torch.zeros(out)
    return found


@pytest.mark.parametrize("seen", [1, 3])
def test_the_full_locator_fits_strictly(seen: int) -> None:
    locator = locator_from(full_locator(seen), "face_locator.pth")
    assert locator.seen == seen
    assert abs(counted(locator)[1] - 1_086_000) < 1000
    assert locator(torch.rand(2, seen, 64, 128)).shape == (2, 320, 8, 16)


def test_a_locator_that_lacks_something_says_so() -> None:
    tensors = full_locator(1)
    with pytest.raises(BadFile, match="no face locator"):
        locator_from({k: t for k, t in tensors.items() if "blocks.3" not in k}, "a")
    with pytest.raises(BadFile, match="not whole"):
        locator_from({k: t for k, t in tensors.items() if k != "conv_in.bias"}, "a")
