"""Made-up speech: what a mouth does to it, and how a listener learns that and is judged."""

from __future__ import annotations

import ctypes
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from easyphoto_video.sound.listener import Heard, Listener
from easyphoto_video.sound.wave import RATE
from easyphoto_video.sound.whisper import WhisperSpec
from tools.hear import beyond, closures, judged, lag, level
from tools.speech import corpus, espeak, flite
from tools.speech.corpus import SAMPLES, Utterance, heard
from tools.speech.espeak import Espeak, released
from tools.speech.mouth import LIPS, TABLE, Mouth, mouth, segments
from tools.speech.texts import sentence
from tools.speech.worse import no_speech, worse
from tools.train import voice
from tools.train.loop import Draw

pytestmark = pytest.mark.slow(reason="recipes of the small networks, which rarely change")

SPOKEN = [(0.0, ""), (0.5, "b"), (0.6, "a"), (0.8, "m"), (0.9, "u"), (1.1, "")]


def draw(seed: int = 0) -> Draw:
    return Draw(np.random.default_rng(seed), torch.Generator().manual_seed(seed), 0.0)


def test_lips_meet_in_b_and_m_and_open_in_a() -> None:
    said = mouth(segments(SPOKEN, 1.6), 80)
    at = {name: round(50 * time) for name, time in (("b", 0.55), ("a", 0.7), ("m", 0.85))}
    assert said.opening[at["a"]] > 0.8
    assert max(said.opening[at["b"]], said.opening[at["m"]]) < 0.05
    assert said.closed[at["b"]] == said.closed[at["m"]] == 1
    assert said.closed[at["a"]] == 0
    assert said.width[round(50 * 1.0)] < -0.7
    assert not said.opening[:20].any() or said.opening[:20].max() < 0.05
    assert list(closures(said.shape)) == [(25, 30), (40, 45)]


def test_every_opening_lies_between_the_shapes_that_pull() -> None:
    rng = np.random.default_rng(0)
    names = list(TABLE)
    sounds = [(0.08 * i, str(rng.choice(names))) for i in range(60)]
    said = mouth(segments(sounds, 4.8), 240)
    assert said.opening.min() >= 0
    assert said.opening.max() <= 1
    assert abs(said.width).max() <= 1
    assert np.abs(np.diff(said.width)).max() < 1.0


def test_diphthongs_affricates_and_marks() -> None:
    found = segments([(0.0, "aʊ"), (0.2, "tʃ"), (0.3, "ʲ"), (0.4, "(en)"), (0.4, "")], 0.5)
    assert [(s.start, s.end) for s in found] == [(0.0, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 0.5)]
    assert found[2].shape == TABLE["ʃ"]
    assert not segments([], 1.0)
    assert not mouth([], 5).opening.any()


def test_a_voiceless_stop_begins_with_its_closure() -> None:
    rate = 22_050
    wave = np.full(rate, 500, np.int16)
    wave[4000:4772] = 0  # 35 ms
    found = released([wave], [(0, "a"), (4772, "p"), (6000, "b")], rate)
    assert found[0] == (0, "a")
    assert 4000 <= found[1][0] <= 4110
    assert found[2] == (6000, "b")


def test_espeak_says_where_its_sounds_are() -> None:
    try:
        ctypes.CDLL(espeak.LIBRARY)
    except OSError:
        pytest.skip(f"{espeak.LIBRARY} is missing")
    said = Espeak()
    wave, sounds = said.say("Mama.", "en-us", 170, 50, 50)
    starts = [start for start, _ in sounds]
    assert starts == sorted(starts)
    assert [name for _, name in sounds if name.startswith("m")]
    utterance = heard((wave, sounds, said.rate, "en-us"), 1.1)
    assert len(utterance.mouth.opening) == len(utterance.wave) // SAMPLES
    assert abs(len(utterance.wave) / RATE - 1.1 * len(wave) / said.rate) < 0.02
    with pytest.raises(LookupError):
        said.say("Mama.", "nowhere+m1", 170, 50, 50)


def test_flite_says_where_its_sounds_are() -> None:
    if shutil.which("flite") is None:
        pytest.skip("the program flite is missing")
    wave, sounds, rate = flite.say("Mama.", "slt", 1.0)
    assert [name for _, name in sounds if name == "m"]
    assert sounds[-1][0] < len(wave)
    assert rate == 16000


