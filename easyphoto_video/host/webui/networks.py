"""What a LoRA that A1111's extension has loaded changes in the UNet, of whatever kind it is."""

from __future__ import annotations

from copy import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.errors import BadFile
from easyphoto_video.host.checkpoint.kinds import CHOOSE
from easyphoto_video.host.webui.facade import here
from easyphoto_video.motion.fading import Chain, Change


def changes(unet: nn.Module, network: Any, weight: float) -> dict[nn.Module, Change]:
    """What a network changes in each layer, at the weight. Raises BadFile."""
    found: dict[nn.Module, Change] = {}
    strange: list[str] = []
    for layer in unet.modules():
        name = getattr(layer, "network_layer_name", None)
        if name in network.modules:
            change = _change(layer, network.modules[name], weight)
            if change is None:
                strange.append(str(name))
            else:
                found[layer] = change
    if strange:
        raise BadFile(
            network.network_on_disk.filename,
            f"this LoRA does not fit the checkpoint: {len(strange)} of its {len(network.modules)} "
            f"changes find no layer of their size, such as {strange[0]}",
            CHOOSE["LoRA"],
        )
    return found


def _change(layer: Any, module: Any, weight: float) -> Change | None:
    """What the host's NetworkModule changes in its layer; None when it does not fit."""
    factors = _factors(module)
    if factors is None:
        rebuilt = _Rebuilt(module, weight)
        return rebuilt if rebuilt.fits(layer) else None
    down, *middle, up = factors
    down = _widened(down, layer.weight)
    if up.shape[0] != layer.weight.shape[0] or down.shape[1] != layer.weight.shape[1]:
        return None
    exact = weight * module.calc_scale() * up.float()
    return Chain(tuple(part.to(here().device) for part in (down, *middle, exact.to(up.dtype))))


def _widened(change: Tensor, weight: Tensor) -> Tensor:
    """With nothing for those channels of an inpainting model's first layer that only it has."""
    if weight.shape[1:2] == (9,) and change.shape[1:2] == (4,):
        return F.pad(change, (0, 0, 0, 0, 0, 5))
    return change


def _factors(module: Any) -> tuple[Tensor, ...] | None:
    """Down, maybe mid, and up of a plain LoRA; None for every other kind of network."""
    names = ("down_model", "mid_model", "up_model")
    models = [getattr(module, name, None) for name in names]
    is_plain = models[0] is not None and models[2] is not None
    if not is_plain or module.network.dyn_dim is not None:
        return None
    if module.dora_scale is not None or module.bias is not None:
        return None
    return tuple(model.weight.detach() for model in models if model is not None)


class _Rebuilt:
    """Any other kind, whose change the host computes as a whole: anew each time, to keep memory."""

    def __init__(self, module: Any, weight: float) -> None:
        self._module = copy(module)
        # The host's own stays at 0; the copy has a network of its own with our weight.
        self._module.network = copy(module.network)
        self._module.network.unet_multiplier = weight

    def fits(self, layer: Any) -> bool:
        """Whether the host can compute a change of the layer's size."""
        try:
            change, _ = self._parts(layer)
        except RuntimeError:
            return False
        return change.shape == layer.weight.shape

    def __call__(self, layer: Any, x: Tensor) -> Tensor:
        """See Change."""
        change, bias = self._parts(layer)
        more = None if bias is None else bias.to(x)
        return self._module.ops(x, weight=change.to(x), bias=more, **self._module.extra_kwargs)

    def _parts(self, layer: Any) -> tuple[Tensor, Tensor | None]:
        # In fp8 storage the host keeps the exact weight beside.
        exact = getattr(layer, "fp16_weight", None)
        weight = layer.weight if exact is None else exact
        with torch.no_grad():
            change, bias = self._module.calc_updown(weight)
        return _widened(change, weight), bias
