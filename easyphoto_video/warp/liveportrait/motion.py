"""M: head pose, expression and canonical key points of a portrait."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.warp.grids import precise
from easyphoto_video.warp.shapes import Tensors, count, shape_of, size

EPS = 1e-6
_BIN, _FIRST_BIN = 3.0, -97.5
"""Degrees of one bin of an angle, and of the first."""


@dataclass(frozen=True, kw_only=True)
class MotionConfig:
    """The defaults are ConvNeXt V2 tiny's, and the public weights'."""

    depths: tuple[int, ...] = (3, 3, 9, 3)
    widths: tuple[int, ...] = (96, 192, 384, 768)
    points: int = 21
    bins: int = 66

    @classmethod
    def of(cls, tensors: Tensors) -> MotionConfig:
        """As the shapes tell. Raises Misfit."""
        stages = count(tensors, r"detector\.stages\.(\d+)\.")
        depths = (count(tensors, rf"detector\.stages\.{i}\.(\d+)\.") for i in range(stages))
        conv = [0, *[1] * (stages - 1)]
        widths = (
            size(tensors, f"detector.downsample_layers.{i}.{conv[i]}.weight") for i in range(stages)
        )
        return cls(
            depths=tuple(depths),
            widths=tuple(widths),
            points=size(tensors, "detector.fc_kp.weight") // 3,
            bins=shape_of(tensors, "detector.fc_yaw.weight")[0],
        )


@dataclass(frozen=True, eq=False)
class Motion:
    """Of N portraits, float32 or finer; angles in degrees, lengths in half the picture's side."""

    pitch: Tensor
    """(N, 1)."""
    yaw: Tensor
    """(N, 1)."""
    roll: Tensor
    """(N, 1)."""
    t: Tensor
    """(N, 3): shift; the third is never used."""
    exp: Tensor
    """(N, K, 3): what the expression adds to the points."""
    scale: Tensor
    """(N, 1)."""
    kp: Tensor
    """(N, K, 3): the face's points at rest, seen from the front, x, y, z."""

    @property
    def rotation(self) -> Tensor:
        """(N, 3, 3), to be applied from the right."""
        return rotation(self.pitch, self.yaw, self.roll)

    @property
    def points(self) -> Tensor:
        """(N, K, 3): where the points lie in the picture."""
        return placed(self.kp, self.rotation, self.exp, self.scale, self.t)


def rotation(pitch: Tensor, yaw: Tensor, roll: Tensor) -> Tensor:
    """Angles (N, 1) in degrees -> (N, 3, 3), the transpose of Rz Ry Rx, for points in rows."""
    (cx, sx), (cy, sy), (cz, sz) = (
        (torch.cos(x), torch.sin(x)) for x in (torch.deg2rad(a) for a in (pitch, yaw, roll))
    )
    one, zero = torch.ones_like(cx), torch.zeros_like(cx)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.cat(entries, dim=1).unflatten(1, (3, 3))

    about_x = matrix(one, zero, zero, zero, cx, -sx, zero, sx, cx)
    about_y = matrix(cy, zero, sy, zero, one, zero, -sy, zero, cy)
    about_z = matrix(cz, -sz, zero, sz, cz, zero, zero, zero, one)
    return (about_z @ about_y @ about_x).mT


def placed(kp: Tensor, turn: Tensor, exp: Tensor, scale: Tensor, t: Tensor) -> Tensor:
    """scale * (kp R + exp) + (tx, ty, 0), (N, K, 3)."""
    shift = torch.cat([t[:, :2], torch.zeros_like(t[:, 2:])], dim=1)
    return scale[:, :, None] * (kp @ turn + exp) + shift[:, None]


class _ChannelsFirstNorm(nn.LayerNorm):
    """LayerNorm over the channels of (N, C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


class _ResponseNorm(nn.Module):
    """Global response normalisation (Woo et al., 2023, arXiv 2301.00808)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, width))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        """(N, H, W, C) -> the same."""
        response = torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True)
        share = response / (response.mean(-1, keepdim=True) + EPS)
        return self.gamma * (x * share) + self.beta + x


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, EPS)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.grn = _ResponseNorm(4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm(self.dwconv(x).movedim(1, -1))
        inner = self.pwconv2(self.grn(F.gelu(self.pwconv1(inner))))
        return x + inner.movedim(-1, 1)


def _step_down(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(_ChannelsFirstNorm(inputs, EPS), nn.Conv2d(inputs, outputs, 2, stride=2))


class _Backbone(nn.Module):
    """ConvNeXt V2 with linear heads."""

    def __init__(self, config: MotionConfig) -> None:
        super().__init__()
        first, last = config.widths[0], config.widths[-1]
        stem = nn.Sequential(nn.Conv2d(3, first, 4, stride=4), _ChannelsFirstNorm(first, EPS))
        pairs = zip(config.widths, config.widths[1:], strict=False)
        self.downsample_layers = nn.ModuleList([stem, *(_step_down(a, b) for a, b in pairs)])
        self.stages = nn.ModuleList(
            nn.Sequential(*(_Block(width) for _ in range(depth)))
            for width, depth in zip(config.widths, config.depths, strict=True)
        )
        self.norm = nn.LayerNorm(last, EPS)
        heads = OrderedDict(
            kp=3 * config.points, scale=1, pitch=config.bins, yaw=config.bins, roll=config.bins,
            t=3, exp=3 * config.points,
        )  # fmt: skip
        for name, outputs in heads.items():
            self.add_module(f"fc_{name}", nn.Linear(last, outputs))
        self.heads = tuple(heads)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        x = pictures
        for down, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(down(x))
        seen = self.norm(x.mean((-2, -1)))
        return {name: precise(self.get_submodule(f"fc_{name}")(seen)) for name in self.heads}


class MotionExtractor(nn.Module):
    """The backbone's outputs as degrees and points."""

    def __init__(self, config: MotionConfig) -> None:
        super().__init__()
        self.config = config
        self.detector = _Backbone(config)

    def raw(self, pictures: Tensor) -> dict[str, Tensor]:
        """Each head's output by its name: kp, scale, pitch, yaw, roll, t, exp."""
        return self.detector(pictures)

    def forward(self, pictures: Tensor) -> Motion:
        """(N, 3, 256, 256) RGB in 0..1 -> its motion."""
        raw = self.raw(pictures)
        angles = {name: degrees(raw[name]) for name in ("pitch", "yaw", "roll")}
        points = {name: raw[name].unflatten(1, (-1, 3)) for name in ("kp", "exp")}
        return Motion(**angles, **points, t=raw["t"], scale=raw["scale"])


def degrees(logits: Tensor) -> Tensor:
    """Bins of an angle (N, bins) -> its mean in degrees (N, 1)."""
    bins = torch.arange(logits.shape[1], dtype=logits.dtype, device=logits.device)
    return (logits.softmax(1) * bins).sum(1, keepdim=True) * _BIN + _FIRST_BIN
