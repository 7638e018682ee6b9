"""Places are found by structure, under the same names in both layouts."""

from __future__ import annotations

import pytest
import torch

from easyphoto_video.errors import BadRequest
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.places import places, residual_norms, width
from easyphoto_video.motion.spec import SDXL_BETA, MotionSpec
from tests.motion.small import Host, spec


def wanted(kind: MotionSpec) -> dict[str, int]:
    return {name: made.channels for name, made in Motion(kind).transformers()}


def test_an_sd15_unet_has_the_places_of_v2(host: Host) -> None:
    assert {name: width(layer) for name, layer in places(host.unet).items()} == wanted(spec())


def test_an_sdxl_unet_has_the_places_of_the_sdxl_module_and_a_middle(xl_host: Host) -> None:
    found = {name: width(layer) for name, layer in places(xl_host.unet).items()}
    assert found == wanted(spec(SDXL_BETA, has_mid=True))


def test_places_are_spatial_transformers_where_there_are_some(host: Host) -> None:
    spatial = {name for name, at in places(host.unet).items() if hasattr(at, "transformer_blocks")}
    plain = places(host.unet).keys() - spatial
    assert {name.rsplit(".", 2)[0] for name in plain} == {"down_blocks.3", "up_blocks.0"}


def test_each_residual_block_has_two_norms_and_the_output_one(host: Host) -> None:
    norms = residual_norms(host.unet)
    assert len(norms) == 2 * (8 + 2 + 12) + 1
    assert len({id(norm) for norm in norms}) == len(norms)
    assert all(getattr(norm, "eps", None) == 1e-5 for norm in norms)


def test_another_model_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"Linear.*Choose"):
        places(torch.nn.Linear(2, 2))
