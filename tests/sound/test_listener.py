"""What a small encoder hears a mouth do: files, seams and lips without flicker."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from easyphoto_video.errors import BadFile
from easyphoto_video.sound.listener import SPEC, VALUES, Listener, latched, read_listener
from easyphoto_video.sound.mel import log_mel
from easyphoto_video.sound.whisper import WhisperSpec

SMALL = WhisperSpec(positions=30, width=16, heads=2, layers=2)


@pytest.fixture
def listener() -> Listener:
    torch.manual_seed(2)
    made = Listener(SMALL)
    torch.nn.init.normal_(made.encoder.positional_embedding, std=0.1)
    return made.requires_grad_(False).eval()


def saved(listener: Listener, path: Path, **changes: torch.Tensor) -> Path:
    save_file({**listener.state_dict(), **changes}, path, {"heads": "2"})
    return path


def test_a_file_gives_the_same_listener(listener: Listener, tmp_path: Path) -> None:
    read = read_listener(saved(listener, tmp_path / "a"))
    wave = torch.randn(9000)
    assert torch.equal(read.hear(wave).opening, listener.hear(wave).opening)


def test_an_encoder_alone_is_no_listener(listener: Listener, tmp_path: Path) -> None:
    tensors = {k: t for k, t in listener.state_dict().items() if not k.startswith("mouth")}
    save_file(tensors, tmp_path / "a", {"heads": "2"})
    with pytest.raises(BadFile, match="tells nothing of mouths"):
        read_listener(tmp_path / "a")
    with pytest.raises(BadFile, match="tells nothing of mouths"):
        read_listener(saved(listener, tmp_path / "b", **{"mouth.bias": torch.zeros(3)}))


@pytest.mark.parametrize("samples", [201, 3200, 9600, 9601, 50000])
def test_any_length_gives_fifty_values_a_second(listener: Listener, samples: int) -> None:
    heard = listener.hear(torch.randn(samples))
    rows = samples // 160 // 2
    assert all(len(x) == rows for x in (heard.opening, heard.width, heard.closed, heard.shapes))


def test_what_is_heard_is_where_it_is_said(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An encoder without a sense of place tells of every value by its own two columns alone."""

    def columns(mel: torch.Tensor) -> torch.Tensor:
        return mel[:, :, ::2].transpose(1, 2)[:, :, None]

    monkeypatch.setattr(listener.encoder, "forward", columns)
    wave = torch.randn(40000)
    found = listener.layers(wave)[:, 0]
    torch.testing.assert_close(found, log_mel(wave)[:, ::2].T[: len(found)], atol=1e-5, rtol=0)


def test_lips_close_and_open_without_flicker() -> None:
    values = torch.tensor([0.1, 0.3, 0.6, 0.4, 0.55, 0.3, 0.2, 0.4, 0.1])
    assert latched(values, 0.5, 0.25).tolist() == [
        False, True, True, True, True, True, False, False, False,
    ]  # fmt: skip
    assert torch.equal(latched(values, 0.5, 0.5), values > 0.5)


def test_it_is_as_small_as_it_is_told() -> None:
    listener = Listener()
    assert sum(t.numel() for t in listener.state_dict().values()) < 950_000
    assert listener.mouth.out_features == VALUES
    assert SPEC.positions == 150
