"""Whisper's log-mel spectrogram (arXiv 2212.04356, openai/whisper audio.py), in plain torch."""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from easyphoto_video.errors import BadRequest
from easyphoto_video.sound.wave import RATE, Wave

WINDOW, HOP = 400, 160
"""Samples that a column looks at, and from one column to the next: 25 and 10 ms."""
MELS = 80
COLUMNS = RATE // HOP
"""Columns a second."""
FLOOR = 1e-10
DECADES = 8.0
"""What is quieter than the loudest by more than this counts as this quiet."""
LEAST = WINDOW // 2 + 1
"""The fewest samples: the ends are mirrored."""

_BREAK_HZ, _BREAK_MEL = 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27.0
_AT_ONCE = 3000


def _to_mel(hertz: np.ndarray) -> np.ndarray:
    """Slaney's scale: straight up to 1 kHz, logarithmic above."""
    straight = hertz * _BREAK_MEL / _BREAK_HZ
    above = _BREAK_MEL + np.log(np.maximum(hertz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hertz < _BREAK_HZ, straight, above)


def _to_hertz(mel: np.ndarray) -> np.ndarray:
    straight = mel * _BREAK_HZ / _BREAK_MEL
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, straight, above)


@functools.cache
def mel_filters(mels: int = MELS) -> Tensor:
    """(mels, 201) float32: triangles of one area each, even on Slaney's scale from 0 to 8 kHz."""
    bins = np.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    edges = _to_hertz(np.linspace(0.0, float(_to_mel(np.array(RATE / 2))), mels + 2))
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (middle - low), (high - bins) / (high - middle)
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low))
    return torch.from_numpy(triangles.astype(np.float32))


def power(samples: Tensor) -> Tensor:
    """(..., n) of a wave, WINDOW samples or more -> (..., 201, columns): |STFT|^2, not centred."""
    window = torch.hann_window(WINDOW, dtype=samples.dtype, device=samples.device)
    spectrum = torch.stft(samples, WINDOW, HOP, window=window, center=False, return_complex=True)
    return spectrum.abs() ** 2


def squeezed(energy: Tensor, loudest: Tensor | None = None) -> Tensor:
    """Mel energies -> Whisper's scale: decades below the loudest, of which DECADES are kept.

    `loudest` is the log10 of the largest energy, which is looked for when None.
    """
    decades = energy.clamp_min(FLOOR).log10()
    top = decades.max() if loudest is None else loudest
    return (torch.maximum(decades, top - DECADES) + 4.0) / 4.0


def log_mel(wave: Wave | Tensor, mels: int = MELS) -> Tensor:
    """A wave (n,) at RATE -> (mels, n // HOP): of the whole wave, as openai/whisper computes it.

    In the wave's dtype, computed in float64, since the logarithm of what is nearly silent enlarges
    every rounding. The loudest is that of the whole wave; one stretch of it is transformed at a
    time. Raises BadRequest for fewer than LEAST samples.
    """
    samples = torch.as_tensor(wave)
    if len(samples) < LEAST:
        raise BadRequest(
            "Sound",
            f"{len(samples) / RATE:.3f} s",
            "is too short to be heard",
            f"Give at least {LEAST / RATE:.3f} s.",
        )
    filters = mel_filters(mels).to(samples.device, torch.float64)
    padded = F.pad(samples[None], (WINDOW // 2, WINDOW // 2), mode="reflect")[0]
    columns = len(samples) // HOP  # the last column of the centred transform is left out
    energies = []
    for start in range(0, columns, _AT_ONCE):
        count = min(_AT_ONCE, columns - start)
        stretch = padded[start * HOP : (start + count - 1) * HOP + WINDOW]
        energies.append(filters @ power(stretch.double()))
    return squeezed(torch.cat(energies, dim=1)).to(samples.dtype)
