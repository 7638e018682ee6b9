"""A LoRA whose weight goes from frame to frame: each frame as if merged, and no trace after."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadRequest
from easyphoto_video.motion.attach import attached
from easyphoto_video.motion.fading import Chain, Change, Fade, Weights, faded, listed
from tests.motion.small import Host, lively, near, spec
from tests.motion.small import clip as small_clip
from tests.motion.test_attach import state

RANK = 3


def ramp(numbers: Sequence[int]) -> Tensor:
    """0, 0.25, 0.5 ..."""
    return torch.tensor([number / 4 for number in numbers])


clip = partial(small_clip, side=16)


def constant(weight: float) -> Weights:
    return lambda numbers: torch.full((len(numbers),), weight)


def changes(unet: nn.Module, seed: int = 0) -> dict[nn.Module, Change]:
    """Of every Linear and Conv2d: those with a large kernel in two parts and three in turn."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return 0.1 * torch.randn(shape, generator=generator)

    found: dict[nn.Module, Change] = {}
    for i, layer in enumerate(layers(unet)):
        wide, narrow, *kernel = layer.weight.shape
        if kernel and kernel[0] > 1 and i % 2:
            parts = (drawn(RANK, narrow), drawn(RANK, RANK, *kernel), drawn(wide, RANK, 1, 1))
        elif i % 5 == 0:
            parts = (0.2 * drawn(wide, narrow, *kernel),)
        else:
            parts = (drawn(RANK, narrow, *kernel), drawn(wide, RANK))
        found[layer] = Chain(parts)
    return found


def layers(unet: nn.Module) -> list[Any]:
    return [m for m in unet.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]


def whole(chain: Any, layer: Any) -> Tensor:
    """The change as one tensor, in the shape of the layer's weight."""
    first, *rest = chain.factors
    if len(rest) == 2:
        product = torch.einsum("or,rskl,si->oikl", rest[1].flatten(1), rest[0], first)
    elif rest:
        product = rest[0].flatten(1) @ first.flatten(1)
    else:
        product = first
    return product.reshape(layer.weight.shape)


@contextmanager
def merged(unet: nn.Module, found: dict[nn.Module, Change], weight: float) -> Iterator[None]:
    """The slow, plain way: the change inside the weights."""
    before = {layer: layer.weight for layer in layers(unet)}
    for layer, old in before.items():
        new = old.detach() + weight * whole(found[layer], layer)
        layer.weight = nn.Parameter(new, requires_grad=False)
    try:
        yield
    finally:
        for layer, old in before.items():
            layer.weight = old


def run(host: Host, fades: Sequence[Fade], x: Tensor, numbers: Sequence[int]) -> Tensor:
    with faded(host.unet, fades) as handle, handle.frames(numbers):
        return host(x)


@pytest.mark.parametrize("weight", [1.0, 0.35, -0.5])
def test_a_constant_weight_is_the_merged_lora(host: Host, weight: float) -> None:
    x, found = clip(4), changes(host.unet)
    with merged(host.unet, found, weight):
        expected = host(x)
    assert near(run(host, [Fade(found, constant(weight))], x, range(4)), expected)
    assert not near(host(x), expected, 1e-2)


@pytest.mark.parametrize("clips", [1, 2])
def test_each_frame_is_as_if_merged_with_its_own_weight(host: Host, clips: int) -> None:
    x, found, numbers = clip(3 * clips), changes(host.unet), [4, 0, 2]
    got = run(host, [Fade(found, ramp)], x, numbers)
    for i, number in enumerate(numbers):
        with merged(host.unet, found, number / 4):
            assert near(got[i::3], host(x[i::3]))


def test_several_add_up_each_with_its_own_weight(host: Host) -> None:
    x, one, other = clip(2), changes(host.unet), changes(host.unet, seed=1)
    got = run(host, [Fade(one, ramp), Fade(other, constant(0.5))], x, [2, 3])
    for row, weight in enumerate([0.5, 0.75]):
        with merged(host.unet, one, weight):
            alone = run(host, [Fade(other, constant(0.5))], x[row : row + 1], [0])
        assert near(got[row : row + 1], alone)


def test_no_weight_is_no_lora_bit_for_bit(host: Host) -> None:
    x, found = clip(4), changes(host.unet)
    plain = host(x)
    assert torch.equal(run(host, [Fade(found, constant(0.0))], x, range(4)), plain)
    assert torch.equal(run(host, [Fade(found, ramp)], x, [0, 4, 0, 4])[::2], plain[::2])


def test_a_call_that_is_not_ours_passes_bit_for_bit(host: Host) -> None:
    x = clip(3)
    plain = host(x)
    with faded(host.unet, [Fade(changes(host.unet), constant(1.0))]) as handle:
        assert torch.equal(host(x), plain)
        with handle.frames(range(3)):
            assert not torch.equal(host(x), plain)
        assert torch.equal(host(x), plain)


