"""A small encoder of Whisper's structure, and what it hears a mouth do.

A voice says when lips must meet and when nobody speaks. Networks that draw a talking face read the
encoder's layers as they read whisper-tiny's; the mouth is read off the same layers by one linear
layer, so that what was drawn can be measured, and silence can be told from speech.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.errors import BadFile
from easyphoto_video.sound.mel import log_mel
from easyphoto_video.sound.wave import Wave
from easyphoto_video.sound.whisper import PREFIX, Whisper, WhisperSpec, whisper_from
from easyphoto_video.tensors import AGAIN, load_state_dict, read_metadata
from easyphoto_video.video.ffmpeg import Tick, idle

SPEC = WhisperSpec(positions=150, width=128, heads=4)
"""0.9 M parameters that see 3 s at once."""
SHAPES = 14
VALUES = 3 + SHAPES
"""Opening, width, closed lips, and the class of the sound."""
HEAD = "mouth."
ABOVE, BELOW = 0.5, 0.4
"""Lips that are likelier closed than ABOVE are so until it falls below BELOW."""


@dataclass(frozen=True)
class Heard:
    """What a voice has a mouth do, 50 values a second, each (T,) float32."""

    opening: Tensor
    """About 0 shut .. 1 wide open."""
    width: Tensor
    """About -1 rounded .. 1 spread."""
    closed: Tensor
    """How likely p, b or m holds the lips together, 0..1."""
    shapes: Tensor
    """(T, SHAPES) how likely each class of sounds is; the first is silence."""

    def shut(self) -> Tensor:
        """(T,) bool: where the lips are closed, without flicker."""
        return latched(self.closed, ABOVE, BELOW)


class Listener(nn.Module):
    """The encoder and its linear layer; state dict `encoder.*` (openai's names) and `mouth.*`."""

    def __init__(self, spec: WhisperSpec = SPEC) -> None:
        super().__init__()
        self.encoder = Whisper(spec)
        self.mouth = nn.Linear(spec.width * (spec.layers + 1), VALUES)

    def forward(self, mel: Tensor) -> Tensor:
        """Log-mel (B, mels, 2T) -> (B, T, VALUES): opening, width, and logits of the rest."""
        return self.read(self.encoder(mel))

    def read(self, layers: Tensor) -> Tensor:
        """The encoder's layers (..., L, C) -> (..., VALUES)."""
        return self.mouth(F.layer_norm(layers, layers.shape[-1:]).flatten(-2))

    @torch.no_grad()
    def layers(self, wave: Wave | Tensor, tick: Tick = idle) -> Tensor:
        """A wave (n,) at 16 kHz -> (T, L, C), 50 a second, T = columns // 2.

        The encoder sees its positions at once, in stretches that overlap by two thirds and are
        blended, so that no seam is heard. Raises BadRequest when the wave is too short.
        """
        mel = log_mel(wave, self.encoder.spec.mels).to(self.mouth.weight)
        length, rows = self.encoder.spec.positions, mel.shape[1] // 2
        hop = length // 3
        # What lies beyond the ends is as silent as can be.
        around = F.pad(mel, (2 * hop, 2 * length), value=float(mel.min()))
        weight = torch.hann_window(length + 2).to(mel)[1:-1, None, None]
        total, weights = None, mel.new_zeros(rows + 2 * length, 1, 1)
        for start in range(0, rows + hop, hop):
            tick()
            seen = self.encoder(around[None, :, 2 * start : 2 * (start + length)])[0]
            if total is None:
                total = seen.new_zeros(len(weights), *seen.shape[1:])
            total[start : start + length] += weight * seen
            weights[start : start + length] += weight
        assert total is not None
        return (total / weights.clamp_min(1e-6))[hop : hop + rows]

    def hear(self, wave: Wave | Tensor, tick: Tick = idle) -> Heard:
        """What a wave (n,) at 16 kHz has a mouth do. Raises BadRequest when it is too short."""
        with torch.no_grad():
            values = self.read(self.layers(wave, tick)).float()
        opening, width, closed, *_ = values.unbind(1)
        return Heard(opening, width, closed.sigmoid(), values[:, 3:].softmax(1))


def latched(values: Tensor, above: float, below: float) -> Tensor:
    """(T,) -> (T,) bool: on from above `above` until below `below`; looks both ways in time."""
    found = torch.zeros(len(values), dtype=torch.bool)
    on = False
    for i, value in enumerate(values.tolist()):
        on = value > (below if on else above)
        found[i] = on
    backward = False
    for i in range(len(values) - 1, -1, -1):
        backward = bool(found[i]) or (backward and float(values[i]) > below)
        found[i] = backward
    return found


def read_listener(path: Path | str) -> Listener:
    """The listener that a file holds, in its dtype, on the CPU. Raises Missing and BadFile."""
    tensors, noted = load_state_dict(path), read_metadata(path).get("heads", "")
    encoder = whisper_from(
        {name: t for name, t in tensors.items() if name.startswith(PREFIX)},
        path,
        int(noted) if noted.isdecimal() else SPEC.heads,
    )
    with torch.device("meta"):
        listener = Listener(encoder.spec)
    head = {name: tensors.get(name) for name in (f"{HEAD}weight", f"{HEAD}bias")}
    wanted = listener.mouth.state_dict()
    for name, tensor in head.items():
        if tensor is None or tensor.shape != wanted[name.removeprefix(HEAD)].shape:
            raise BadFile(path, f"this encoder of sound tells nothing of mouths ({name})", AGAIN)
    listener.encoder = encoder
    listener.mouth.load_state_dict(
        {name.removeprefix(HEAD): t for name, t in head.items() if t is not None}, assign=True
    )
    return listener.requires_grad_(False).eval()
