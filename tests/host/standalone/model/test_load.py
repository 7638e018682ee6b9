"""Networks hold just what their file holds, whatever the names in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.host.checkpoint.facts import Facts
from easyphoto_video.host.checkpoint.shapes import TEXT, UNET, VAE
from easyphoto_video.host.standalone.device import Target
from easyphoto_video.host.standalone.model import load
from easyphoto_video.host.standalone.model.load import Models, load_models, load_vae
from easyphoto_video.tensors import load_state_dict
from tests.host.standalone.small import SIZES, save
from tools.ldm_keys import text_to_ldm, unet_to_ldm, vae_to_ldm
from tools.tiny_checkpoint import write_checkpoint

CPU = Target(torch.device("cpu"), torch.float32)
HALF = Target(torch.device("cpu"), torch.float16)
State = dict[str, Tensor]
CONV_IN = UNET + "input_blocks.0.0.weight"


@pytest.fixture(scope="module")
def tiny(data: Path) -> Path:
    return data / "models" / "Stable-diffusion" / "tiny.safetensors"


@pytest.fixture(scope="module")
def tensors(tiny: Path) -> State:
    return load_state_dict(tiny)


@pytest.fixture(scope="module")
def models(tiny: Path) -> Models:
    return load_models(tiny, None, CPU)


def parts(models: Models) -> State:
    """The networks' tensors under the names of the file."""
    return {
        **unet_to_ldm(models.unet.state_dict()),
        **vae_to_ldm(models.vae.state_dict()),
        **text_to_ldm(models.text_encoder.state_dict()),
    }


def test_every_tensor_arrives_exactly(models: Models, tensors: State) -> None:
    loaded = parts(models)
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[key], t.float()) for key, t in tensors.items())


def test_networks_are_ready_to_draw(models: Models) -> None:
    for network in (models.unet, models.vae, models.text_encoder):
        assert not network.training
        assert not any(p.requires_grad or p.is_meta for p in network.parameters())
        assert not any(b.is_meta for b in network.buffers())
    assert models.unet.config["attention_head_dim"] == (SIZES.heads,) * 4
    assert models.text_encoder.config.num_attention_heads == SIZES.text_heads


