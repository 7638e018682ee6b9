"""What a LoRA was trained on shows in its shapes, whoever named its keys, else in its notes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.host.checkpoint.facts import Facts
from easyphoto_video.host.checkpoint.shapes import unet_config
from easyphoto_video.host.library import CHECKPOINTS, EMBEDDED_FOLDER
from easyphoto_video.lora_base import FAMILIES, lora_base
from easyphoto_video.tensors import load_state_dict

UNET = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_"
TEXT = "text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight"


def write(path: Path, key: str, width: int, notes: dict[str, str] | None = None) -> Path:
    first = torch.zeros(4, 320)
    tensors = {f"{UNET}attn1_to_k.lora_down.weight": first} if "unet" in key else {}
    tensors |= {key: torch.zeros(4, width)}
    if path.suffix == ".ckpt":
        torch.save(tensors, path)
    else:
        save_file(tensors, path, notes)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
@pytest.mark.parametrize(
    ("key", "width", "name"),
    [
        (f"{UNET}attn2_to_k.lora_down.weight", 768, "Stable Diffusion 1.x"),
        (f"{UNET}attn2_to_v.lora_down.weight", 1024, "Stable Diffusion 2.x"),
        (f"{UNET}attn2_to_k.lora_down.weight", 2048, "SDXL"),
        (f"{UNET}attn2_to_k.lora_down.weight", 64, "the embedded model"),
        (f"{UNET}attn2_to_k.lora_down.weight", 96, "a base model with text 96 wide"),
        ("unet.down_blocks.0.attn2.to_k.lora_A.weight", 768, "Stable Diffusion 1.x"),
        ("unet.down_blocks.0.attn2.to_v.lora_A.default.weight", 2048, "SDXL"),
        ("unet.a.attn2.processor.to_k_lora.down.weight", 768, "Stable Diffusion 1.x"),
        (f"lora_te_{TEXT}", 1024, "Stable Diffusion 2.x"),
        (f"lora_te1_{TEXT}", 768, "SDXL"),
        ("lora_unet_conv_in.lora_down.weight", 4, "an unknown base model"),
    ],
)
def test_shapes_tell(tmp_path: Path, suffix: str, key: str, width: int, name: str) -> None:
    base = lora_base(write(tmp_path / f"ada{suffix}", key, width))
    assert base.name == name
    assert base.suits(768) == (base.width in (None, 768))


def test_notes_tell_what_shapes_do_not(tmp_path: Path) -> None:
    notes = {"ss_base_model_version": "sdxl_base_v1-0", "ss_sd_model_name": "juggernaut"}
    base = lora_base(write(tmp_path / "a.safetensors", "lora_unet_conv_in.weight", 4, notes))
    assert (base.name, base.trained_on) == ("SDXL", "juggernaut")


def test_the_embedded_models_width_is_that_of_its_file() -> None:
    path = EMBEDDED_FOLDER / str(CHECKPOINTS.embedded)
    unet = unet_config(load_state_dict(path), Facts(), path)
    assert FAMILIES[unet["cross_attention_dim"]] == "the embedded model"


def test_what_is_no_file_of_tensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        lora_base(tmp_path / "none.safetensors")
    (tmp_path / "a.safetensors").write_bytes(b"\x08" + bytes(7) + b"no json!")
    with pytest.raises(BadFile):
        lora_base(tmp_path / "a.safetensors")
    with pytest.raises(BadFile, match="this is no LoRA"):
        lora_base(write(tmp_path / "b.safetensors", "conv.weight", 768))