@pytest.mark.parametrize("language", ["en-us", "de", "ru"])
def test_sentences_are_of_words(language: str) -> None:
    text = sentence(np.random.default_rng(1), language)
    assert text[-1] in ".?!"
    assert 4 <= len(text.split()) <= 10


def utterance(seconds: float = 4.0) -> Utterance:
    rng = np.random.default_rng(0)
    count = int(seconds * 50)
    wave = (3000 * rng.normal(size=count * SAMPLES)).astype(np.int16)
    said = mouth(segments([(0.3 * i, name) for i, name in enumerate("bamafasoku" * 2)], 4.0), count)
    return Utterance(wave, said, "nobody")


def test_a_corpus_is_kept_as_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [utterance(), utterance(5.0)]
    monkeypatch.setattr(corpus, "utterances", lambda *_: made)
    first = corpus.corpus(tmp_path, "held people")
    monkeypatch.setattr(corpus, "utterances", lambda *_: [])
    for kept in (first, corpus.corpus(tmp_path, "held people")):
        assert [u.voice for u in kept] == ["nobody"] * 2
        assert all(np.array_equal(a.wave, b.wave) for a, b in zip(kept, made, strict=True))
        assert np.array_equal(kept[1].mouth.opening, made[1].mouth.opening)
        assert kept[1].mouth.shape.dtype == np.int64


def test_windows_are_worse_but_as_long_and_finite() -> None:
    windows = voice.cut(draw(), [utterance()], [utterance()], 12)
    assert windows.waves.shape == (12, 48000)
    bad = worse(draw(), windows.waves)
    assert bad.shape == windows.waves.shape
    assert bool(torch.isfinite(bad).all())
    assert float(bad.abs().max()) <= 1.0
    assert voice.mel_of(draw(), bad).shape == (12, 80, 300)
    assert torch.equal(worse(draw(), windows.waves), bad)
    assert not torch.equal(worse(draw(1), windows.waves), bad)


def test_silence_in_a_window_has_a_shut_mouth() -> None:
    windows = voice.cut(draw(3), [utterance()], [utterance()], 64)
    silent = windows.waves.unflatten(1, (150, SAMPLES)).abs().amax(2) == 0
    assert bool(silent.all(1).any())
    assert bool((silent.any(1) & ~silent.all(1)).any())
    assert float(windows.opening[silent].abs().max()) == 0
    assert int(windows.shape[silent].max()) == 0


def test_what_is_no_speech_is_not_always_the_same() -> None:
    made = no_speech(draw(), 40, 16000)
    loud = made.abs().amax(1)
    assert bool((loud == 0).any())
    assert bool((loud > 0.2).any())


def test_a_listener_learns_what_it_hears() -> None:
    torch.manual_seed(0)
    model = Listener(WhisperSpec(positions=150, width=16, heads=2, layers=1))
    torch.nn.init.zeros_(model.encoder.positional_embedding)
    windows = voice.cut(draw(), [utterance()], [utterance()], 2)
    mel = voice.mel_of(draw(), windows.waves)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    losses = []
    for _ in range(12):
        loss = voice.mistaken(model(mel), windows)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_the_judge_knows_the_truth_from_another() -> None:
    true = utterance().mouth

    def told(opening: np.ndarray, closed: np.ndarray) -> Heard:
        first, second, third = (torch.from_numpy(a) for a in (opening, true.width, closed))
        return Heard(first, second, third, torch.zeros(len(opening), 14))

    right = judged("right", [told(true.opening, true.closed)], [true])
    assert right.opening == pytest.approx(1.0)
    assert right.found[0] == right.found[1] == 4
    assert (right.lag, right.false) == (0, 0.0)
    late = np.roll(true.opening, 2)
    assert judged("late", [told(late, 0 * true.closed)], [true]).lag == 40
    shut = judged("shut", [told(true.opening, 1 + 0 * true.closed)], [true])
    assert shut.false == 1.0
    assert lag(true.opening, true.opening) == 0


def test_energy_and_what_is_left_of_it() -> None:
    wave = np.concatenate([np.zeros(8000), np.sin(np.arange(8000) * 0.4)]).astype(np.float32)
    found = level(wave)
    assert found[:20].max() == -40
    assert found[30:].min() > -1
    rng = np.random.default_rng(0)
    known, extra = rng.normal(size=500), rng.normal(size=500)
    assert beyond(known + extra, known - extra, known) == pytest.approx(-1.0)
    assert abs(beyond(known + extra, known + rng.normal(size=500), known)) < 0.2
    assert LIPS == 1
    assert isinstance(utterance().mouth, Mouth)
