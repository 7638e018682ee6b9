"""What a First Order Motion Model is built like: widths from shapes, the rest by its defaults."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """The key point detector; the defaults are vox-256's."""

    points: int = 10
    channels: int = 3
    widths: tuple[int, ...] = (32, 64, 128, 256, 512, 1024)
    """Of the hourglass: what its last block gives, then what each block on the way down gives."""
    shrink: int = 4
    """How many times smaller the picture is that it looks at."""
    jacobians: int = 10
    """Maps of Jacobians: one for each point, one for all (mgif), or none."""
    temperature: float = 0.1
    padding: int = 0
    """Of the two last convolutions, 7x7."""


@dataclass(frozen=True, kw_only=True)
class DenseConfig:
    """The dense motion network; the defaults are vox-256's."""

    points: int = 10
    channels: int = 3
    widths: tuple[int, ...] = (64, 128, 256, 512, 1024, 1024)
    shrink: int = 4
    occlusion: bool = True
    variance: float = 0.01
    """Of the Gaussians about key points, in units of half the picture's side, squared."""


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """The generator; the defaults are vox-256's."""

    channels: int = 3
    widths: tuple[int, ...] = (64, 128, 256)
    """After the first convolution, and after each block on the way down."""
    residuals: int = 6


@dataclass(frozen=True, kw_only=True)
class FommConfig:
    """A whole model, and the two choices that no shape tells.

    The public weights were trained in 2019, when `grid_sample` took corners for corners; the
    official code passes nothing, so today's torch does otherwise, and blurs.
    """

    detector: DetectorConfig = DetectorConfig()
    dense: DenseConfig = DenseConfig()
    generator: GeneratorConfig = GeneratorConfig()
    align_corners: bool = True
    """Of every sampling along a flow: True as in 2019, False as the code behaves today."""
    aligned_flow: bool = False
    """Whether the flow is enlarged corner to corner; False as in the official code."""

    @property
    def multiple(self) -> int:
        """What both sides of a picture must be a multiple of."""
        hourglasses = (
            part.shrink * 2 ** (len(part.widths) - 1) for part in (self.detector, self.dense)
        )
        return max(*hourglasses, 2 ** (len(self.generator.widths) - 1))
