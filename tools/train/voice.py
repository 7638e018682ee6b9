"""The listener: a small encoder of sound that learns what a mouth does to speech."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from easyphoto_video.motion.module import sinusoids
from easyphoto_video.sound.listener import SPEC, Listener
from easyphoto_video.sound.mel import HOP, WINDOW, mel_filters, power
from tools.speech.corpus import SAMPLES, Utterance, corpus
from tools.speech.worse import between, worse
from tools.train.fleet import Fleet
from tools.train.loop import Budget, Course, Draw, train

_BATCH = 8
_COUNT = SPEC.positions
_LENGTH = _COUNT * SAMPLES
_PEOPLE = 0.3
"""How many windows are of people's voices."""
_EMPTY, _PAUSED = 0.1, 0.2
"""How many windows hold no speech, and a stretch of silence."""
_CLOSED = 3.0
"""How much a frame of closed lips counts: there are few."""
_SCORED = 12
_OPENING, _WIDTH = 0.03, 0.15
"""The variances of speech, by which errors are measured."""


@dataclass(frozen=True)
class Windows:
    """A batch: waves (B, n), and what the mouth does (B, T) each."""

    waves: Tensor
    opening: Tensor
    width: Tensor
    closed: Tensor
    shape: Tensor


def new_listener() -> Listener:
    """A listener that has learnt nothing yet."""
    torch.manual_seed(6)
    listener = Listener()
    with torch.no_grad():
        listener.encoder.positional_embedding.copy_(0.3 * sinusoids(_COUNT, SPEC.width)[0])
    return listener


def cut(draw: Draw, spoken: list[Utterance], people: list[Utterance], count: int) -> Windows:
    """Windows of as many utterances, some with silence in them and some with no speech."""
    rng, waves, mouths = draw.numpy, [], []
    for _ in range(count):
        pool = people if rng.random() < _PEOPLE else spoken
        said = pool[int(rng.integers(len(pool)))]
        first = int(rng.integers((len(said.wave) - _LENGTH) // SAMPLES + 1))
        wave = said.sound()[first * SAMPLES :][:_LENGTH]
        parts = (said.mouth.opening, said.mouth.width, said.mouth.closed, said.mouth.shape)
        mouth = [part[first : first + _COUNT].copy() for part in parts]
        _silence(rng, wave, mouth)
        waves.append(wave)
        mouths.append(mouth)
    tensors = (torch.from_numpy(np.stack(rows)) for rows in zip(*mouths, strict=True))
    return Windows(torch.from_numpy(np.stack(waves)), *tensors)


def _silence(rng: np.random.Generator, wave: np.ndarray, mouth: list[np.ndarray]) -> None:
    chance, start, stop = rng.random(), 0, _COUNT
    if chance > _EMPTY + _PAUSED:
        return
    if chance > _EMPTY:
        start = int(rng.integers(_COUNT))
        stop = start + int(rng.integers(15, 80))
    wave[start * SAMPLES : stop * SAMPLES] = 0.0
    for part in mouth:
        part[start:stop] = 0


def mel_of(draw: Draw, waves: Tensor) -> Tensor:
    """(B, n) -> log-mel (B, mels, n / HOP), as parts of files that may be louder elsewhere."""
    padded = F.pad(waves[:, None], (WINDOW // 2, WINDOW // 2), mode="reflect")[:, 0]
    energy = (mel_filters() @ power(padded))[..., : waves.shape[1] // HOP]
    decades = energy.clamp_min(1e-10).log10()
    elsewhere = between(draw, -2.0, 1.5, len(waves), 1, 1)
    louder = draw.uniform(len(waves), 1, 1) < 0.5
    here = decades.amax((1, 2), keepdim=True)
    top = torch.where(louder, torch.maximum(here, elsewhere), here)
    mel = (torch.maximum(decades, top - 8.0) + 4.0) / 4.0
    return _holes(draw, mel)


def _holes(draw: Draw, mel: Tensor) -> Tensor:
    """SpecAugment (arXiv 1904.08779): a band or a moment that is missing, in half of a batch."""
    rng = draw.numpy
    for i in range(0, len(mel), 2):
        band, moment = int(rng.integers(70)), int(rng.integers(mel.shape[2] - 20))
        mel[i, band : band + int(rng.integers(1, 10))] = mel[i].mean()
        mel[i, :, moment : moment + int(rng.integers(1, 12))] = mel[i].mean()
    return mel


def mistaken(said: Tensor, windows: Windows) -> Tensor:
    """How far what the listener says (B, T, VALUES) is from the mouth."""
    opening = F.mse_loss(said[..., 0], windows.opening) / _OPENING
    width = F.mse_loss(said[..., 1], windows.width) / _WIDTH
    closed = F.binary_cross_entropy_with_logits(
        said[..., 2], windows.closed, pos_weight=torch.tensor(_CLOSED)
    )
    shape = F.cross_entropy(said[..., 3:].flatten(0, 1), windows.shape.flatten())
    return opening + 0.5 * width + closed + 0.3 * shape


def train_listener(model: Listener, fleet: Fleet, budget: Budget) -> Listener:
    """Train on the corpus, which is made in the fleet's folder where it is not there."""

    def heard(name: str) -> list[Utterance]:
        return [] if fleet.now else corpus(fleet.out, name)

    spoken, people = heard("train"), heard("people")
    held = {name: heard(name) for name in ("voices", "held people")}

    def loss(draw: Draw) -> Tensor:
        windows = cut(draw, spoken, people, _BATCH)
        with torch.no_grad():
            mel = mel_of(draw, worse(draw, windows.waves))
        return mistaken(model(mel), windows)

    def score(average: nn.Module) -> str:
        assert isinstance(average, Listener)
        found = (f"{name} {opening_r(average, some):.3f}" for name, some in held.items())
        return "opening r " + ", ".join(found)

    course = Course(
        budget=budget, model=model, loss=loss, score=score, batch=_BATCH, betas=(0.9, 0.98)
    )
    average = train(course, fleet)
    assert isinstance(average, Listener)
    return average


def opening_r(listener: Listener, spoken: list[Utterance]) -> float:
    """The correlation of the openings heard and true, over some utterances."""
    heard, true = [], []
    for said in spoken[:_SCORED]:
        opening = listener.hear(said.sound()).opening.numpy()
        heard.append(opening[: len(said.mouth.opening)])
        true.append(said.mouth.opening[: len(opening)])
    return float(np.corrcoef(np.concatenate(heard), np.concatenate(true))[0, 1])
