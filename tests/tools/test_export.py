"""The files: key names that other loaders know, and a model that went through them unharmed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from safetensors import safe_open
from torch import nn

from easyphoto_video.host.library import EMBEDDED_FOLDER
from easyphoto_video.host.standalone.device import target
from easyphoto_video.host.standalone.model.load import load_models
from easyphoto_video.host.standalone.prompt.tokens import TOKENS
from easyphoto_video.motion.read import read_motion
from tools.ldm_keys import TEXT, UNET, VAE, unet_to_ldm, vae_to_ldm
from tools.models import autoencoder, decode, encode, text_encoder, unet
from tools.train.export import CHECKPOINT, MOTION, export, whole_text
from tools.train.motion import new_motion
from tools.train.text import small_text_encoder
from tools.train.unet import new_painter
from tools.train.vae import fold
from tools.words import clip_ids, small_ids, small_rows

MOST_BYTES = 22_500_000


def test_unet_keys_come_back_through_diffusers_converter() -> None:
    model = unet()
    mine = model.state_dict()
    back = convert_ldm_unet_checkpoint(unet_to_ldm(mine), dict(model.config))
    assert back.keys() == mine.keys()
    assert all(torch.equal(back[name], x) for name, x in mine.items())


def test_vae_keys_come_back_through_diffusers_converter() -> None:
    model = autoencoder()
    mine = model.state_dict()
    back = convert_ldm_vae_checkpoint(vae_to_ldm(mine), dict(model.config))
    assert back.keys() == mine.keys()
    assert all(torch.equal(back[name].reshape(x.shape), x) for name, x in mine.items())


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(KeyError, match="stranger"):
        unet_to_ldm({"stranger.weight": torch.zeros(1)})


def test_folding_makes_latents_standard_and_decodes_the_same() -> None:
    torch.manual_seed(0)
    model, pictures = autoencoder().eval().requires_grad_(False), torch.rand(4, 3, 32, 32) * 2 - 1
    before = decode(model, encode(model, pictures).mode())
    latents = encode(fold(model, pictures), pictures).mode()
    scaled = latents * 0.18215
    assert scaled.mean((0, 2, 3)).abs().max() < 1e-4
    assert (scaled.std((0, 2, 3)) - 1).abs().max() < 1e-4
    assert torch.allclose(decode(model, latents), before, atol=1e-4)


def test_the_whole_vocabulary_says_what_the_small_one_said() -> None:
    caption = "1girl, bob cut, red hair, masterpiece, looking left"
    small = small_text_encoder().eval()
    whole = text_encoder(TOKENS).eval()
    whole.load_state_dict(whole_text(small))
    with torch.no_grad():
        one = small(small_ids([caption])).last_hidden_state
        other = whole(torch.tensor([clip_ids(caption)])).last_hidden_state
    assert torch.allclose(one, other, atol=1e-5)


def test_token_ids_are_openais() -> None:
    assert clip_ids("red hair,")[:5] == [49406, 736, 2225, 267, 49407]
    assert len(set(small_rows().values())) == len(small_rows())


def test_what_was_exported_comes_back_through_the_program(tmp_path: Path) -> None:
    vae, painter, motion = autoencoder(), new_painter(small_text_encoder()), new_motion()
    export(vae, painter, motion, tmp_path)
    back = load_models(tmp_path / CHECKPOINT, None, target("cpu", "fp32"))
    assert _same(back.vae, vae) and _same(back.unet, painter.unet)
    # The file's tables of positions are rounded, the reader's are exact.
    assert _same(read_motion(tmp_path / MOTION), motion)
    said = back.text_encoder.state_dict()
    whole = whole_text(painter.text)
    assert all(torch.equal(x, whole[_bare(name)].half().float()) for name, x in said.items())


def _bare(name: str) -> str:
    return name.rpartition("text_model.")[2]


def _same(one: nn.Module, other: nn.Module) -> bool:
    mine, theirs = dict(one.named_parameters()), dict(other.named_parameters())
    assert mine.keys() == theirs.keys()
    return all(torch.equal(x.float(), theirs[name].half().float()) for name, x in mine.items())


def test_shipped_files_hold_what_they_should_and_stay_small() -> None:
    sizes = [(EMBEDDED_FOLDER / name).stat().st_size for name in (CHECKPOINT, MOTION)]
    assert sum(sizes) < MOST_BYTES
    with safe_open(EMBEDDED_FOLDER / CHECKPOINT, "pt") as file:
        names = set(file.offset_keys())
        for prefix in (UNET, VAE, TEXT):
            assert any(name.startswith(prefix) for name in names)
        assert file.get_slice(f"{TEXT}embeddings.token_embedding.weight").get_shape() == [
            TOKENS,
            64,
        ]
    with safe_open(EMBEDDED_FOLDER / MOTION, "pt") as file:
        places = {name.split(".temporal_transformer")[0] for name in file.offset_keys()}
    assert len(places) == 21


def test_shipped_weights_are_finite() -> None:
    for path in (EMBEDDED_FOLDER / CHECKPOINT, EMBEDDED_FOLDER / MOTION):
        _assert_finite(path)


def _assert_finite(path: Path) -> None:
    with safe_open(path, "pt") as file:
        for name in file.offset_keys():
            tensor = file.get_tensor(name)
            assert tensor.dtype == torch.float16 and tensor.isfinite().all(), name
