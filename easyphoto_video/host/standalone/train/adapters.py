"""LoRA while it is learnt: small layers beside those of a network, in by hooks and out again.

Low-rank adaptation (Hu et al., 2021, arXiv 2106.09685) in kohya's names and places: the linear and
1x1 layers of the UNet's transformers, and the text encoder's attention and MLP.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

UNET, TEXT = "lora_unet_", "lora_te_"
TRANSFORMER = "attentions"
TEXT_PARTS = ("self_attn", "mlp")


class Adapter(nn.Module):
    """What one layer learns: up(down(x)) * scale; nothing at first."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, rank: int, scale: float) -> None:
        super().__init__()
        self.is_conv = isinstance(layer, nn.Conv2d)
        inputs, outputs = layer.weight.shape[1], layer.weight.shape[0]
        rank = min(rank, inputs, outputs)
        self.down = nn.Parameter(torch.empty(rank, inputs))
        self.up = nn.Parameter(torch.zeros(outputs, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """What is added to the layer's output."""
        if not self.is_conv:
            return (x.to(self.down.dtype) @ self.down.T @ self.up.T) * self.scale
        down, up = self.down[..., None, None], self.up[..., None, None]
        x = nn.functional.conv2d(x.to(self.down.dtype), down)
        return nn.functional.conv2d(x, up) * self.scale

    def tensors(self) -> dict[str, Tensor]:
        """In kohya's names below the layer's."""
        shape = (..., None, None) if self.is_conv else (...,)
        return {
            "lora_down.weight": self.down.detach()[shape],
            "lora_up.weight": self.up.detach()[shape],
            "alpha": torch.tensor(self.scale * len(self.down)),
        }


class Adapters(nn.Module):
    """The adapters of a UNet and a text encoder; `scale` is alpha / rank."""

    def __init__(self, unet: nn.Module, text_encoder: nn.Module, rank: int, scale: float) -> None:
        super().__init__()
        self.unet = nn.ModuleDict(_beside(unet_layers(unet), rank, scale))
        self.text = nn.ModuleDict(_beside(text_layers(text_encoder), rank, scale))

    @contextmanager
    def attached(self, unet: nn.Module, text_encoder: nn.Module) -> Iterator[None]:
        """While it lasts, both networks draw with what was learnt so far."""
        with ExitStack() as hooks:
            for layers, own in (
                (unet_layers(unet), self.unet),
                (text_layers(text_encoder), self.text),
            ):
                for name, layer in layers.items():
                    handle = layer.register_forward_hook(_adding(own[name]))
                    hooks.callback(handle.remove)
            yield

    def state(self) -> dict[str, Tensor]:
        """A LoRA file's tensors, float16."""
        return {
            f"{layer}.{part}": tensor.to("cpu", torch.float16).contiguous()
            for layer, adapter in self._all()
            for part, tensor in adapter.tensors().items()
        }

    def fill(self, state: Mapping[str, Tensor]) -> None:
        """Take over a LoRA file's tensors, of the same shapes."""
        with torch.no_grad():
            for layer, adapter in self._all():
                adapter.down.copy_(state[f"{layer}.lora_down.weight"].flatten(1))
                adapter.up.copy_(state[f"{layer}.lora_up.weight"].flatten(1))

    def _all(self) -> Iterator[tuple[str, Adapter]]:
        for prefix, own in ((UNET, self.unet), (TEXT, self.text)):
            for name, adapter in own.items():
                assert isinstance(adapter, Adapter)
                yield prefix + name, adapter


def unet_layers(unet: nn.Module) -> dict[str, nn.Linear | nn.Conv2d]:
    """The layers of the transformers by kohya's name."""
    return {
        name.replace(".", "_"): layer
        for name, layer in unet.named_modules()
        if TRANSFORMER in name and isinstance(layer, (nn.Linear, nn.Conv2d)) and _is_flat(layer)
    }


def text_layers(text_encoder: nn.Module) -> dict[str, nn.Linear | nn.Conv2d]:
    """The attention's and the MLP's layers by kohya's name."""
    found: dict[str, nn.Linear | nn.Conv2d] = {}
    for name, layer in text_encoder.named_modules():
        if any(part in name for part in TEXT_PARTS) and isinstance(layer, nn.Linear):
            # transformers dropped the level `text_model` in 5.6; the files keep it.
            found["text_model_" + name.removeprefix("text_model.").replace(".", "_")] = layer
    return found


def _is_flat(layer: nn.Linear | nn.Conv2d) -> bool:
    return isinstance(layer, nn.Linear) or layer.kernel_size == (1, 1)


def _beside(
    layers: Mapping[str, nn.Linear | nn.Conv2d], rank: int, scale: float
) -> dict[str, nn.Module]:
    return {name: Adapter(layer, rank, scale) for name, layer in layers.items()}


def _adding(adapter: nn.Module) -> Any:
    def hook(_layer: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> Tensor:
        return out + adapter(given[0]).to(out.dtype)

    return hook
