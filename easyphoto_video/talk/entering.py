"""Everything of EchoMimic's that enters a denoising UNet, for as long as a clip lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from easyphoto_video.motion.attach import attached
from easyphoto_video.motion.module import Motion
from easyphoto_video.talk.attention import Bank, recorded, referring, voiced
from easyphoto_video.talk.call import Call, Telling
from easyphoto_video.talk.locator import located
from easyphoto_video.talk.sampling import Predict

UNetCall = Callable[[Tensor, Tensor, Tensor], Tensor]
"""x (N, 4, h, w), timesteps (N,), context (N, tokens, C) -> what the UNet says (N, 4, h, w)."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the frames of a clip are told."""

    bank: Bank
    """What the reference network saw of the picture."""
    voice: Tensor
    """(frames, tokens, C) the features of each frame, as `sound.features.of_frames` gives them."""
    face: Tensor
    """(1 or frames, C, h, w) what the locator says."""


def seen(reference: nn.Module, call: UNetCall, latents: Tensor) -> dict[str, Tensor]:
    """What a reference network sees of a picture (1, 4, h, w), once for the whole clip.

    `latents` are the VAE's mean, scaled; the network looks at them as if there were no noise.
    """
    none = latents.new_zeros(1, 1, 1)  # there is no cross-attention to read it
    with recorded(reference) as bank, torch.no_grad():
        call(latents, torch.zeros(len(latents), dtype=torch.long, device=latents.device), none)
    return bank


@contextmanager
def speaking(unet: nn.Module, call: UNetCall, motion: Motion, told: Told) -> Iterator[Predict]:
    """Yields what predicts frames of a clip; afterwards the UNet is as it was.

    Raises BadRequest before anything is touched when a part does not fit.
    """
    telling = Telling()
    with (
        referring(unet, told.bank, telling),
        voiced(unet, telling),
        located(unet, told.face, telling),
        attached(unet, motion) as handle,
    ):

        def predict(rows: Tensor, t: int, frames: Sequence[int], knows: Sequence[bool]) -> Tensor:
            context = Call(tuple(frames), tuple(knows)).rows(told.voice).to(rows)
            timesteps = torch.full((len(rows),), t, device=rows.device)
            with telling.of(frames, knows), handle.frames(len(frames)):
                return call(rows, timesteps, context)

        yield predict
