"""What networks are built like, read from the names and shapes of their tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

Tensors = Mapping[str, Tensor]


class Misfit(ValueError):
    """The tensors are not those of a network that can be built; the message says what is odd."""


def under(tensors: Tensors, prefix: str) -> dict[str, Tensor]:
    """Those behind a prefix, without it."""
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def shape_of(tensors: Tensors, name: str) -> torch.Size:
    """Raises Misfit where it is missing or has no dimensions."""
    if name not in tensors or not tensors[name].ndim:
        raise Misfit(f"it is not whole: it has no {name}")
    return tensors[name].shape


def size(tensors: Tensors, name: str) -> int:
    """How many rows a tensor has. Raises Misfit."""
    return shape_of(tensors, name)[0]


def count(tensors: Tensors, pattern: str) -> int:
    """One more than the highest number that `pattern` finds at the names' beginning."""
    return 1 + max((int(m[1]) for name in tensors if (m := re.match(pattern, name))), default=-1)


def widths(tensors: Tensors, blocks: str) -> tuple[int, ...]:
    """What each of some numbered blocks gives. Raises Misfit."""
    number = count(tensors, rf"{re.escape(blocks)}\.(\d+)\.")
    return tuple(size(tensors, f"{blocks}.{i}.conv.weight") for i in range(number))


def hourglass(tensors: Tensors) -> tuple[int, ...]:
    """What its last block gives, then what each block on the way down gives. Raises Misfit."""
    down, up = (widths(tensors, blocks) for blocks in ("encoder.down_blocks", "decoder.up_blocks"))
    if not down or len(down) != len(up):
        raise Misfit(f"it has an hourglass of {len(down)} blocks down and {len(up)} up")
    return up[-1], *down


def fill(model: nn.Module, tensors: Tensors) -> None:
    """Give a model, built on the device "meta", its tensors; nothing is copied.

    Counts of batches may be missing, since nobody needs them. Raises Misfit.
    """
    wanted = model.state_dict()
    counted = {name: torch.tensor(0) for name in wanted if name.endswith(".num_batches_tracked")}
    tensors = {**counted, **tensors}
    odd = [
        name for name, t in wanted.items() if name not in tensors or tensors[name].shape != t.shape
    ]
    odd += [name for name in tensors if name not in wanted]
    if odd:
        found = tuple(tensors[odd[0]].shape) if odd[0] in tensors else "missing"
        raise Misfit(
            f"it is not whole: {len(odd)} of its tensors are missing or do not belong, such as "
            f"{odd[0]} ({found})"
        )
    model.load_state_dict(tensors, assign=True)
    model.requires_grad_(False).eval()
