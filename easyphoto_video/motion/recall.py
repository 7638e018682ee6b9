"""A UNet whose deep layers are computed in some steps and recalled in between, inside a `with`.

    with recalling(unet, every=3) as recall:
        with recall.seeing(frames=range(16), step=4):
            unet(x, ...)  # rows of x: the 16 frames of a clip, then those of the next
        unet(y, ...)      # not ours, so as if nothing were here

What a UNet's deep layers say changes little from one step to the next (DeepCache, arXiv
2312.00858). Only the first and the last layers, between which the widest skip connection lies, are
computed in every step. What the deep ones handed to them is kept for each frame of each condition,
so windows may lie elsewhere in every step. With `every` 1 nothing is touched.

A hook can change what a layer says but cannot spare the saying: here each deep layer has a
`forward` of its own while the `with` lasts, which by identity is the one that is taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from easyphoto_video.motion.attach import Call, pictures_in
from easyphoto_video.motion.places import deep_layers

FORWARD = "forward"

_calls: ContextVar[Mapping[Recall, _Seen]] = ContextVar("recalls", default=MappingProxyType({}))


class _Seen:
    """What the calls of the UNet for one window hold, as they come."""

    def __init__(self, frames: Sequence[int], is_whole: bool) -> None:
        self.frames = frames
        self.is_whole = is_whole
        self.recalls = False
        """Whether the call that is running leaves the deep layers out."""
        self.keys: list[tuple[int, int]] = []
        """Condition and frame of each of its rows."""
        self._rows = 0

    def begin(self, rows: int, kept: Mapping[tuple[int, int], Tensor]) -> None:
        """A call of so many rows; raises BadRequest unless they are whole clips."""
        count = len(self.frames)
        Call(count).check(rows)
        places = range(self._rows, self._rows + rows)
        self.keys = [(place // count, self.frames[place % count]) for place in places]
        self._rows += rows
        self.recalls = not self.is_whole and all(key in kept for key in self.keys)


class Recall:
    """What `recalling` yields: says which calls of the UNet are which frames at which step."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._deep: frozenset[nn.Module] = frozenset()
        self._whole: int | None = None
        """The last step in which everything was computed."""
        self._kept: dict[tuple[int, int], Tensor] = {}
        """What the deep layers hand on, of each condition and frame."""

    @contextmanager
    def seeing(self, frames: Sequence[int], step: int) -> Iterator[None]:
        """Inside, calls of the UNet in this thread hold these frames once for each condition.

        All conditions may come in one call or one after the other, in the same order in every
        step. A frame that is not known yet is computed in any step.
        """
        whole = self._whole
        if whole is None or not whole < step < whole + self._every:
            self._whole = whole = step
        token = _calls.set({**_calls.get(), self: _Seen(frames, whole == step)})
        try:
            yield
        finally:
            _calls.reset(token)

    def rests(self, layer: nn.Module) -> bool:
        """Whether the running call leaves this layer out; what stands behind it rests as well."""
        seen = self.seen
        return seen is not None and seen.recalls and layer in self._deep

    @property
    def seen(self) -> _Seen | None:
        """What is running in this context, None when it is not ours."""
        return _calls.get().get(self)

    @contextmanager
    def inside(self, unet: nn.Module, layers: Sequence[nn.Module]) -> Iterator[None]:
        """These layers of the UNet, in order, are recalled until the `with` ends."""
        self._deep = frozenset(layers)
        with ExitStack() as held:
            held.callback(self._kept.clear)
            begin = unet.register_forward_pre_hook(self._begin, with_kwargs=True)
            held.callback(begin.remove)
            for layer in layers:
                held.enter_context(self._covered(layer, is_last=layer is layers[-1]))
            yield

    def _begin(self, _unet: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        if (seen := self.seen) is not None:
            seen.begin(len(pictures_in(args, named)), self._kept)

    @contextmanager
    def _covered(self, layer: nn.Module, *, is_last: bool) -> Iterator[None]:
        """The layer is not computed in a call that recalls; only what the last one says is kept."""
        said: list[Any] = []

        def keep(_layer: nn.Module, _args: Any, output: Any) -> None:
            seen = self.seen
            if seen is None or seen.recalls:
                return
            said[:] = [_mapped(output, _sized)]
            if is_last:
                self._kept.update(zip(seen.keys, _tensor(output), strict=True))

        def recalled() -> Any:
            seen = self.seen
            assert seen is not None
            if is_last:
                rows = torch.stack([self._kept[key] for key in seen.keys])
                return _mapped(said[0], lambda _: rows)
            return _mapped(said[0], lambda one: one[:1].expand(len(seen.keys), *one.shape[1:]))

        with _forward(layer, self.rests, recalled):
            # Behind all hooks that are there already, so that their part is kept with it.
            hook = layer.register_forward_hook(keep)
            try:
                yield
            finally:
                hook.remove()


@contextmanager
def recalling(unet: nn.Module, every: int) -> Iterator[Recall | None]:
    """The deep layers of the UNet (diffusers' or LDM's) in every so many-th step; 1 is None."""
    if every == 1:
        yield None
        return
    recall = Recall(every)
    with recall.inside(unet, deep_layers(unet)):
        yield recall


@contextmanager
def _forward(
    layer: nn.Module, rests: Callable[[nn.Module], bool], instead: Callable[[], Any]
) -> Iterator[None]:
    """A forward before the layer's own, which another's, put there meanwhile, outlives."""
    own, compute = layer.__dict__.get(FORWARD), layer.forward

    def forward(*args: Any, **named: Any) -> Any:
        return instead() if rests(layer) else compute(*args, **named)

    setattr(layer, FORWARD, forward)
    try:
        yield
    finally:
        if layer.__dict__.get(FORWARD) is forward:
            delattr(layer, FORWARD) if own is None else setattr(layer, FORWARD, own)


def _tensor(output: Any) -> Tensor:
    return output if isinstance(output, Tensor) else output[0]


def _mapped(output: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A tensor, or the tensors of a nest of tuples, changed; a model's output object too."""
    if isinstance(output, Tensor):
        return change(output)
    if isinstance(output, tuple):
        return tuple(_mapped(one, change) for one in output)
    return type(output)(_mapped(one, change) for one in output.to_tuple())


def _sized(tensor: Tensor) -> Tensor:
    """As large as the tensor, with memory for one number: what it held is asked by nobody."""
    return tensor.new_zeros(()).expand(tensor.shape)
