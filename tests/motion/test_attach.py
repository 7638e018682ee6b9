"""What goes into somebody's UNet works there, and leaves it as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadRequest
from easyphoto_video.motion.attach import Handle, attached
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.places import places, residual_norms
from easyphoto_video.motion.spec import SDXL_BETA, V1, V2, V3, MotionSpec
from easyphoto_video.motion.viewing import Viewing, plan
from easyphoto_video.motion.windows import Window
from tests.motion.small import Host, clip, lively, near, spec

KINDS = pytest.mark.parametrize("kind", [V1, V2], ids=lambda kind: kind.name)


def run(host: Host, motion: Motion, x: Tensor, frames: int) -> Tensor:
    with attached(host.unet, motion) as handle, handle.frames(frames):
        return host(x)


def state(unet: nn.Module) -> tuple[Any, ...]:
    """Everything that must come back: modules, hooks in their order, tensors, by identity."""
    modules = [(name, id(module)) for name, module in unet.named_modules()]
    hooks = [
        [(key, id(hook)) for key, hook in getattr(module, kind).items()]
        for module in unet.modules()
        for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    ]
    tensors = [(name, id(p)) for name, p in (*unet.named_parameters(), *unet.named_buffers())]
    forwards = [module.__dict__.get("forward") for module in unet.modules()]
    return modules, hooks, tensors, forwards, list(unet.state_dict())


@KINDS
def test_a_new_motion_changes_nothing_bit_for_bit(host: Host, kind: MotionSpec) -> None:
    x = clip(4)
    new = Motion(spec(kind, cross_frame_norm=False))
    assert torch.equal(run(host, new, x, 4), host(x))


@KINDS
def test_frames_see_each_other_only_inside(host: Host, kind: MotionSpec) -> None:
    x = clip(4)
    other = x.clone()
    other[3] = clip(1, seed=9)[0]
    with attached(host.unet, lively(spec(kind))) as handle:
        with handle.frames(4):
            assert not torch.allclose(host(x)[0], host(other)[0], atol=1e-4)
        assert torch.equal(host(x)[0], host(other)[0])
    assert torch.equal(host(x)[0], host(other)[0])


@KINDS
def test_a_call_that_is_not_ours_passes_bit_for_bit(host: Host, kind: MotionSpec) -> None:
    for rows in (1, 3, 8):
        x = clip(rows)
        plain = host(x)
        with attached(host.unet, lively(spec(kind))):
            assert torch.equal(host(x), plain)


@KINDS
@pytest.mark.parametrize("clips", [2, 3])
def test_several_clips_in_one_call_are_as_many_calls(
    host: Host, kind: MotionSpec, clips: int
) -> None:
    motion, x = lively(spec(kind)), clip(4 * clips, side=16)
    together = run(host, motion, x, 4)
    one_by_one = torch.cat([run(host, motion, part, 4) for part in x.split(4)])
    assert near(together, one_by_one)


@pytest.mark.parametrize("clips", [1, 2, 3])
def test_v1_normalises_the_frames_of_a_clip_together(host: Host, clips: int) -> None:
    """A new v1 motion leaves only the norm: as a UNet whose norms see (B, C, F, H, W)."""
    x = clip(4 * clips)
    x[1::4] *= 3
    expected = x.new_empty(0)
    with over_frames(host.unet, 4):
        expected = host(x)
    assert torch.allclose(run(host, Motion(spec(V1)), x, 4), expected, atol=1e-5)
    assert not torch.allclose(host(x), expected, atol=1e-3)


@contextmanager
def over_frames(unet: nn.Module, frames: int) -> Iterator[None]:
    """The official inflated UNet's norms, done the slow way: each group norm of eps 1e-5 in 5-D."""

    def forward(norm: nn.GroupNorm, x: Tensor) -> Tensor:
        video = x.unflatten(0, (-1, frames)).transpose(1, 2)  # (B, C, F, H, W)
        seen = nn.functional.group_norm(video, norm.num_groups, norm.weight, norm.bias, norm.eps)
        return seen.transpose(1, 2).flatten(0, 1)

    norms = [m for m in unet.modules() if isinstance(m, nn.GroupNorm) and m.eps == 1e-5]
    for norm in norms:
        norm.forward = forward.__get__(norm)
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


