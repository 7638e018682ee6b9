"""Windows of speech as rooms, microphones and bad habits leave them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from easyphoto_video.sound.wave import RATE
from tools.train.loop import Draw

_SIZE = 64_000
"""Samples of the Fourier transform: a second more than the window, where echoes go."""
_LEAST = 1e-4
_LOUDEST_DB = 30.0


def between(draw: Draw, low: float, high: float, *shape: int) -> Tensor:
    """Even in low..high."""
    return low + (high - low) * draw.uniform(*shape)


def worse(draw: Draw, waves: Tensor) -> Tensor:
    """(B, n) in -1..1 -> the same: hoarse, through a room and a microphone, noisy, at any level.

    A window that is empty gets hiss, hum, tones or nothing; what is silent in a window stays so
    where no noise was drawn.
    """
    count = len(waves)
    is_empty = waves.abs().amax(1, keepdim=True) < _LEAST
    x = waves / waves.square().mean(1, keepdim=True).sqrt().clamp_min(_LEAST)
    hoarse = _sometimes(draw, 0.35, count) * between(draw, 0.05, 0.7, count, 1)
    x = x + hoarse * x * draw.normal(*x.shape)
    babble = _sometimes(draw, 0.2, count) * 10 ** (-between(draw, 5, 25, count, 1) / 20)
    x = x + babble * x.roll(1, 0).roll(9000, 1)
    spectrum = torch.fft.rfft(x, _SIZE)
    spectrum = spectrum * _room(draw, count) * _microphone(draw, count)
    spectrum = spectrum + _noise(draw, spectrum)
    x = torch.fft.irfft(spectrum, _SIZE)[:, : waves.shape[1]]
    x = torch.where(is_empty, no_speech(draw, count, waves.shape[1]), x)
    x = x / x.abs().amax(1, keepdim=True).clamp_min(_LEAST)
    drive = 1 + _sometimes(draw, 0.2, count) * between(draw, 0, 4, count, 1)
    x = torch.tanh(x * drive) / drive
    return x * 10 ** (-between(draw, 0, _LOUDEST_DB, count, 1) / 20)


def no_speech(draw: Draw, count: int, length: int) -> Tensor:
    """(count, length) of what is no voice: hiss, a chord that comes and goes, hum, or nothing."""
    time = torch.arange(length) / RATE
    colour = (torch.arange(length // 2 + 1) + 1.0)[None] ** -between(draw, -0.1, 1.0, count, 1)
    hiss = torch.fft.irfft(torch.fft.rfft(draw.normal(count, length)) * colour, length)
    hiss = hiss / hiss.abs().amax(1, keepdim=True)
    pitch = 60 * 2 ** between(draw, 0, 6, count, 3, 1)
    bend = 1 + 0.03 * _sometimes(draw, 0.4, count)[:, None] * torch.sin(
        between(draw, 1, 40, count, 1, 1) * time
    )
    phase = 2 * torch.pi * torch.cumsum(pitch * bend / RATE, -1)
    loud = draw.uniform(count, 3, 1) * _sometimes(draw, 0.6, count, 3)[..., None]
    chord = (torch.sin(phase) * loud).sum(1)
    rich = _sometimes(draw, 0.4, count)  # as an organ has it, or a hum
    chord = torch.where(rich > 0, torch.tanh(chord * 4), chord)
    beat = (0.5 + 0.5 * torch.sin(between(draw, 0.5, 30, count, 1) * time)).pow(
        between(draw, 0, 3, count, 1)
    )
    kinds = draw.uniform(count, 1)
    quiet = 10 ** (-between(draw, 20, 50, count, 1) / 20) * hiss
    return torch.where(
        kinds < 0.2, torch.zeros(()), torch.where(kinds < 0.45, hiss, chord * beat + quiet)
    )


def _sometimes(draw: Draw, share: float, *shape: int) -> Tensor:
    shape = (*shape, 1) if len(shape) == 1 else shape
    return (draw.uniform(*shape) < share).float()


def _room(draw: Draw, count: int) -> Tensor:
    """(B, bins) the spectrum of an echo that dies away."""
    time = torch.arange(12_000) / RATE
    tail = draw.normal(count, len(time)) * torch.exp(
        -6.9 * time / between(draw, 0.1, 0.6, count, 1)
    )
    tail = tail * (time > 0.004)
    tail = tail / tail.square().sum(1, keepdim=True).sqrt()
    tail = tail * _sometimes(draw, 0.4, count) * 10 ** (-between(draw, 0, 16, count, 1) / 20)
    tail[:, 0] = 1.0
    return torch.fft.rfft(tail, _SIZE)


def _microphone(draw: Draw, count: int) -> Tensor:
    """(B, bins) gains: a wavy, tilted curve without the lowest and the highest."""
    hertz = torch.arange(_SIZE // 2 + 1) * RATE / _SIZE
    waves = draw.normal(count, 1, 10) * between(draw, 1, 6, count, 1, 1)
    gain = F.interpolate(waves, len(hertz), mode="linear", align_corners=True)[:, 0]
    gain = gain + between(draw, -5, 3, count, 1) * torch.log2(hertz.clamp_min(60) / 500)
    top, bottom = between(draw, 3000, 12_000, count, 1), between(draw, 10, 250, count, 1)
    gain = gain - 24 * torch.log2((hertz / top).clamp_min(1))
    gain = gain - 12 * torch.log2((bottom / hertz.clamp_min(1)).clamp_min(1))
    as_is = _sometimes(draw, 0.25, count)
    return 10 ** ((1 - as_is) * gain / 20)


def _noise(draw: Draw, spectrum: Tensor) -> Tensor:
    """(B, bins) of coloured noise below the voice."""
    count = len(spectrum)
    hertz = torch.arange(spectrum.shape[1]) * RATE / _SIZE
    colour = hertz.clamp_min(30) ** -between(draw, -0.2, 1.2, count, 1)
    noise = torch.complex(draw.normal(*spectrum.shape), draw.normal(*spectrum.shape)) * colour
    level = (spectrum.abs().square().mean(1) / noise.abs().square().mean(1)).sqrt()[:, None]
    below = 10 ** (-between(draw, 3, 42, count, 1) / 20) * _sometimes(draw, 0.6, count)
    return noise * level * below