def test_weights_of_the_right_precision_are_not_copied(
    tiny: Path, tensors: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stay where the reader put them, in the mapped file."""
    monkeypatch.setattr(load, "load_state_dict", lambda _path: tensors)
    loaded = parts(load_models(tiny, None, HALF))
    assert all(loaded[key].data_ptr() == t.data_ptr() for key, t in tensors.items())


def test_a_ckpt_is_the_same(tiny: Path, tensors: State, models: Models, tmp_path: Path) -> None:
    path = tmp_path / "tiny.ckpt"
    torch.save({"state_dict": tensors, "global_step": 1}, path)
    path.with_suffix(".yaml").write_bytes(tiny.with_suffix(".yaml").read_bytes())
    loaded = parts(load_models(path, None, CPU))
    assert all(torch.equal(t, loaded[key]) for key, t in parts(models).items())


@pytest.mark.parametrize(
    "change",
    [
        lambda t: {**t, "model_ema.decay": torch.ones(1), "betas": torch.ones(1000)},
        lambda t: {**t, TEXT + "text_model.embeddings.position_ids": torch.arange(77)[None]},
        lambda t: {**t, VAE + "loss.logvar": torch.zeros(1)},
        lambda t: {k.replace(TEXT + "text_model.", TEXT): v for k, v in t.items()},
    ],
    ids=["training's notes", "position ids", "a loss", "no text_model level"],
)
def test_what_old_files_have_besides_is_left_out(
    change: Callable[[State], State], tensors: State, models: Models, tmp_path: Path
) -> None:
    path = with_yaml(save(tmp_path / "old.safetensors", change(tensors)))
    loaded = parts(load_models(path, None, CPU))
    assert all(torch.equal(t, loaded[key]) for key, t in parts(models).items())


def with_yaml(path: Path) -> Path:
    path.with_suffix(".yaml").write_text(
        f"model: {{params: {{unet_config: {{params: {{num_heads: {SIZES.heads}}}}}}}}}"
    )
    return path


def without(part: str) -> Callable[[State], State]:
    return lambda tensors: {k: t for k, t in tensors.items() if not k.startswith(part)}


def reshaped(tensors: State) -> State:
    key = UNET + "time_embed.0.bias"
    return {**tensors, key: torch.zeros(len(tensors[key]) + 1)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without(UNET + "middle_block.0"), "tensors of its UNet are missing"),
        (without(UNET + "out.2"), "UNet is not whole: out.2.weight is missing"),
        (without(CONV_IN), r"UNet is not whole: input_blocks.0.0.weight is missing"),
        (without(VAE), "no VAE inside. Name a file as the VAE"),
        (without(VAE + "decoder.conv_in"), "VAE is not whole"),
        (without(TEXT), "no text encoder inside"),
        (without(TEXT + "text_model.final"), "2 tensors of its text encoder are missing"),
        (reshaped, "1 tensors of its UNet have another shape"),
        (
            lambda t: {**t, UNET + "odd.weight": torch.ones(3)},
            r"1 tensors of its UNet belong nowhere, such as model\.diffusion_model\.odd\.weight",
        ),
        (
            lambda t: {**t, VAE + "odd.weight": torch.ones(3)},
            r"1 tensors of its VAE belong nowhere, such as odd\.weight",
        ),
        (lambda t: {**t, CONV_IN: torch.ones(32, 9, 3, 3)}, "an inpainting checkpoint"),
        (lambda t: {**t, "conditioner.embedders.0.x": torch.ones(1)}, "an SDXL checkpoint"),
        (lambda t: {**t, "cond_stage_model.model.x": torch.ones(1)}, "an SD2 checkpoint"),
    ],
)
def test_what_does_not_fit_is_refused(
    change: Callable[[State], State], words: str, tensors: State, tmp_path: Path
) -> None:
    path = with_yaml(save(tmp_path / "bad.safetensors", change(tensors)))
    with pytest.raises(BadFile, match=words):
        load_models(path, None, CPU)


def test_heads_that_do_not_part_the_widths_ask_for_a_yaml(tensors: State, tmp_path: Path) -> None:
    path = save(tmp_path / "bare.safetensors", tensors)
    load_models(path, None, CPU)  # 8 heads, as SD1.5, part 32
    path.with_suffix(".yaml").write_text("model: {params: {unet_config: {params: {num_heads: 5}}}}")
    with pytest.raises(BadFile, match="a yaml tells how many"):
        load_models(path, None, CPU)


@pytest.mark.parametrize("names", ["ldm", "ldm with prefix", "diffusers", "diffusers' first"])
def test_a_vae_is_read_under_any_names(
    names: str, models: Models, tensors: State, tmp_path: Path
) -> None:
    own = {k: t for k, t in tensors.items() if k.startswith(VAE)}
    state = {
        "ldm": {k.removeprefix(VAE): t for k, t in own.items()},
        "ldm with prefix": own,
        "diffusers": dict(models.vae.state_dict()),
        "diffusers' first": {first_name(k): t for k, t in models.vae.state_dict().items()},
    }[names]
    vae = load_vae(save(tmp_path / "vae.safetensors", state), Facts(), CPU)
    for key, tensor in models.vae.state_dict().items():
        assert torch.equal(vae.state_dict()[key], tensor)


def first_name(key: str) -> str:
    for new, old in (("to_q", "query"), ("to_k", "key"), ("to_v", "value")):
        key = key.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
    return key.replace("attentions.0.to_out.0.", "attentions.0.proj_attn.")


def test_a_vae_of_another_family_is_refused(tmp_path: Path, models: Models) -> None:
    state = dict(models.vae.state_dict())
    state["decoder.conv_in.weight"] = torch.ones(32, 16, 3, 3)
    with pytest.raises(BadFile, match="latents have 16 channels"):
        load_vae(save(tmp_path / "flux.safetensors", state), Facts(), CPU)


def test_other_sizes_are_read_from_the_shapes(tmp_path: Path) -> None:
    sizes = replace(
        SIZES, channels=(64, 32, 64, 96), heads=8, text_layers=3, vae_channels=(32, 64, 64, 32)
    )
    path = write_checkpoint(tmp_path / "wide.safetensors", replace(sizes, vae_layers=2))
    models = load_models(path, None, CPU)
    assert models.unet.config["block_out_channels"] == (64, 32, 64, 96)
    assert models.vae.config["layers_per_block"] == 2
    assert models.text_encoder.config.num_hidden_layers == 3
