"""Whisper's encoder out of every file that people have, and out of none other."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.sound.whisper import Whisper, WhisperSpec, read_whisper

Make = Callable[..., Whisper]


def openai(encoder: Whisper) -> dict[str, Tensor]:
    tensors = {f"encoder.{name}": t for name, t in encoder.state_dict().items()}
    return {**tensors, "decoder.token_embedding.weight": torch.zeros(9, 16)}


def hugging_face(encoder: Whisper) -> dict[str, Tensor]:
    """As transformers' WhisperModel names them."""
    found = {}
    for name, tensor in encoder.state_dict().items():
        name = re.sub(r"blocks\.(\d+)\.", r"layers.\1.", name)
        for ours, theirs in (
            ("attn.query", "self_attn.q_proj"), ("attn.key", "self_attn.k_proj"),
            ("attn.value", "self_attn.v_proj"), ("attn.out", "self_attn.out_proj"),
            ("attn_ln", "self_attn_layer_norm"), ("mlp.0", "fc1"), ("mlp.2", "fc2"),
            ("mlp_ln", "final_layer_norm"), ("ln_post", "layer_norm"),
            ("positional_embedding", "embed_positions.weight"),
        ):  # fmt: skip
            name = name.replace(ours, theirs)
        found[f"model.encoder.{name}"] = tensor
    return {**found, "model.decoder.layers.0.fc1.weight": torch.zeros(3)}


def same(first: Whisper, second: Whisper) -> bool:
    mel = torch.randn(1, 80, 40)
    return torch.equal(first(mel), second(mel))


def test_every_file_gives_the_same_encoder(tmp_path: Path, whisper: Make) -> None:
    encoder = whisper()
    save_file(openai(encoder), tmp_path / "a.bin", {"heads": "2"})
    assert same(read_whisper(tmp_path / "a.bin"), encoder)
    save_file(hugging_face(encoder), tmp_path / "model.safetensors")
    assert same(read_whisper(tmp_path / "model.safetensors", heads=2), encoder)
    # openai's own: a pickle with the sizes beside the tensors.
    dims: dict[str, Any] = {"n_mels": 80, "n_audio_ctx": 60}
    torch.save({"dims": dims, "model_state_dict": openai(encoder)}, tmp_path / "tiny.pt")
    assert same(read_whisper(tmp_path / "tiny.pt", heads=2), encoder)


def test_transformers_computes_the_same(whisper: Make) -> None:
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    encoder = whisper()
    config = WhisperConfig(
        num_mel_bins=80, d_model=16, encoder_layers=2, encoder_attention_heads=2,
        encoder_ffn_dim=64, max_source_positions=60,
    )  # fmt: skip
    theirs = WhisperEncoder(config).eval()
    state = {name.removeprefix("model.encoder."): t for name, t in hugging_face(encoder).items()}
    theirs.load_state_dict({k: t for k, t in state.items() if not k.startswith("model")})
    mel = torch.randn(2, 80, 120)
    with torch.no_grad():
        expected = theirs(mel).last_hidden_state
    torch.testing.assert_close(encoder.ln_post(encoder(mel)[:, :, -1]), expected)


def test_sizes_are_read_off_the_tensors(tmp_path: Path, whisper: Make) -> None:
    encoder = whisper(width=128, heads=2, layers=3, positions=50)
    save_file(openai(encoder), tmp_path / "a")
    read = read_whisper(tmp_path / "a")  # 64 channels to a head, as in all of openai's
    assert read.spec == encoder.spec
    assert same(read, encoder)


def test_the_defaults_are_those_of_tiny() -> None:
    with torch.device("meta"):
        tiny = Whisper(WhisperSpec())
    assert sum(t.numel() for t in tiny.state_dict().values()) == 8_208_384
    assert tiny.conv1.weight.shape == (384, 80, 3)


BAD: dict[str, tuple[Callable[[dict[str, Tensor]], dict[str, Tensor]], str]] = {
    "no sound": (lambda _: {"model.weight": torch.zeros(3)}, "this is no Whisper"),
    "a gap": (
        lambda t: {k: v for k, v in t.items() if k != "encoder.blocks.0.attn.key.weight"},
        "1 tensors are missing.*attn.key.weight",
    ),
    "too much": (lambda t: {**t, "encoder.adapter": torch.zeros(1)}, "1 do not belong.*adapter"),
    "odd heads": (lambda t: t, "16 channels do not part into 3 heads"),
}


@pytest.mark.parametrize(("spoil", "told"), BAD.values(), ids=BAD.keys())
def test_other_files_say_what_they_are(
    tmp_path: Path, whisper: Make, spoil: Callable[[Any], Any], told: str
) -> None:
    save_file(spoil(openai(whisper())), tmp_path / "a")
    with pytest.raises(BadFile, match=told):
        read_whisper(tmp_path / "a", heads=3 if "heads" in told else 2)
