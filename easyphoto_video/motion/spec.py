"""The kinds of motion modules there are, and what sets them apart."""

from __future__ import annotations

from dataclasses import dataclass

PLAIN_BETAS = ("linear", 0.00085, 0.012)
STOCK_BETAS = ("scaled_linear", 0.00085, 0.012)


@dataclass(frozen=True, kw_only=True)
class MotionSpec:
    """What kind of motion module it is; the defaults are the official v2 for SD1.5."""

    name: str = "v2"
    """The variant, as people call it: v1, v2, v3, AnimateLCM, SDXL beta, HotShot-XL."""
    base: str = "SD1.5"
    """The family of UNets that it fits: SD1.5 (four levels) or SDXL (three)."""
    channels: tuple[int, ...] = (320, 640, 1280, 1280)
    """Width of each level of the UNet from the outside in; multiples of heads and groups."""
    layers: int = 2
    """Temporal transformers in each down block; an up block has one more."""
    has_mid: bool = True
    """Whether there is one in the middle of the UNet too."""
    positions: int = 32
    """The most frames that it can see at once."""
    cross_frame_norm: bool = False
    """Whether the UNet's residual blocks must normalise all frames of a clip together."""
    betas: tuple[str, float, float] = PLAIN_BETAS
    """The noise schedule that it was trained with, as `noise.betas` takes it: name, start, end."""
    heads: int = 8
    """Heads of each attention."""
    groups: int = 32
    """Groups of each group norm."""

    @property
    def count(self) -> int:
        """How many temporal transformers there are."""
        return len(self.channels) * (2 * self.layers + 1) + self.has_mid

    def __str__(self) -> str:
        widths = "/".join(map(str, self.channels))
        return f"{self.name} for {self.base}, {self.count} temporal transformers, {widths} channels"


V1 = MotionSpec(name="v1", has_mid=False, positions=24, cross_frame_norm=True)
V2 = MotionSpec()
V3 = MotionSpec(name="v3", has_mid=False)
ANIMATELCM = MotionSpec(name="AnimateLCM", positions=64)
SDXL_BETA = MotionSpec(
    name="SDXL beta",
    base="SDXL",
    channels=(320, 640, 1280),
    has_mid=False,
    betas=("scaled_linear", 0.00085, 0.020),
)
HOTSHOT_XL = MotionSpec(
    name="HotShot-XL",
    base="SDXL",
    channels=(320, 640, 1280),
    has_mid=False,
    positions=24,
    cross_frame_norm=True,
    betas=STOCK_BETAS,
)


def variant(levels: int, has_mid: bool, positions: int | None) -> MotionSpec | None:
    """The variant with so many levels and positions; None for `positions`: the file has no table.

    Returns None when the facts fit no variant, or more than one.
    """
    if levels == len(SDXL_BETA.channels):
        return HOTSHOT_XL if positions == HOTSHOT_XL.positions else SDXL_BETA
    if levels != len(V2.channels):
        return None
    if has_mid:
        return V2 if positions else ANIMATELCM
    if positions is None:
        return None
    return V1 if positions == V1.positions else V3
