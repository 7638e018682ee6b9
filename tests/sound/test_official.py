"""The official code's numbers, where they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from easyphoto_video.sound.features import around, frame_count
from easyphoto_video.sound.mel import log_mel
from easyphoto_video.sound.whisper import read_whisper

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "echomimic_audio"


@pytest.fixture(scope="module")
def folder() -> Path:
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN} is missing")
    return GOLDEN


def test_log_mel_and_every_layer(folder: Path) -> None:
    tensors = load_file(folder / "tensors.safetensors")
    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    limits = meta["tolerance_float32"]
    mel = log_mel(tensors["pcm16k"].float() / 32768)
    assert float((mel - tensors["log_mel"]).abs().max()) <= limits["log_mel"] / 10
    encoder = read_whisper(
        folder / "whisper_encoder.safetensors", meta["encoder"]["n_audio_head"]
    ).double()
    padded = torch.nn.functional.pad(mel, (0, 3000 - mel.shape[1])).double()
    layers = encoder(padded[None])[0, tensors["kept_tokens"].long()].transpose(0, 1)
    assert float((layers - tensors["encoder_layers"]).abs().max()) <= limits["encoder_layers"]
    last = encoder.ln_post(layers[-1])
    assert float((last - tensors["encoder_ln_post"]).abs().max()) <= limits["encoder_ln_post"]


def test_frames_take_the_official_features(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    for case, count in meta["chunk_counts"].items():
        rows, fps = case.split("@")
        assert frame_count(int(rows), float(fps)) == count, case
    for name, expected in load_file(folder / "tensors.safetensors").items():
        if name.startswith("slice_idx"):
            rows, fps = name.removeprefix("slice_idx_len").split("_fps")
            picked = [around(i, int(rows), float(fps)) for i in range(len(expected))]
            assert picked == expected.tolist(), name


def test_any_length_gives_as_many_features(folder: Path) -> None:
    from easyphoto_video.errors import BadRequest

    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    for samples, expected in meta["feature_count_for_samples"]:
        if samples > 100_000:
            continue
        if isinstance(expected, str):
            with pytest.raises(BadRequest):
                log_mel(torch.zeros(samples))
        else:
            assert log_mel(torch.zeros(samples)).shape[1] // 2 == expected, samples
