"""What other extensions left in the host's model, which our run must not hear.

ControlNet, IP-Adapter, Hypertile, Tiled VAE and others put functions of their own in the place of
a module's `forward` and take them out when a picture is done: not when it failed, and some only at
the next one. The host's own txt2img calls them before it begins; a run of ours does not, and would
compute with the last picture's. So they are put away for as long as ours lasts, and put back after:
they find what they left, and take it out themselves. Hooks are left as they are; those are asked by
whoever comes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from easyphoto_video.errors import BadRequest

PLACES = ("forward", "_forward", "apply_model")
"""What is replaced on instances: of any module, of an LDM transformer block, of the whole model."""
BLOCKS = ("input_blocks", "middle_block", "output_blocks")
log = logging.getLogger("easyphoto_video")


@contextmanager
def put_away(model: nn.Module) -> Iterator[None]:
    """Until the `with` ends, every module of the model computes as its class does.

    What stood on the instances is there again after, the same objects; where somebody has put
    another there meanwhile, that one stays.
    """
    taken = [
        (module, place, module.__dict__[place])
        for module in model.modules()
        for place in PLACES
        if place in module.__dict__ and not _is_own(module, place)
    ]
    if taken:
        log.info("put away for the clip: %s", ", ".join(sorted({_name(one[2]) for one in taken})))
    try:
        for module, place, _ in taken:
            del module.__dict__[place]
        yield
    finally:
        for module, place, stood in taken:
            module.__dict__.setdefault(place, stood)


def check_blocks(unet: nn.Module) -> None:
    """Raise BadRequest when somebody else's layers stand between those of an LDM UNet.

    They cannot be put away, as nobody but who put them there knows what they stand for.
    """
    own = {_package(type(unet)), "torch"}
    for part in BLOCKS:
        for layer in _layers(getattr(unet, part, ())):
            if _package(type(layer)) not in own:
                raise BadRequest(
                    "Checkpoint",
                    f"{type(layer).__module__}.{type(layer).__name__}",
                    "was left in the WebUI's UNet by another extension, whose last run failed",
                    "Restart the WebUI.",
                )


def _layers(blocks: Any) -> Iterator[nn.Module]:
    for block in blocks:
        yield block
        if isinstance(block, nn.Sequential):
            yield from block


def _is_own(module: nn.Module, place: str) -> bool:
    """Whether what stands there is what the class says anyway, as ControlNet leaves it."""
    stood = module.__dict__[place]
    is_bound = getattr(stood, "__self__", None) is module
    return is_bound and stood.__func__ is getattr(type(module), place, None)


def _name(call: Any) -> str:
    """For people: the module it was written in, and its name there."""
    named = call if hasattr(call, "__qualname__") else type(call)
    return f"{named.__module__}.{named.__qualname__}"


def _package(kind: type) -> str:
    return kind.__module__.split(".")[0]
