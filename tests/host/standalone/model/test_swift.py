"""A UNet in a hurry says the same, and is as it was afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.host.standalone.model import swift as module
from easyphoto_video.host.standalone.model.swift import Kernels, swift
from easyphoto_video.host.standalone.model.winograd import convolved, kernel
from easyphoto_video.motion import precision
from tests.motion.small import CONTEXT, Host, clip, diffusers
from tests.motion.test_attach import state


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(module, "NARROW", 1)
    return diffusers()


def words(*texts: int) -> Tensor:
    """A row of random words for each number; the same for the same."""
    every = torch.randn(9, 5, CONTEXT, generator=torch.Generator().manual_seed(3))
    return every[list(texts)]


def asked(unet: Any, x: Tensor, rows: Tensor) -> Tensor:
    with torch.no_grad():
        return unet(x, torch.tensor(501), rows).sample


def ways(unet: nn.Module) -> list[Any]:
    """What `swift` puts into a UNet, by identity."""
    return [(vars(m).get("forward"), vars(m).get("processor")) for m in unet.modules()]


def first(host: Host) -> Any:
    """The first block of the UNet."""
    unet: Any = host.unet
    return unet.down_blocks[0]


@pytest.mark.parametrize(
    ("m", "size", "error"),
    [
        (2, (1, 3, 2, 2), 1e-6),
        (2, (3, 5, 8, 6), 1e-6),
        (2, (2, 4, 64, 64), 1e-6),
        (4, (1, 3, 4, 4), 4e-6),
        (4, (3, 5, 8, 12), 4e-6),
        (4, (2, 4, 64, 64), 4e-6),
    ],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_winograds_sums_are_the_convolutions(
    m: int, size: tuple[int, ...], error: float, layout: torch.memory_format
) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(size, generator=generator).contiguous(memory_format=layout)
    weight, bias = torch.randn(7, size[1], 3, 3, generator=generator), torch.randn(7)
    for b in (bias, None):
        exact = F.conv2d(x.double(), weight.double(), None if b is None else b.double(), padding=1)
        made = convolved(x, kernel(weight, m), b)
        assert made.shape == exact.shape
        assert (made - exact).norm() <= error * exact.norm()


@pytest.mark.parametrize("texts", [(0, 0, 1, 1), (0, 0, 0, 0), (0, 1, 2, 3), (0, 0, 0, 1)], ids=str)
@pytest.mark.parametrize("most", [0, 640], ids=["small tiles", "large tiles"])
def test_it_says_the_same(
    host: Host, monkeypatch: pytest.MonkeyPatch, texts: tuple[int, ...], most: int
) -> None:
    monkeypatch.setattr(module, "MOST_FOR_LARGE", most)
    x = clip(4)
    plain = asked(host.unet, x, words(*texts))
    with swift(host.unet, Kernels()):  # pyright: ignore[reportArgumentType]
        fast = asked(host.unet, x, words(*texts))
    assert (fast - plain).norm() <= 4e-5 * plain.norm()


def test_a_text_is_read_once_for_all_frames_but_not_under_a_strangers_eyes(host: Host) -> None:
    layer = first(host).attentions[0].transformer_blocks[0].attn2
    seen: list[int] = []

    @contextmanager
    def watched(projection: nn.Module) -> Iterator[None]:
        hook = projection.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
        yield
        hook.remove()

    original = layer.to_k.forward
    layer.to_k.forward = lambda x: (seen.append(len(x)), original(x))[1]
    with swift(host.unet, Kernels()):  # pyright: ignore[reportArgumentType]
        asked(host.unet, clip(4), words(0, 0, 1, 1))
        assert seen == [2]
        with watched(layer.to_k):
            asked(host.unet, clip(4), words(0, 0, 1, 1))
    assert seen == [2, 4, 4]


@pytest.mark.parametrize("fails", [False, True])
def test_everything_comes_back_beside_a_stranger(host: Host, fails: bool) -> None:
    x, rows = clip(2), words(0, 1)
    stranger = host.unet.register_forward_hook(lambda *_: None)
    before, own, plain = state(host.unet), ways(host.unet), asked(host.unet, x, rows)
    try:
        with swift(host.unet, Kernels()):  # pyright: ignore[reportArgumentType]
            asked(host.unet, x, rows)
            assert ways(host.unet) != own
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert (state(host.unet), ways(host.unet)) == (before, own)
    assert torch.equal(asked(host.unet, x, rows), plain)
    stranger.remove()


def test_a_layer_with_somebody_elses_forward_is_left_alone(host: Host) -> None:
    layer = first(host).resnets[0].conv1

    def theirs(x: Tensor) -> Tensor:
        return nn.Conv2d.forward(layer, x)

    layer.forward = theirs
    with swift(host.unet, Kernels()):  # pyright: ignore[reportArgumentType]
        assert layer.forward is theirs
    assert layer.forward is theirs


def test_kernels_follow_their_weights() -> None:
    kernels, weight = Kernels(), nn.Parameter(torch.randn(2, 3, 3, 3), requires_grad=False)
    first = kernels.of(weight, 4)
    assert kernels.of(weight, 4) is first
    assert len(kernels.of(weight, 2)) == 16
    weight.mul_(2)
    assert torch.equal(kernels.of(weight, 4), 2 * first)
    weight.data = torch.zeros_like(weight)
    assert not kernels.of(weight, 4).any()


def test_without_room_for_kernels_convolutions_go_the_direct_way(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kernels, "has_room", lambda self, layers: False)
    layer = first(host).resnets[0].conv1
    with swift(host.unet, Kernels()):  # pyright: ignore[reportArgumentType]
        assert "forward" not in vars(layer)


def test_it_is_decided_once_whether_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels, layers = Kernels(), [nn.Conv2d(8, 8, 3)]
    free = {"bytes": 0}
    memory = lambda: SimpleNamespace(available=free["bytes"])  # noqa: E731
    monkeypatch.setattr("psutil.virtual_memory", memory)
    assert not kernels.has_room(layers)
    free["bytes"] = 10**9
    assert not kernels.has_room(layers)
    assert kernels.has_room([nn.Conv2d(8, 8, 3)])
    assert kernels.has_room([])


def test_odd_sizes_and_gradients_go_the_direct_way(host: Host) -> None:
    layer = first(host).resnets[0].conv1
    odd, even = torch.randn(1, 32, 3, 4), torch.randn(1, 32, 4, 4)
    plain = layer(odd)
    with swift(host.unet, Kernels()):  # pyright: ignore[reportArgumentType]
        assert torch.equal(layer(odd), plain)
        layer(even).sum().backward()
    assert layer.weight.grad is not None


def test_half_precision_is_multiplied_in_float32_where_it_would_be_imitated(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "_has", lambda features: False)
    host.unet.bfloat16()
    layer = first(host).attentions[0].transformer_blocks[0].attn1.to_q
    x = torch.randn(3, 32, generator=torch.Generator().manual_seed(0)).bfloat16()
    with swift(host.unet, Kernels()):  # pyright: ignore[reportArgumentType]
        assert torch.equal(layer(x), F.linear(x.float(), layer.weight.float()).bfloat16())
        said = asked(host.unet, clip(4).bfloat16(), words(0, 0, 1, 1).bfloat16())
    plain = asked(host.unet, clip(4).bfloat16(), words(0, 0, 1, 1).bfloat16())
    assert said.dtype == plain.dtype
    assert (said - plain).norm() <= 0.05 * plain.norm()
