"""Whisper's log-mel, by relations; the official numbers are in test_official.py."""

from __future__ import annotations

import math

import pytest
import torch

from easyphoto_video.errors import BadRequest
from easyphoto_video.sound import mel
from easyphoto_video.sound.mel import HOP, LEAST, MELS, log_mel, mel_filters
from easyphoto_video.sound.wave import RATE


def tone(hertz: float, seconds: float = 1.0) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(int(RATE * seconds)) / RATE)


def test_filters_have_one_area_and_rise_with_the_pitch() -> None:
    filters = mel_filters()
    assert filters.shape == (MELS, 201)
    peaks = filters.argmax(1)
    assert bool((peaks.diff() >= 0).all())
    assert peaks[0] <= 2
    assert peaks[-1] >= 190
    wide = filters[60:]  # narrow ones hold too few bins to tell
    torch.testing.assert_close(wide.sum(1) * RATE / 400, torch.ones(len(wide)), atol=0.02, rtol=0)


@pytest.mark.parametrize("hertz", [200.0, 1000.0, 3000.0])
def test_a_tone_is_loudest_in_its_own_band(hertz: float) -> None:
    loud = log_mel(tone(hertz)).mean(1).argmax()
    assert abs(int(loud) - int(mel_filters()[:, round(hertz / 40)].argmax())) <= 1


def test_ten_times_as_loud_changes_nothing_but_the_level() -> None:
    torch.manual_seed(0)
    noise = torch.randn(RATE) * 0.01
    # A power of ten is two decades of energy, and four decades are one.
    torch.testing.assert_close(log_mel(noise * 10) - log_mel(noise), torch.full((80, 100), 0.5))


def test_nothing_is_quieter_than_eight_decades_below_the_loudest() -> None:
    sound = torch.cat([tone(500), torch.zeros(RATE)])
    found = log_mel(sound)
    assert float(found.max() - found.min()) == pytest.approx(2.0, abs=1e-6)


def test_a_long_sound_is_the_same_as_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    noise = torch.randn(RATE)
    whole = log_mel(noise)
    monkeypatch.setattr(mel, "_AT_ONCE", 7)
    torch.testing.assert_close(log_mel(noise), whole, atol=1e-6, rtol=0)
    assert whole.shape == (MELS, RATE // HOP)


def test_too_short_a_sound_is_refused() -> None:
    assert log_mel(torch.zeros(LEAST)).shape == (MELS, 1)
    with pytest.raises(BadRequest, match="too short to be heard"):
        log_mel(torch.zeros(LEAST - 1))
