"""Features of frames: the official arithmetic by relations, and pieces that fit together."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from easyphoto_video.sound.features import AROUND, around, features, frame_count, of_frames
from easyphoto_video.sound.whisper import Whisper

RATES = st.sampled_from([8.0, 12.0, 23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 60.0])


@given(st.integers(1, 3000), RATES)
def test_the_clip_ends_behind_the_first_frame_beyond_the_sound(rows: int, fps: float) -> None:
    count = frame_count(rows, fps)
    assert int((count - 1) * 50 / fps) > rows
    assert count == 1 or int((count - 2) * 50 / fps) <= rows


@given(st.integers(1, 300), st.integers(0, 200), RATES)
def test_features_around_a_frame_are_there_and_in_order(rows: int, frame: int, fps: float) -> None:
    picked = around(frame, rows, fps)
    assert len(picked) == AROUND
    assert picked == sorted(picked)
    assert 0 <= picked[0] <= picked[-1] < rows
    middle = int(frame * 50 / fps)
    if 4 <= middle < rows - 5:
        assert picked == list(range(middle - 4, middle + 6))


def test_frames_hold_layer_after_layer() -> None:
    rows = torch.arange(20 * 3 * 2.0).view(20, 3, 2)
    found = of_frames(rows, [0, 4], 25.0)
    assert found.shape == (2, AROUND * 3, 2)
    assert torch.equal(found[1, 7], rows[around(4, 20, 25.0)[2], 1])


def test_pieces_are_as_long_as_the_encoder_sees(whisper: Callable[..., Whisper]) -> None:
    encoder = whisper(positions=20)
    torch.manual_seed(3)
    wave = torch.randn(16000)
    found = features(encoder, wave)
    assert found.shape == (50, 3, 16)
    ticks: list[int] = []
    features(encoder, wave, lambda: ticks.append(1))
    assert len(ticks) == 3
    # What is said later changes nothing in the pieces before it.
    other = torch.cat([wave[:6800], 0.5 * wave[6800:]])
    assert torch.equal(features(encoder, other)[:20], found[:20])
    assert not torch.equal(features(encoder, other)[20:40], found[20:40])


def test_no_sound_makes_no_clip() -> None:
    with pytest.raises(ValueError, match="make no clip"):
        frame_count(0, 25.0)