@KINDS
def test_everything_comes_back(host: Host, kind: MotionSpec) -> None:
    x, before = clip(4), state(host.unet)
    plain = host(x)
    run(host, lively(spec(kind)), x, 4)
    assert state(host.unet) == before
    assert torch.equal(host(x), plain)


@KINDS
def test_everything_comes_back_after_an_exception(host: Host, kind: MotionSpec) -> None:
    x, before = clip(4), state(host.unet)
    plain = host(x)
    with (
        pytest.raises(RuntimeError, match="half way"),
        attached(host.unet, lively(spec(kind))) as handle,
        handle.frames(4),
    ):
        host(x)
        raise RuntimeError("half way")
    assert state(host.unet) == before
    assert torch.equal(host(x), plain)


@KINDS
def test_everything_comes_back_after_an_exception_in_the_unet(host: Host, kind: MotionSpec) -> None:
    x, before = clip(4), state(host.unet)
    plain = host(x)
    with pytest.raises(BadRequest, match=r"4 does not fit the call: the UNet got 6 rows"):
        run(host, lively(spec(kind)), clip(6), 4)
    assert state(host.unet) == before
    assert torch.equal(host(x), plain)


@KINDS
def test_a_strangers_hooks_stay_and_see_the_usual_shapes(host: Host, kind: MotionSpec) -> None:
    x, layers = clip(4), [m for m in host.unet.modules() if isinstance(m, nn.GroupNorm)]
    seen: list[tuple[int, ...]] = []

    def look(_layer: nn.Module, _args: Any, output: Tensor) -> None:
        seen.append(tuple(output.shape))

    def look_before(_layer: nn.Module, args: tuple[Tensor, ...]) -> None:
        seen.append(tuple(args[0].shape))

    strangers = [layer.register_forward_hook(look) for layer in layers]
    strangers += [layer.register_forward_pre_hook(look_before) for layer in layers]
    try:
        before, plain = state(host.unet), host(x)
        shapes, seen[:] = list(seen), []
        run(host, lively(spec(kind)), x, 4)
        assert seen == shapes
        assert state(host.unet) == before
        assert torch.equal(host(x), plain)
    finally:
        for stranger in strangers:
            stranger.remove()


def test_a_stranger_may_come_while_attached_and_stay(host: Host) -> None:
    layer, calls = residual_norms(host.unet)[0], []
    with attached(host.unet, lively(spec(V1))):
        stranger = layer.register_forward_hook(lambda *_: calls.append(1))
        assert len(layer._forward_hooks) == 2
    assert list(layer._forward_hooks) == [stranger.id]
    host(clip(1))
    assert calls
    stranger.remove()


def test_nested_calls_have_their_own_frames(host: Host) -> None:
    motion, x = lively(spec()), clip(4)
    with attached(host.unet, motion) as handle, handle.frames(4):
        four = host(x)
        with handle.frames(2):
            two = host(x)
        assert torch.equal(host(x), four)
    assert torch.allclose(two, run(host, motion, x, 2))
    assert not torch.allclose(two, four, atol=1e-4)


def test_two_motions_do_not_mix_their_frames(host: Host) -> None:
    x = clip(4)
    first, second = lively(spec()), lively(spec(V3), seed=5)
    alone = run(host, first, x, 4)
    with attached(host.unet, first) as one, attached(host.unet, second) as two:
        with one.frames(4):
            assert torch.equal(host(x), alone)
        with one.frames(4), two.frames(2):
            assert not torch.allclose(host(x), alone, atol=1e-3)


