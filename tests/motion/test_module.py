"""The temporal transformer alone."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from easyphoto_video.motion import module, precision
from easyphoto_video.motion.module import Motion, TemporalTransformer, sinusoids
from easyphoto_video.motion.spec import HOTSHOT_XL, SDXL_BETA, V1, V2, V3, MotionSpec
from easyphoto_video.motion.windows import Window
from tests.motion.small import spec
from tests.motion.windows import windows

STEM = "temporal_transformer."
BLOCK = f"{STEM}transformer_blocks.0."


def transformer(channels: int = 32) -> TemporalTransformer:
    made = TemporalTransformer(channels, V2)
    nn.init.normal_(made.proj_out.weight, std=0.1)
    return made


def test_names_and_shapes_are_the_official_ones() -> None:
    C, L = 64, 32
    names = {
        key.removeprefix("mid_block.motion_modules.0."): tuple(t.shape)
        for key, t in Motion(spec()).state_dict().items()
        if key.startswith("mid_block")
    }
    attention = {
        f"{BLOCK}attention_blocks.{i}.{part}": shape
        for i in range(2)
        for part, shape in {
            "pos_encoder.pe": (1, L, C),
            "to_q.weight": (C, C),
            "to_k.weight": (C, C),
            "to_v.weight": (C, C),
            "to_out.0.weight": (C, C),
            "to_out.0.bias": (C,),
        }.items()
    }
    norms = {
        f"{name}.{part}": (C,)
        for name in (f"{STEM}norm", f"{BLOCK}norms.0", f"{BLOCK}norms.1", f"{BLOCK}ff_norm")
        for part in ("weight", "bias")
    }
    assert names == {
        **attention,
        **norms,
        f"{STEM}proj_in.weight": (C, C),
        f"{STEM}proj_in.bias": (C,),
        f"{STEM}proj_out.weight": (C, C),
        f"{STEM}proj_out.bias": (C,),
        f"{BLOCK}ff.net.0.proj.weight": (8 * C, C),
        f"{BLOCK}ff.net.0.proj.bias": (8 * C,),
        f"{BLOCK}ff.net.2.weight": (C, 4 * C),
        f"{BLOCK}ff.net.2.bias": (C,),
    }


@pytest.mark.parametrize(
    ("kind", "count", "tensors", "million"),
    [
        (V1, 20, 560, 417.14),
        (V2, 21, 588, 453.21),
        (V3, 20, 560, 417.14),
        (SDXL_BETA, 15, 420, 236.78),
    ],
)
def test_sizes_are_the_official_ones(
    kind: MotionSpec, count: int, tensors: int, million: float
) -> None:
    with torch.device("meta"):
        motion = Motion(kind)
    assert kind.count == count == len(dict(motion.transformers()))
    assert len(motion.state_dict()) == tensors
    assert sum(p.numel() for p in motion.parameters()) / 1e6 == pytest.approx(million, abs=0.01)


def test_a_new_one_changes_nothing() -> None:
    x = torch.randn(8, 32, 4, 4)
    assert torch.equal(TemporalTransformer(32, V2)(x, 4), x)


def test_one_frame_is_normalised_without_the_others() -> None:
    """With attention cut off, a frame's result does not depend on the other frames at all."""
    made = transformer()
    for name, weight in made.named_parameters():
        if ".to_out." in name:
            nn.init.zeros_(weight)
    x = torch.randn(4, 32, 4, 4)
    louder = x.clone()
    louder[1:] *= 100
    assert torch.allclose(made(x, 4)[0], made(louder, 4)[0], atol=1e-6)


def test_pixels_do_not_see_each_other_behind_the_norm() -> None:
    made, x = transformer(), torch.randn(4, 32, 4, 4)
    turned = x.flip(2, 3)
    assert torch.allclose(made(x, 4).flip(2, 3), made(turned, 4), atol=1e-5)


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    made, x = transformer(), torch.randn(8, 32, 4, 4)
    whole = made(x, 4)
    monkeypatch.setattr(module, "pixels_at_once", lambda device, heads: 5)
    assert torch.allclose(made(x, 4), whole, atol=1e-6)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("heads", [1, 8, 32])
