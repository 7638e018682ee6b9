"""A voice as features for each frame of a clip (antgroup/echomimic, audio2feature)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from easyphoto_video.sound.mel import log_mel
from easyphoto_video.sound.wave import Wave
from easyphoto_video.sound.whisper import Whisper
from easyphoto_video.video.ffmpeg import Tick, idle

RATE = 50
"""Features a second: one for two mel columns."""
BEFORE, BEHIND = 4, 5
"""Features before a frame's own and behind it that go with the frame."""
AROUND = BEFORE + 1 + BEHIND


@torch.no_grad()
def features(encoder: Whisper, wave: Wave | Tensor, tick: Tick = idle) -> Tensor:
    """A wave (n,) at 16 kHz -> (T, layers + 1, width) in the encoder's dtype, RATE a second.

    As the official code: the log-mel of the whole wave, in pieces as long as the encoder's
    positions, the last one padded with 0.0 (which is no silence). `tick` is called for each piece.
    Raises BadRequest when the wave is too short.
    """
    mel = log_mel(wave, encoder.spec.mels)
    return torch.cat(_pieces(encoder, mel, tick))


def _pieces(encoder: Whisper, mel: Tensor, tick: Tick) -> list[Tensor]:
    at_once = 2 * encoder.spec.positions
    dtype = encoder.conv1.weight.dtype
    found = []
    for start in range(0, mel.shape[1], at_once):
        tick()
        piece = mel[:, start : start + at_once]
        columns = piece.shape[1]
        padded = F.pad(piece, (0, at_once - columns)).to(encoder.conv1.weight.device, dtype)
        found.append(encoder(padded[None])[0, : columns // 2].to(mel.device))
    return found


def frame_count(rows: int, fps: float) -> int:
    """How many frames the official code makes of so many features.

    It ends behind the first frame that lies beyond the last feature, and so one or two later than
    the sound. Raises ValueError unless there are features and fps is above 0.
    """
    if rows < 1 or fps <= 0:
        raise ValueError(f"{rows} features at {fps} frames a second make no clip")
    frame = int(rows * fps / RATE)
    while int(frame * RATE / fps) <= rows:
        frame += 1
    return frame + 1


def around(frame: int, rows: int, fps: float) -> list[int]:
    """The AROUND features of one frame, those beyond the ends being the last ones there."""
    middle = int(frame * RATE / fps)
    return [min(max(i, 0), rows - 1) for i in range(middle - BEFORE, middle + BEHIND + 1)]


def of_frames(rows: Tensor, frames: Sequence[int], fps: float) -> Tensor:
    """Features (T, L, C) -> (F, AROUND * L, C): those of each frame, layer after layer in each."""
    picked = [around(frame, len(rows), fps) for frame in frames]
    index = torch.tensor(picked, device=rows.device)
    return rows[index].flatten(1, 2)