def test_other_threads_pass_untouched(host: Host) -> None:
    x, found = clip(3), []
    plain = host(x)
    with attached(host.unet, lively(spec())) as handle, handle.frames(4):
        thread = threading.Thread(target=lambda: found.append(host(x)))
        thread.start()
        thread.join()
    assert torch.equal(found[0], plain)


def test_positions_of_a_window_start_at_zero_unless_told(host: Host) -> None:
    motion, x = lively(spec()), clip(4)
    with attached(host.unet, motion) as handle:
        with handle.frames(4):
            usual = host(x)
        with handle.frames(4, positions=range(4)):
            assert torch.equal(host(x), usual)
        with handle.frames(4, positions=[8, 9, 10, 11]):
            assert not torch.allclose(host(x), usual, atol=1e-5)


@pytest.mark.parametrize(("count", "positions"), [(0, None), (33, None), (2, [0]), (2, [0, 32])])
def test_frames_beyond_the_positions_are_refused(count: int, positions: list[int] | None) -> None:
    told = pytest.raises(BadRequest, match=r"positions 0 to 31\. Use windows of 1 to 32 frames")
    with told, Handle(spec()).frames(count, positions):
        pass


def test_a_motion_of_another_family_is_refused_before_anything_is_touched(host: Host) -> None:
    before = state(host.unet)
    told = pytest.raises(BadRequest, match=r"SDXL, 15 .*has 20 places and 32/32/64/64 channels")
    with told, attached(host.unet, Motion(spec(SDXL_BETA))):
        pytest.fail("the motion does not fit")
    assert state(host.unet) == before


def test_a_motion_of_other_widths_is_refused(host: Host) -> None:
    told = pytest.raises(BadRequest, match=r"32/64/64/64 channels.*has 21 places and 32/32/64/64")
    with told, attached(host.unet, Motion(spec(channels=(32, 64, 64, 64)))):
        pytest.fail("the motion does not fit")


def test_sdxl_motion_moves_an_sdxl_unet(xl_host: Host) -> None:
    x = clip(4)
    assert torch.equal(run(xl_host, Motion(spec(SDXL_BETA)), x, 4), xl_host(x))
    assert not torch.allclose(run(xl_host, lively(spec(SDXL_BETA)), x, 4), xl_host(x), atol=1e-3)


def test_gradients_flow_to_the_motion_through_the_unet(host: Host) -> None:
    motion = lively(spec(V1))
    with attached(host.unet, motion) as handle, handle.frames(2):
        context = torch.zeros(4, 5, 16)
        host.call(clip(4), torch.full((4,), 10), context).square().mean().backward()
    host.unet.zero_grad()
    assert all(p.grad is not None for p in motion.parameters())


VIEWS = Viewing(context=4, overlap=2, method="standard_static")


def viewed(host: Host, motion: Motion, x: Tensor, frames: int, views: tuple[Window, ...]) -> Tensor:
    with attached(host.unet, motion) as handle, handle.frames(frames, views=views):
        return host(x)


@KINDS
def test_a_view_of_the_whole_clip_is_no_view_bit_for_bit(host: Host, kind: MotionSpec) -> None:
    motion, x = lively(spec(kind)), clip(8)
    whole = plan(4, VIEWS).at(0)
    assert torch.equal(viewed(host, motion, x, 4, whole), run(host, motion, x, 4))


@KINDS
def test_a_new_motion_changes_nothing_in_views_bit_for_bit(host: Host, kind: MotionSpec) -> None:
    new, x = Motion(spec(kind, cross_frame_norm=False)), clip(7)
    assert torch.equal(viewed(host, new, x, 7, plan(7, VIEWS).at(0)), host(x))


def test_views_apart_are_clips_apart(host: Host) -> None:
    motion, x = lively(spec()), clip(8, side=16)
    views = plan(8, Viewing(context=4)).at(0)
    one_by_one = torch.cat([run(host, motion, part, 4) for part in x.split(4)])
    assert near(viewed(host, motion, x, 8, views), one_by_one)


