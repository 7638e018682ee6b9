"""A Motion inside somebody else's UNet, for as long as a `with` lasts, by forward hooks alone.

    with attached(unet, motion) as handle:
        with handle.frames(16):
            unet(x, ...)  # rows of x: the 16 frames of a clip, then those of the next
    with handle.frames(64, views=plan(64, Viewing()).at(step)):
        unet(z, ...)  # the UNet sees all 64, the motion at most 16 of them together
        unet(y, ...)      # no frames, so as if nothing were attached

No module is wrapped, moved or replaced, so weights loaded or LoRAs merged meanwhile find the UNet
they know. The frames travel with the call (a context variable): threads and nested calls do not
see each other's, and a call that is not ours passes bit for bit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadRequest
from easyphoto_video.motion.module import Motion, TemporalTransformer
from easyphoto_video.motion.places import places, residual_norms, width
from easyphoto_video.motion.spec import MotionSpec
from easyphoto_video.motion.windows import Window

Rests = Callable[[nn.Module], bool]


def nowhere(_layer: nn.Module) -> bool:
    """No layer rests."""
    return False


@dataclass(frozen=True)
class Call:
    """How the rows of one UNet call belong together."""

    frames: int
    positions: Tensor | None = None
    views: tuple[Window, ...] = ()
    """Windows inside the temporal layers; none is one of all frames."""
    shares: Tensor | None = None
    """(F,) a factor on what the motion adds to each frame; None is 1 everywhere."""
    rests: Rests = nowhere
    """Whether nothing is added behind a layer, since what the layer says has it already."""

    def check(self, rows: int) -> None:
        """Raises BadRequest unless the rows are whole clips."""
        if rows % self.frames:
            raise BadRequest(
                "Frames",
                self.frames,
                f"does not fit the call: the UNet got {rows} rows, which is no multiple of it",
                "Give the UNet all frames of a clip in one call, in a row, for each condition.",
            )


def pictures_in(args: Sequence[Any], named: Mapping[str, Any]) -> Tensor:
    """What a UNet is called with, by place or by whatever name: the tensor of most dimensions."""
    tensors = (x for x in (*args, *named.values()) if isinstance(x, Tensor))
    return max(tensors, key=lambda x: x.ndim)


_calls: ContextVar[Mapping[Handle, Call]] = ContextVar("calls", default=MappingProxyType({}))


class Handle:
    """What `attached` yields: says which calls of the UNet are clips."""

    def __init__(self, spec: MotionSpec) -> None:
        self.spec = spec

    @contextmanager
    def frames(
        self,
        count: int,
        positions: Sequence[int] | None = None,
        views: Sequence[Window] = (),
        shares: Sequence[float] = (),
        rests: Rests = nowhere,
    ) -> Iterator[None]:
        """Inside, every call of the UNet in this thread has k*count rows, clip after clip.

        `positions` are the marks of the frames in time; without them 0 to count-1. With `views`,
        windows that cover the clip, the temporal layers see the frames of one window at a time,
        marked by their place in it, and the rest of the UNet sees each frame once: then a clip may
        be longer than the position table, if there is memory for it. `shares` are factors on what
        the motion adds to each frame: 0 leaves it still, 1 (none given) is as trained. Behind a
        layer that `rests` nothing is added. Gradients through checkpointed layers need the
        backward pass inside too. Raises BadRequest when the motion module cannot see so many
        frames at once, ValueError when views or shares do not fit the clip.
        """
        if shares and len(shares) != count:
            raise ValueError(f"{len(shares)} shares for {count} frames")
        parts = torch.tensor(shares) if set(shares) - {1} else None
        if views:
            call = Call(count, None, self._views(count, positions, views), parts, rests)
        else:
            marks = range(count) if positions is None else positions
            self._check(count, marks)
            marked = None if positions is None else torch.tensor(positions)
            call = Call(count, marked, shares=parts, rests=rests)
        token = _calls.set({**_calls.get(), self: call})
        try:
            yield
        finally:
            _calls.reset(token)

    def _views(
        self, count: int, positions: Sequence[int] | None, views: Sequence[Window]
    ) -> tuple[Window, ...]:
        """The views if they can be seen; none when one of them is the clip as it is."""
        if positions is not None or set().union(*(v.frames for v in views)) != {*range(count)}:
            raise ValueError(f"views cover a clip of {count} frames and mark them by themselves")
        longest = max(len(view.frames) for view in views)
        self._check(longest, range(longest))
        return () if [view.frames for view in views] == [tuple(range(count))] else tuple(views)

    def _check(self, count: int, marks: Sequence[int]) -> None:
        most = self.spec.positions
        if count < 1 or len(marks) != count or not 0 <= min(marks) <= max(marks) < most:
            raise BadRequest(
                "Context length",
                count,
                f"cannot be seen at once by {self.spec.name}, which knows the positions 0 to "
                f"{most - 1}",
                f"Use windows of 1 to {most} frames.",
            )

    @property
    def call(self) -> Call | None:
        """The call that is running in this context, None when it is not ours."""
        return _calls.get().get(self)


@contextmanager
def attached(unet: nn.Module, motion: Motion) -> Iterator[Handle]:
    """Puts the motion into the UNet (diffusers' or LDM's) until the `with` ends, however it ends.

    The motion stays on its own device, which must be the UNet's when called, and computes in its
    own dtype: move it with `motion.to(...)` before. Gradients flow to it. Raises BadRequest before
    anything is touched when it does not fit.
    """
    pairs = fitted(unet, motion)
    handle = Handle(motion.spec)
    with ExitStack() as hooks:
        for layer, transformer in pairs:
            hook = layer.register_forward_hook(_moving(handle, transformer))
            hooks.callback(hook.remove)
        for norm in residual_norms(unet) if motion.spec.cross_frame_norm else ():
            # Last before and first after the norm, so that others' hooks see the usual shape.
            hooks.callback(norm.register_forward_pre_hook(_joining(handle)).remove)
            hooks.callback(norm.register_forward_hook(_parting(handle), prepend=True).remove)
        yield handle


def fitted(unet: nn.Module, motion: Motion) -> list[tuple[nn.Module, TemporalTransformer]]:
    """Each layer with the temporal transformer that goes behind it. Raises BadRequest."""
    there = places(unet)
    wanted = dict(motion.transformers())
    if not motion.spec.has_mid:
        there = {name: layer for name, layer in there.items() if not name.startswith("mid_block")}
    widths = {name: width(layer) for name, layer in there.items()}
    if widths != {name: transformer.channels for name, transformer in wanted.items()}:
        firsts = [c for name, c in widths.items() if re.fullmatch(r"down.*\.0", name)]
        raise BadRequest(
            "Motion module",
            str(motion.spec),
            f"does not fit the checkpoint, whose UNet has {len(widths)} places and "
            f"{'/'.join(map(str, firsts))} channels",
            "Choose a motion module and a checkpoint of the same family, SD1.5 or SDXL.",
        )
    return [(there[name], transformer) for name, transformer in wanted.items()]


def _moving(handle: Handle, transformer: TemporalTransformer) -> Callable[..., Any]:
    def hook(layer: nn.Module, _args: Any, output: Any) -> Any:
        call = handle.call
        if call is None or call.rests(layer):
            return None
        x = output if isinstance(output, Tensor) else output[0]
        call.check(x.shape[0])
        moved = transformer(x, call.frames, call.positions, call.views)
        if call.shares is not None:
            rows = call.shares.to(x).repeat(x.shape[0] // call.frames)
            moved = torch.lerp(x, moved, rows.view(-1, 1, 1, 1))
        if isinstance(output, Tensor):
            return moved
        return (moved, *output[1:])

    return hook


def _joining(handle: Handle) -> Callable[..., Any]:
    def hook(_norm: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        call = handle.call
        if call is None:
            return None
        x, *rest = args
        call.check(x.shape[0])
        clips = x.unflatten(0, (-1, call.frames)).transpose(1, 2)  # (B, C, F, H, W)
        return (clips.flatten(2, 3), *rest)  # (B, C, F*H, W)

    return hook


def _parting(handle: Handle) -> Callable[..., Any]:
    def hook(_norm: nn.Module, _args: Any, output: Tensor) -> Tensor | None:
        call = handle.call
        if call is None:
            return None
        clips = output.unflatten(2, (call.frames, -1)).transpose(1, 2)  # (B, F, C, H, W)
        return clips.flatten(0, 1)  # (B*F, C, H, W)

    return hook