def test_pieces_stay_below_what_fused_attention_takes(device: str, heads: int) -> None:
    pixels = module.pixels_at_once(torch.device(device), heads)
    assert 1 <= pixels * heads <= 65535


def test_frames_out_of_order_come_back_out_of_order_without_positions() -> None:
    made, x = transformer(), torch.randn(4, 32, 4, 4)
    order = torch.tensor([2, 0, 3, 1])
    marked = made(x[order], 4, positions=order)
    assert torch.allclose(marked, made(x, 4)[order], atol=1e-5)
    assert not torch.allclose(made(x[order], 4), made(x, 4)[order], atol=1e-3)


def test_positions_are_sines_and_cosines() -> None:
    table = sinusoids(5, 8)[0]
    assert table[0].tolist() == [0, 1] * 4
    assert table[3, 4].item() == pytest.approx(
        torch.sin(torch.tensor(3 * 10000 ** (-4 / 8))).item()
    )
    assert torch.allclose(table.view(5, 4, 2).square().sum(-1), torch.ones(5, 4))


def test_gradients_reach_every_weight() -> None:
    made = transformer()
    made(torch.randn(4, 32, 2, 2), 4).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.parameters())


def test_it_computes_in_its_own_dtype_and_answers_in_the_callers() -> None:
    made, x = transformer(), torch.randn(4, 32, 4, 4)
    assert made(x.bfloat16(), 4).dtype == torch.bfloat16
    assert torch.allclose(made(x.bfloat16(), 4).float(), made(x, 4), atol=0.05)


def test_a_spec_says_what_it_is() -> None:
    expected = "HotShot-XL for SDXL, 15 temporal transformers, 320/640/1280 channels"
    assert str(HOTSHOT_XL) == expected


VIEWS = windows(8, 5, 2)


@pytest.mark.parametrize("views", [(), VIEWS], ids=["whole", "views"])
@pytest.mark.parametrize("clips", [1, 3])
@pytest.mark.parametrize("at_once", [5, 40, 10**6])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_tiles_are_the_plain_way(
    monkeypatch: pytest.MonkeyPatch,
    views: tuple[Window, ...],
    clips: int,
    at_once: int,
    layout: torch.memory_format,
) -> None:
    monkeypatch.setattr(module, "pixels_at_once", lambda device, heads: at_once)
    made = transformer()
    x = torch.randn(8 * clips, 32, 3, 4).contiguous(memory_format=layout)
    before = x.clone()
    with torch.no_grad():
        tiled, plain = (way(x, 8, None, views) for way in (made, made.plain))
    assert (tiled - plain).norm() <= 1e-5 * (plain - x).norm()
    assert torch.equal(x, before)


def test_tiles_see_weights_that_change() -> None:
    made, x = transformer(), torch.randn(4, 32, 4, 4)
    with torch.no_grad():
        before = made(x, 4)
        for weight in made.parameters():
            weight.mul_(1.5)
        assert not torch.allclose(made(x, 4), before, atol=1e-3)
        assert torch.allclose(made(x, 4), made.plain(x, 4), atol=1e-5)


def test_half_precision_in_tiles_is_nearer_to_the_exact_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a CPU would imitate it, products are taken in float32."""
    monkeypatch.setattr(precision, "_has", lambda features: False)
    made, x = transformer().bfloat16(), torch.randn(8, 32, 4, 4).bfloat16()
    exact = copy.deepcopy(made).double()
    with torch.no_grad():
        wanted = exact.plain(x.double(), 4)
        tiled, plain = made(x, 4), made.plain(x, 4)
    assert tiled.dtype == torch.bfloat16
    assert (tiled.double() - wanted).norm() < (plain.double() - wanted).norm()
