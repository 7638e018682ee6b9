"""What EchoMimic hangs into the attentions of a UNet, by forward hooks alone.

Reference attention (as in AnimateAnyone, arXiv 2311.17117): a second UNet sees the reference once,
and what its blocks see before their self-attention stands beside the keys and values of the blocks
of the same name. Audio attention: the cross-attention reads the voice instead of a text, and counts
threefold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadRequest
from easyphoto_video.motion.places import places
from easyphoto_video.talk.call import Telling

LOUDNESS = 3.0
"""How much the audio attention counts in EchoMimic; its paper does not tell."""

Bank = Mapping[str, Tensor]
"""What the reference's blocks saw, by their names: (1, tokens, channels)."""


def blocks(unet: nn.Module) -> dict[str, Any]:
    """The transformer blocks of a UNet, diffusers' or LDM's, by diffusers' names.

    Raises BadRequest when it is neither.
    """
    found: dict[str, Any] = {}
    for name, layer in places(unet).items():
        stem = name.replace("motion_modules", "attentions")
        inner: Any = getattr(layer, "transformer_blocks", ())
        found |= {f"{stem}.transformer_blocks.{i}": block for i, block in enumerate(inner)}
    return found


@contextmanager
def recorded(unet: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Fills with what the blocks see before their self-attention, once the UNet is called."""
    bank: dict[str, Tensor] = {}
    with ExitStack() as hooks:
        for name, block in blocks(unet).items():
            hooks.callback(block.norm1.register_forward_hook(_recording(bank, name)).remove)
        yield bank


def _recording(bank: dict[str, Tensor], name: str) -> Callable[..., None]:
    def hook(_norm: nn.Module, _args: Any, output: Tensor) -> None:
        bank[name] = output.detach()

    return hook


@contextmanager
def referring(unet: nn.Module, bank: Bank, telling: Telling) -> Iterator[None]:
    """Until the `with` ends, told rows of a call attend to the reference as well.

    Raises BadRequest before anything is touched when the bank is of another UNet.
    """
    there = blocks(unet)
    if there.keys() != bank.keys():
        raise BadRequest(
            "Reference network",
            f"{len(bank)} blocks",
            f"does not fit the denoising network, which has {len(there)}",
            "Choose two files of the same model.",
        )
    with ExitStack() as hooks:
        for name, block in there.items():
            hook = _beside(bank[name], telling)
            handle = block.attn1.register_forward_pre_hook(hook, with_kwargs=True)
            hooks.callback(handle.remove)
        yield


def _beside(seen: Tensor, telling: Telling) -> Callable[..., Any]:
    def hook(
        _attention: nn.Module, args: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        call = telling.call
        if call is None or not any(call.told):
            return None
        x, *rest = args
        call.check(len(x))
        # Keys that come twice change nothing, so those who are not told get their own once more.
        beside = [
            seen.to(x).expand(len(own), -1, -1) if told else own
            for own, told in zip(x.chunk(len(call.told)), call.told, strict=True)
        ]
        both = torch.cat([x, torch.cat(beside)], dim=1)
        if rest:
            return (x, both, *rest[1:]), named
        name = "context" if "context" in named else "encoder_hidden_states"  # LDM's, diffusers'
        return (x,), {**named, name: both}

    return hook


@contextmanager
def voiced(unet: nn.Module, telling: Telling, loudness: float = LOUDNESS) -> Iterator[None]:
    """Until the `with` ends, the cross-attentions of our calls count `loudness` times."""

    def louder(_attention: nn.Module, _args: Any, output: Tensor) -> Tensor | None:
        return None if telling.call is None else loudness * output

    with ExitStack() as hooks:
        for block in blocks(unet).values():
            # First after the layer, so that others see what the block gets.
            hooks.callback(block.attn2.register_forward_hook(louder, prepend=True).remove)
        yield
