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

from easyphoto_video.host.library import EMBEDDED_FOLDER
from easyphoto_video.host.standalone.prompt.tokens import TOKENS
from tools.ldm_keys import TEXT, UNET, VAE, unet_to_ldm, vae_to_ldm
from tools.models import autoencoder, decode, encode, text_encoder, unet
from tools.train.export import CHECKPOINT, MOTION, whole_text
from tools.train.text import small_text_encoder
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
