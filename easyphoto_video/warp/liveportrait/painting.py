"""G: a portrait from warped features (SPADE: Park et al., 2019, arXiv 1903.07291)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.warp.shapes import Misfit, Tensors, count, shape_of, size

_SLOPE = 0.2
_UPSCALE = 2


@dataclass(frozen=True, kw_only=True)
class PaintingConfig:
    """The defaults are the public weights'."""

    inputs: int = 256
    widths: tuple[int, int, int] = (512, 256, 64)
    """In the middle, and after each step up."""
    hidden: int = 128
    """Of each SPADE's own layer."""
    middle: int = 6

    @classmethod
    def of(cls, tensors: Tensors) -> PaintingConfig:
        """As the shapes tell. Raises Misfit."""
        middle, inputs = shape_of(tensors, "fc.weight")[:2]
        if size(tensors, "conv_img.0.weight") != 3 * _UPSCALE**2:
            raise Misfit("its last convolution does not double the picture")
        return cls(
            inputs=inputs,
            widths=(
                middle,
                size(tensors, "up_0.conv_0.weight"),
                size(tensors, "up_1.conv_0.weight"),
            ),
            hidden=size(tensors, "G_middle_0.norm_0.mlp_shared.0.weight"),
            middle=count(tensors, r"G_middle_(\d+)\."),
        )


class _Spade(nn.Module):
    """Instance norm whose scale and shift are drawn from the features."""

    def __init__(self, width: int, inputs: int, hidden: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(inputs, hidden, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(hidden, width, 3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, width, 3, padding=1)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        shared = self.mlp_shared(F.interpolate(features, x.shape[2:], mode="nearest"))
        return F.instance_norm(x) * (1 + self.mlp_gamma(shared)) + self.mlp_beta(shared)


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, config: PaintingConfig) -> None:
        super().__init__()
        inner = min(inputs, outputs)
        self.conv_0 = nn.Conv2d(inputs, inner, 3, padding=1)
        self.conv_1 = nn.Conv2d(inner, outputs, 3, padding=1)
        self.norm_0 = _Spade(inputs, config.inputs, config.hidden)
        self.norm_1 = _Spade(inner, config.inputs, config.hidden)
        self.changes = inputs != outputs
        if self.changes:
            self.conv_s = nn.Conv2d(inputs, outputs, 1, bias=False)
            self.norm_s = _Spade(inputs, config.inputs, config.hidden)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        inner = self.conv_0(F.leaky_relu(self.norm_0(x, features), _SLOPE))
        inner = self.conv_1(F.leaky_relu(self.norm_1(inner, features), _SLOPE))
        return inner + (self.conv_s(self.norm_s(x, features)) if self.changes else x)


class SpadeGenerator(nn.Module):
    """Residual blocks, twice up, and twice up again by the last convolution's channels."""

    def __init__(self, config: PaintingConfig) -> None:
        super().__init__()
        self.config = config
        middle, first, second = config.widths
        self.fc = nn.Conv2d(config.inputs, middle, 3, padding=1)
        for i in range(config.middle):
            self.add_module(f"G_middle_{i}", _Block(middle, middle, config))
        self.up_0 = _Block(middle, first, config)
        self.up_1 = _Block(first, second, config)
        self.conv_img = nn.Sequential(
            nn.Conv2d(second, 3 * _UPSCALE**2, 3, padding=1), nn.PixelShuffle(_UPSCALE)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, 3, 8 h, 8 w) RGB in 0..1."""
        x = self.fc(features)
        for i in range(self.config.middle):
            x = self.get_submodule(f"G_middle_{i}")(x, features)
        for block in (self.up_0, self.up_1):
            x = block(F.interpolate(x, scale_factor=2.0), features)
        return torch.sigmoid(self.conv_img(F.leaky_relu(x, _SLOPE)))


def without_spectral_norm(tensors: Tensors) -> dict[str, Tensor]:
    """Plain weights of those that a file keeps with their spectral norm's vectors.

    W = orig / (u . orig v) with the stored u and v, in float64, back in the file's dtype or
    float32, whichever is finer.
    """
    plain = {}
    for name, tensor in tensors.items():
        stem = name.removesuffix("weight_orig")
        if stem != name:
            u, v = (tensors[f"{stem}weight_{x}"].double() for x in "uv")
            weight = tensor.double()
            sigma = u @ (weight.flatten(1) @ v)
            finer = torch.promote_types(tensor.dtype, torch.float32)
            plain[f"{stem}weight"] = (weight / sigma).to(finer)
        elif not name.endswith(("weight_u", "weight_v")):
            plain[name] = tensor
    return plain
