"""How well a listener hears what a mouth does, as one table.

    python -m tools.hear LISTENER --speech DIR [--recording FILE [--phones FILE]]

DIR is a folder of tools.cook_talk, whose held-out speech is made where it is missing. A recording
is measured against its energy, and against its phones where they are given: JSON, for each phone
its start and duration in seconds and its ARPAbet name, as pocketsphinx aligns them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from easyphoto_video.sound.listener import Heard, Listener, read_listener
from easyphoto_video.sound.wave import RATE, Wave, read_wave
from tools.speech.corpus import SAMPLES, Utterance, corpus
from tools.speech.mouth import ARPABET, LIPS, Mouth, Segment, mouth, segments

Floats = NDArray[np.floating]
SETS = ("voices", "languages", "held people")
LATEST = 10
"""Values (20 ms) by which a lag is looked for, both ways."""
NEAR = 2
"""Values by which a closure may be early or late."""


@dataclass(frozen=True)
class Judged:
    """One row of the table; correlations are of 50 values a second."""

    what: str
    opening: float
    lag: int
    """ms by which what is heard comes late."""
    width: float
    found: tuple[int, int]
    """Closed lips that are heard as closed, and how many there are."""
    false: float
    """The share of values between closures, while somebody speaks, that are heard as closed."""
    shuffled: float
    """The correlation of the opening with that of another time."""

    def __str__(self) -> str:
        return (
            f"{self.what:22} opening {self.opening:.3f}, lag {self.lag:3d} ms, width "
            f"{self.width:.3f}, closed {self.found[0]}/{self.found[1]} "
            f"(false {100 * self.false:.1f} %), shuffled {self.shuffled:+.3f}"
        )


def r(one: Floats, other: Floats) -> float:
    """Pearson's correlation."""
    return float(np.corrcoef(one, other)[0, 1])


def lag(heard: Floats, true: Floats) -> int:
    """ms of the best correlation."""
    inner = slice(LATEST, len(true) - LATEST)
    moved = {k: r(np.roll(heard, -k)[inner], true[inner]) for k in range(-LATEST, LATEST + 1)}
    return 20 * max(moved, key=lambda k: moved[k])


def closures(shape: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """First and last value, exclusive, of each p, b or m."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shape == LIPS, [0]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def judged(what: str, heard: Sequence[Heard], true: Sequence[Mouth]) -> Judged:
    """How well some utterances were heard, all together."""
    counts = [min(len(h.opening), len(t.opening)) for h, t in zip(heard, true, strict=True)]
    opening, width, shut = (
        np.concatenate([v[:n] for v, n in zip(rows, counts, strict=True)])
        for rows in (
            [h.opening.numpy() for h in heard],
            [h.width.numpy() for h in heard],
            [h.shut().numpy() for h in heard],
        )
    )
    wanted, wide, shape = (
        np.concatenate([getattr(t, of)[:n] for t, n in zip(true, counts, strict=True)])
        for of in ("opening", "width", "shape")
    )
    lips = list(closures(shape))
    near = np.zeros(len(shape), bool)
    for start, end in lips:
        near[max(start - NEAR, 0) : end + NEAR] = True
    spoken = (shape != 0) & ~near
    return Judged(
        what,
        r(opening, wanted),
        lag(opening, wanted),
        r(width[shape != 0], wide[shape != 0]),
        (sum(bool(shut[max(s - 1, 0) : e + 1].any()) for s, e in lips), len(lips)),
        float(shut[spoken].mean()),
        r(np.roll(opening, len(opening) // 3 + 17), wanted),
    )


def level(wave: Wave) -> Floats:
    """50 values a second: dB of the energy from 300 to 3000 Hz below its largest, -40 at least."""
    band = sosfiltfilt(butter(4, (300, 3000), "band", fs=RATE, output="sos"), wave)
    kernel = np.hanning(2 * SAMPLES + 2)[1:-1] / SAMPLES
    count = len(wave) // SAMPLES
    energy = np.convolve(band**2, kernel, "same")[: count * SAMPLES : SAMPLES].clip(1e-12)
    return np.maximum(10 * np.log10(energy / energy.max()), -40.0)


def beyond(one: Floats, other: Floats, known: Floats) -> float:
    """The correlation of two that is left when a third is known (partial correlation)."""
    left = [v - np.polyval(np.polyfit(known, v, 1), known) for v in (one, other)]
    return r(*left)


def phones_of(path: Path, seconds: float) -> list[Segment]:
    """The segments of an alignment."""
    rows = json.loads(path.read_text("utf-8"))
    sounds = [
        (float(start), "" if name == "SIL" else ARPABET.get(name.lower(), name.lower()))
        for start, _, name, *_ in rows
    ]
    return segments(sounds, min(rows[-1][0] + rows[-1][1], seconds))


def recording(listener: Listener, path: Path, phones: Path | None) -> Iterator[str]:
    """Lines about a recording."""
    wave = read_wave(path)
    heard, energy = listener.hear(wave), level(wave)
    opening = heard.opening.numpy()[: len(energy)]
    energy = energy[: len(opening)]
    yield f"{path.name:22} opening against energy {r(opening, energy):.3f}"
    if phones is None:
        return
    true = mouth(phones_of(phones, len(wave) / RATE), len(opening))
    yield str(judged(f"{path.name}, phones", [heard], [true]))
    yield (
        f"{'':22} beyond energy {beyond(opening, true.opening, energy):.3f}; the aligned opening "
        f"itself against energy {r(true.opening, energy):.3f}"
    )


def odd(listener: Listener) -> Iterator[str]:
    """Lines about what is no speech."""
    time, rng = np.arange(4 * RATE) / RATE, np.random.default_rng(0)
    noises = {
        "digital silence": 0 * time,
        "hiss": 0.05 * rng.normal(size=len(time)),
        "loud hiss": 0.3 * rng.normal(size=len(time)).clip(-3, 3),
        "440 Hz": 0.3 * np.sin(2 * np.pi * 440 * time),
        "1 kHz, loud": 0.9 * np.sin(2 * np.pi * 1000 * time),
        "chord": 0.2 * sum(np.sin(2 * np.pi * f * time) for f in (220, 277, 330)),
        "hum of 60 Hz": 0.1 * np.sign(np.sin(2 * np.pi * 60 * time)),
    }
    for what, wave in noises.items():
        opening = listener.hear(wave.astype(np.float32)).opening
        yield f"{what:22} opening mean {opening.mean():+.2f}, most {opening.max():.2f}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("listener", type=Path)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--recording", type=Path)
    parser.add_argument("--phones", type=Path)
    options = parser.parse_args()
    listener = read_listener(options.listener).float()
    for name in SETS:
        spoken: list[Utterance] = corpus(options.speech, name)
        heard = [listener.hear(said.sound()) for said in spoken]
        print(judged(name, heard, [said.mouth for said in spoken]), flush=True)
    if options.recording:
        print(*recording(listener, options.recording, options.phones), sep="\n", flush=True)
    print(*odd(listener), sep="\n")


if __name__ == "__main__":
    main()
