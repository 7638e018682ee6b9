"""Family: what the checkpoints of one kind have in common, above all their latents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Family:
    """Numbers of one checkpoint; a file that is another than usual in its family says so."""

    name: str
    """For people."""
    channels: int
    """Of the latents."""
    factor: int
    """px of a picture's side to one of its latents'."""
    scale: float
    """What the VAE's latents are multiplied with for the UNet."""
    text_widths: tuple[int, ...]
    """Of each text encoder's states."""
    side: int
    """Width and height it was trained for, px."""
    prediction: str
    """What the UNet predicts, as diffusers calls it."""

    def latents(self, width: int, height: int) -> tuple[int, int, int]:
        """Shape (C, h, w) of the latents of a picture, px."""
        return self.channels, height // self.factor, width // self.factor

    def rounded(self, side: float) -> int:
        """The nearest side that latents have, px."""
        return self.factor * round(side / self.factor)


SD1 = Family(
    name="SD1.x",
    channels=4,
    factor=8,
    scale=0.18215,
    text_widths=(768,),
    side=512,
    prediction="epsilon",
)
"""Stable Diffusion 1.1 to 1.5 (arXiv 2112.10752), and what is trained from it."""