def test_views_of_several_clips_in_one_call_are_as_many_calls(host: Host) -> None:
    motion, x = lively(spec()), clip(14, side=16)
    views = plan(7, VIEWS).at(0)
    one_by_one = torch.cat([viewed(host, motion, part, 7, views) for part in x.split(7)])
    assert near(viewed(host, motion, x, 7, views), one_by_one)


def test_a_temporal_layer_averages_its_views_by_weight() -> None:
    [(_, layer), *_] = lively(spec()).transformers()
    x = torch.randn(6, layer.channels, 2, 2)
    views = plan(6, VIEWS).at(0)
    expected = x.clone()
    for view in views:
        moved = layer(x[list(view.frames)], len(view.frames)) - x[list(view.frames)]
        expected[list(view.frames)] += torch.tensor(view.weights)[:, None, None, None] * moved
    assert torch.allclose(layer(x, 6, views=views), expected, atol=1e-5)


def test_views_carry_a_clip_past_the_position_table(host: Host) -> None:
    motion, x = lively(spec(positions=4)), clip(9)
    with attached(host.unet, motion) as handle:
        with pytest.raises(BadRequest, match="Context length: 9 cannot be seen at once"):
            handle.frames(9).__enter__()
        with handle.frames(9, views=plan(9, VIEWS).at(0)):
            moved = host(x)
        too_long = plan(9, Viewing(context=5)).at(0)
        with pytest.raises(BadRequest, match="Context length: 5 cannot be seen at once"):
            handle.frames(9, views=too_long).__enter__()
    assert moved.isfinite().all()
    assert not torch.allclose(moved, host(x), atol=1e-3)


def test_views_that_are_not_of_the_clip_are_refused(host: Host) -> None:
    views = plan(8, VIEWS).at(0)
    with attached(host.unet, lively(spec())) as handle:
        for count, positions in ((9, None), (7, None), (8, range(8))):
            with pytest.raises(ValueError, match="views cover a clip"):
                handle.frames(count, positions, views).__enter__()


def shared(host: Host, motion: Motion, x: Tensor, shares: tuple[float, ...]) -> Tensor:
    with attached(host.unet, motion) as handle, handle.frames(4, shares=shares):
        return host(x)


def test_shares_of_one_are_none_and_of_zero_no_motion_bit_for_bit(host: Host) -> None:
    motion, x = lively(spec()), clip(8)
    assert torch.equal(shared(host, motion, x, (1, 1, 1, 1)), run(host, motion, x, 4))
    assert torch.equal(shared(host, motion, x, (0, 0, 0, 0)), host(x))


def test_a_share_scales_what_a_layer_adds_to_its_frame(host: Host) -> None:
    """Frame 1 of each clip twice as much, frame 3 not at all."""
    motion, shares, seen = lively(spec()), (1.0, 2.0, 0.5, 0.0), []
    name, transformer = next(motion.transformers())
    layer = places(host.unet)[name]

    def look(_layer: nn.Module, _args: Any, output: Any) -> None:
        seen.append(output if isinstance(output, Tensor) else output[0])

    hooks = [layer.register_forward_hook(look)]
    with attached(host.unet, motion) as handle, handle.frames(4, shares=shares):
        hooks.append(layer.register_forward_hook(look))
        host(clip(8))
    for hook in hooks:
        hook.remove()
    before, after = seen
    factors = torch.tensor(shares).repeat(2).view(-1, 1, 1, 1)
    expected = before + factors * (transformer(before, 4) - before)
    assert torch.allclose(after, expected, atol=1e-5)
    assert torch.equal(after[3::4], before[3::4])


def test_shares_that_are_not_of_the_clip_are_refused() -> None:
    with pytest.raises(ValueError, match="3 shares for 4 frames"):
        Handle(spec()).frames(4, shares=(1, 2, 1)).__enter__()
