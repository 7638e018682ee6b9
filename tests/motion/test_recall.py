"""Deep layers are computed in every so many-th step, for each frame, and all is as before after."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadRequest
from easyphoto_video.motion.attach import attached, nowhere
from easyphoto_video.motion.places import deep_layers, places
from easyphoto_video.motion.recall import Recall, recalling
from easyphoto_video.motion.spec import V1, V2, MotionSpec
from tests.motion.small import Host, clip, lively, near, spec
from tests.motion.test_attach import state

FOUR = range(4)
CLOSE = 1e-4


@contextmanager
def counted(host: Host) -> Iterator[list[nn.Module]]:
    """The spatial layers inside that are computed, as they are."""
    done: list[nn.Module] = []
    with ExitStack() as held:
        for place in places(host.unet).values():
            inner = next(iter(place.children()))
            held.callback(inner.register_forward_hook(lambda one, *_: done.append(one)).remove)
        yield done


def seen(host: Host, recall: Recall | None, x: Tensor, step: int, frames: Any = FOUR) -> Tensor:
    assert recall is not None
    with recall.seeing(frames, step):
        return host(x)


@contextmanager
def moving(host: Host, kind: MotionSpec, every: int) -> Iterator[Any]:
    """A call of the UNet with motion inside: x, the step -> what it says."""
    with attached(host.unet, lively(spec(kind))) as handle, recalling(host.unet, every) as recall:

        def call(x: Tensor, step: int) -> Tensor:
            with ExitStack() as held:
                if recall is not None:
                    held.enter_context(recall.seeing(FOUR, step))
                rests = nowhere if recall is None else recall.rests
                held.enter_context(handle.frames(4, rests=rests))
                return host(x)

        yield call


@pytest.mark.parametrize("kind", [V1, V2], ids=lambda kind: kind.name)
def test_of_the_same_clip_the_same_is_recalled_bit_for_bit(host: Host, kind: MotionSpec) -> None:
    x = clip(8)
    with moving(host, kind, 1) as call:
        exact = call(x, 0)
    with moving(host, kind, 3) as call, counted(host) as done:
        assert torch.equal(call(x, 0), exact)
        every = len(done)
        for step in (1, 2):
            done.clear()
            assert torch.equal(call(x, step), exact)
            assert 0 < len(done) < every / 4


def test_each_third_step_is_exact_and_those_between_follow(host: Host) -> None:
    clips = [clip(4, seed=seed) for seed in range(5)]
    with moving(host, V2, 1) as call:
        exact = [call(x, step) for step, x in enumerate(clips)]
    with moving(host, V2, 3) as call:
        found = [call(x, step) for step, x in enumerate(clips)]
        again = call(clips[1], 0)  # another pass begins
    whole = [torch.equal(one, other) for one, other in zip(found, exact, strict=True)]
    assert whole == [True, False, False, True, False]
    assert not near(found[1], found[0], 0.01)
    assert torch.equal(again, exact[1])


def test_conditions_may_come_one_after_the_other(host: Host) -> None:
    before, after = clip(8, side=16), clip(8, seed=1, side=16)
    with recalling(host.unet, 2) as recall:
        seen(host, recall, before, 0)
        together = seen(host, recall, after, 1)
    with recalling(host.unet, 2) as recall:
        assert recall is not None
        found = []
        for step, x in enumerate((before, after)):
            with recall.seeing(FOUR, step):
                found.append(torch.cat([host(half) for half in x.chunk(2)]))
    assert near(found[1], together, CLOSE)


def test_windows_may_lie_elsewhere_and_a_new_frame_is_computed(host: Host) -> None:
    x = clip(6, side=16)
    exact = host(x)
    with recalling(host.unet, 9) as recall:
        for rows in ([0, 1, 2], [2, 3, 4]):
            seen(host, recall, x[rows], 0, rows)
        with counted(host) as done:
            assert near(seen(host, recall, x[[1, 2, 3]], 1, [1, 2, 3]), exact[1:4], CLOSE)
            few = len(done)
            assert near(seen(host, recall, x[[3, 4, 5]], 2, [3, 4, 5]), exact[3:], CLOSE)
            assert len(done) > 2 * few


def test_every_step_touches_nothing_and_calls_of_others_pass(host: Host) -> None:
    x, before = clip(4), state(host.unet)
    exact = host(x)
    with recalling(host.unet, 1) as recall:
        assert recall is None
        assert state(host.unet) == before
    with recalling(host.unet, 4) as recall:
        seen(host, recall, clip(4, seed=3), 0)
        assert torch.equal(host(x), exact)
        assert not torch.equal(seen(host, recall, x, 1), exact)
    assert state(host.unet) == before
    assert torch.equal(host(x), exact)


def test_it_leaves_all_as_it_was_beside_a_stranger_and_after_an_error(host: Host) -> None:
    layer, other = deep_layers(host.unet)[1:3]
    compute, exact = layer.forward, host(clip(4))

    def strangers(*args: Any, **named: Any) -> Any:
        return compute(*args, **named)

    layer.forward = strangers
    before = state(host.unet)
    with pytest.raises(ZeroDivisionError), recalling(host.unet, 2) as recall:
        seen(host, recall, clip(4), 0)
        raise ZeroDivisionError
    assert state(host.unet) == before
    with recalling(host.unet, 2):
        ours = other.forward
        other.forward = lambda *args, **named: ours(*args, **named)
        theirs = other.forward
    assert other.forward is theirs
    assert torch.equal(host(clip(4)), exact)
    del other.forward, layer.forward


def test_a_unet_called_by_keyword_is_recalled_too(host: Host) -> None:
    x, unet = clip(4), host.unet

    def by_keyword(_module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        return (), {**dict(zip(names, args, strict=False)), **named}

    names = list(inspect.signature(type(unet).forward).parameters)[1:]
    with recalling(unet, 3) as recall:
        exact = seen(host, recall, x, 0)
        found = seen(host, recall, x, 1)
    # Prepended, so that ours sees what a caller by keyword would give.
    with ExitStack() as held, recalling(unet, 3) as recall:
        hook = unet.register_forward_pre_hook(by_keyword, prepend=True, with_kwargs=True)
        held.callback(hook.remove)
        assert torch.equal(seen(host, recall, x, 0), exact)
        assert torch.equal(seen(host, recall, x, 1), found)


def test_rows_that_are_no_whole_clips_are_refused(host: Host) -> None:
    with recalling(host.unet, 2) as recall, pytest.raises(BadRequest, match="no multiple"):
        seen(host, recall, clip(5), 0)
