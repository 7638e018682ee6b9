"""What the tests of the sound room share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from easyphoto_video.sound.whisper import Whisper, WhisperSpec


@pytest.fixture
def whisper() -> Callable[..., Whisper]:
    """Small encoders with random weights."""

    def make(**sizes: Any) -> Whisper:
        torch.manual_seed(1)
        spec = WhisperSpec(**{"positions": 60, "width": 16, "heads": 2, "layers": 2, **sizes})
        encoder = Whisper(spec)
        torch.nn.init.normal_(encoder.positional_embedding)
        return encoder.requires_grad_(False).eval()

    return make