def test_other_threads_pass_untouched(host: Host) -> None:
    x, found = clip(3), []
    plain = host(x)
    fade = Fade(changes(host.unet), constant(1.0))
    with faded(host.unet, [fade]) as handle, handle.frames(range(4)):
        thread = threading.Thread(target=lambda: found.append(host(x)))
        thread.start()
        thread.join()
    assert torch.equal(found[0], plain)


def test_nested_calls_have_their_own_frames(host: Host) -> None:
    x = clip(4)
    with faded(host.unet, [Fade(changes(host.unet), ramp)]) as handle, handle.frames(range(4)):
        outer = host(x)
        with handle.frames([4, 5]):
            assert not torch.equal(host(x[:2]), outer[:2])
        assert torch.equal(host(x), outer)


def test_everything_comes_back_also_after_exceptions_and_beside_strangers(host: Host) -> None:
    seen: list[Tensor] = []
    layer = layers(host.unet)[5]
    stranger = layer.register_forward_hook(lambda _layer, _args, y: seen.append(y))
    try:
        x, found, before = clip(2), changes(host.unet), state(host.unet)
        plain = host(x)
        with (
            pytest.raises(RuntimeError, match="half way"),
            faded(host.unet, [Fade(found, constant(1.0))]) as handle,
            handle.frames(range(2)),
        ):
            host(x)
            raise RuntimeError("half way")
        assert state(host.unet) == before
        assert torch.equal(host(x), plain)
        # A stranger sees what it would see of a merged LoRA.
        with merged(host.unet, found, 1.0):
            host(x)
        assert near(seen[-3], seen[-1])
        assert not near(seen[-2], seen[-1], 1e-2)
    finally:
        stranger.remove()


def test_rows_that_are_no_whole_clips_are_refused_and_nothing_stays(host: Host) -> None:
    found, before = changes(host.unet), state(host.unet)
    with pytest.raises(BadRequest, match="the UNet got 5 rows"):
        run(host, [Fade(found, constant(1.0))], clip(5), range(4))
    assert state(host.unet) == before


def test_a_layer_that_sees_tiles_gives_each_the_weight_of_its_picture(host: Host) -> None:
    """As HyperTile cuts them: the tiles of a row lie together."""
    layer = next(m for m in layers(host.unet) if isinstance(m, nn.Linear))
    change = changes(host.unet)[layer]
    x = torch.randn(6, 5, layer.in_features)

    def tiled(_unet: nn.Module, _args: Any, _output: Any) -> None:
        got.append(layer(x))

    got: list[Tensor] = []
    hook = host.unet.register_forward_hook(tiled)
    try:
        run(host, [Fade({layer: change}, ramp)], clip(2), [4, 8])
    finally:
        hook.remove()
    weights = torch.tensor([1.0, 1, 1, 2, 2, 2]).view(-1, 1, 1)
    expected = layer(x) + weights * (x @ whole(change, layer).T)
    assert torch.allclose(got[0], expected, atol=1e-5)


def test_motion_goes_with_it(host: Host) -> None:
    x, found, motion = clip(4), changes(host.unet), lively(spec())
    with attached(host.unet, motion) as moving:
        with merged(host.unet, found, 0.5), moving.frames(4):
            expected = host(x)
        with moving.frames(4):
            assert near(run(host, [Fade(found, constant(0.5))], x, range(4)), expected)
    assert not near(run(host, [Fade(found, constant(0.5))], x, range(4)), expected, 1e-2)


def test_half_precision_stays_half(host: Host) -> None:
    layer = nn.Linear(8, 8).to(torch.bfloat16)
    change = Chain((torch.randn(RANK, 8), torch.randn(8, RANK)))
    x = torch.randn(2, 8, dtype=torch.bfloat16)
    with faded(layer, [Fade({layer: change}, constant(0.5))]) as handle, handle.frames([0, 1]):
        y = layer(x)
    assert y.dtype == torch.bfloat16
    expected = layer(x).float() + 0.5 * x.float() @ whole(change, layer).T
    assert near(y.float(), expected, 2e-2)


def test_a_kernel_moves_as_the_layers_own_does() -> None:
    """Stride, padding and a border that goes around."""
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 6, 3, stride=2, padding=1, padding_mode="circular")
    change = Chain((torch.randn(RANK, 4, 3, 3), torch.randn(6, RANK, 1, 1)))
    x = torch.randn(2, 4, 7, 7)
    other = nn.Conv2d(4, 6, 3, stride=2, padding=1, padding_mode="circular", bias=False)
    other.weight = nn.Parameter(whole(change, layer))
    assert torch.allclose(change(layer, x), other(x), atol=1e-4)


def test_weights_from_a_list() -> None:
    assert listed([0.0, 0.25, 0.5])([2, 0, 2]).tolist() == [0.5, 0.0, 0.5]


def test_one_weight_for_each_frame(host: Host) -> None:
    fade = Fade(changes(host.unet), lambda _numbers: torch.ones(1))
    with pytest.raises(ValueError, match="one weight for each of 4"):
        run(host, [fade], clip(4), range(4))
