"""Utterances with what the mouth does in each, made once and kept in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from easyphoto_video.sound.wave import FULL, RATE, Wave
from tools.speech import flite
from tools.speech.espeak import Espeak, Sound
from tools.speech.mouth import RATE as VALUES
from tools.speech.mouth import Mouth, mouth, segments
from tools.speech.texts import sentence

LANGUAGES = (
    "en-us en en-gb-scotland en-029 de fr es es-419 pt pt-br nl sv da fi cs hu ro id sw et hr sk "
    "ca eo nb"
).split()
HELD_LANGUAGES = "it tr pl ru".split()
VARIANTS = (
    "m1 m2 m3 m4 m5 m6 m8 f1 f2 f3 f5 klatt klatt2 klatt4 klatt5 croak Andy Annie antonio belinda "
    "ed john linda max Michael pablo quincy rob steph2 zac norbert travis victor grandma sandro "
    "Denis Alicia Gene"
).split()
HELD_VARIANTS = "f4 m7 klatt3 steph edward whisperf Jacky anika".split()
PEOPLE, HELD_PEOPLE = ("slt", "kal16"), ("awb", "rms")
"""flite's voices; slt, awb and rms are real people's."""

LEAST = 3.2
"""Seconds of the shortest utterance."""
SAMPLES = RATE // VALUES
"""Samples to a value of the mouth."""


@dataclass(frozen=True)
class Utterance:
    """A voice that says something."""

    wave: NDArray[np.int16]
    """(n,) at RATE."""
    mouth: Mouth
    """(n // SAMPLES,)"""
    voice: str

    def sound(self) -> Wave:
        """The wave in -1..1."""
        return np.divide(self.wave, FULL, dtype=np.float32)


Said = tuple[NDArray[np.int16], list[Sound], int, str]
"""Samples, phonemes, samples a second, voice."""


def heard(said: Said, warp: float) -> Utterance:
    """The utterance at RATE, as a larger (`warp` above 1) or a smaller person says it."""
    wave, sounds, rate, voice = said
    up = round(RATE / rate * warp * 100)
    slower = up / 100 * rate / RATE
    samples = resample_poly(wave.astype(np.float32), up, 100)
    spoken = segments(
        [(start / rate * slower, name) for start, name in sounds], len(wave) / rate * slower
    )
    whole = np.clip(samples, -32768, 32767).astype(np.int16)
    return Utterance(whole, mouth(spoken, len(whole) // SAMPLES), voice)


def by_espeak(
    rng: np.random.Generator, languages: Sequence[str], variants: Sequence[str]
) -> Iterator[Said]:
    """Without end: any of the languages in any of the variants of a voice."""
    espeak = Espeak()
    while True:
        language = str(rng.choice(languages))
        voice = f"{language}+{rng.choice(variants)}"
        text = f"{sentence(rng, language)} {sentence(rng, language)}"
        rate, pitch, span = (int(rng.integers(*r)) for r in ((110, 270), (10, 95), (15, 95)))
        samples, sounds = espeak.say(text, voice, rate, pitch, span)
        yield samples, sounds, espeak.rate, voice


def by_flite(rng: np.random.Generator, voices: Sequence[str]) -> Iterator[Said]:
    """Without end: English in any of the voices."""
    while True:
        voice = str(rng.choice(voices))
        text = f"{sentence(rng, 'en')} {sentence(rng, 'en')}"
        yield *flite.say(text, voice, rng.uniform(0.8, 1.3)), voice


SETS: dict[str, tuple[float, int, Callable[[np.random.Generator], Iterator[Said]]]] = {
    "train": (150.0, 1, partial(by_espeak, languages=LANGUAGES, variants=VARIANTS)),
    "people": (30.0, 4, partial(by_flite, voices=PEOPLE)),
    "voices": (4.0, 2, partial(by_espeak, languages=LANGUAGES, variants=HELD_VARIANTS)),
    "languages": (4.0, 3, partial(by_espeak, languages=HELD_LANGUAGES, variants=HELD_VARIANTS)),
    "held people": (4.0, 5, partial(by_flite, voices=HELD_PEOPLE)),
}
"""Minutes, seed and maker of each set; the first two are learnt from."""


def utterances(name: str, scale: float = 1.0) -> list[Utterance]:
    """A set of SETS, made anew; `scale` is the share of its minutes."""
    minutes, seed, maker = SETS[name]
    rng, found, seconds = np.random.default_rng(seed), [], 0.0
    for said in maker(rng):
        if seconds >= minutes * 60 * scale:
            break
        utterance = heard(said, rng.uniform(0.85, 1.18))
        if len(utterance.wave) >= LEAST * RATE:
            found.append(utterance)
            seconds += len(utterance.wave) / RATE
    return found


def corpus(folder: Path, name: str, scale: float = 1.0) -> list[Utterance]:
    """A set out of the folder, made and kept there the first time."""
    path = folder / f"speech-{name.replace(' ', '-')}.npz"
    if not path.exists():
        _keep(path, utterances(name, scale))
    with np.load(path) as kept:
        arrays = {key: kept[key] for key in kept.files}
    waves = np.split(arrays["wave"], arrays["wave_ends"][:-1])
    split = [np.split(arrays[key], arrays["mouth_ends"][:-1]) for key in KINDS]
    return [
        Utterance(wave, _mouth(parts), str(voice))
        for wave, voice, *parts in zip(waves, arrays["voice"], *split, strict=True)
    ]


KINDS = {"opening": np.float32, "width": np.float32, "closed": np.float32, "shape": np.int64}


def _mouth(parts: Sequence[NDArray[np.generic]]) -> Mouth:
    return Mouth(*(part.astype(kind) for part, kind in zip(parts, KINDS.values(), strict=True)))


def _keep(path: Path, spoken: Sequence[Utterance]) -> None:
    arrays: dict[str, NDArray[np.generic]] = {
        key: np.concatenate([getattr(u.mouth, key) for u in spoken]) for key in KINDS
    }
    arrays["shape"] = arrays["shape"].astype(np.uint8)
    arrays["wave"] = np.concatenate([u.wave for u in spoken])
    arrays["wave_ends"] = np.cumsum([len(u.wave) for u in spoken])
    arrays["mouth_ends"] = np.cumsum([len(u.mouth.opening) for u in spoken])
    arrays["voice"] = np.array([u.voice for u in spoken])
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    part.replace(path)
