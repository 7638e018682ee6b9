"""What shapes do not tell, from the yaml beside a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from easyphoto_video.errors import BadFile
from easyphoto_video.family import SD1
from easyphoto_video.host.checkpoint.facts import Facts, facts_beside

WEBUI = """
model:
  target: ldm.models.diffusion.ddpm.LatentDiffusion
  params:
    linear_start: 0.001
    linear_end: 0.02
    parameterization: "v"
    beta_schedule: sqrt_linear
    image_size: 16
    scale_factor: 0.2
    unet_config:
      params: {num_heads: 2, num_head_channels: -1}
    cond_stage_config:
      params: {num_attention_heads: 3, hidden_act: gelu}
easyphoto_video: {cfg: 2.5}
"""


def beside(folder: Path, text: str) -> Path:
    (folder / "model.yaml").write_text(text, encoding="utf-8")
    return folder / "model.safetensors"


def test_without_a_yaml_they_are_sd15s(tmp_path: Path) -> None:
    facts = facts_beside(tmp_path / "model.safetensors", {})
    assert facts == Facts()
    assert (facts.heads, facts.family.side, facts.family.prediction) == (8, 512, "epsilon")
    assert facts.betas == ("scaled_linear", 0.00085, 0.012)


def test_a_yaml_tells(tmp_path: Path) -> None:
    assert facts_beside(beside(tmp_path, WEBUI), {}) == Facts(
        family=replace(SD1, prediction="v_prediction", scale=0.2, side=128),
        betas=("linear", 0.001, 0.02),
        heads=2,
        text_heads=3,
        text_activation="gelu",
        cfg=2.5,
    )


def test_tensors_tell_the_family(tmp_path: Path) -> None:
    vae, unet = "first_stage_model.encoder.down.", "model.diffusion_model."
    tensors = {f"{vae}{level}.block.0.conv1.weight": torch.zeros(1) for level in range(3)}
    tensors[f"{unet}out.2.weight"] = torch.zeros(16, 2, 1, 1)
    tensors[f"{unet}middle_block.1.transformer_blocks.0.attn2.to_k.weight"] = torch.zeros(2, 64)
    family = facts_beside(tmp_path / "model.safetensors", tensors).family
    assert family == replace(SD1, channels=16, factor=4, text_widths=(64,), side=256)
    assert family.latents(64, 128) == (16, 32, 16)
    assert (family.rounded(13), SD1.rounded(13)) == (12, 16)
    odd = {name: torch.zeros(()) for name in tensors if name.startswith(unet)}
    assert facts_beside(tmp_path / "model.safetensors", odd).family == SD1


def test_a_short_yaml_leaves_the_rest(tmp_path: Path) -> None:
    assert facts_beside(beside(tmp_path, "model: {params: {image_size: 32}}"), {}) == Facts(
        family=replace(SD1, side=256)
    )


def test_marks_in_the_file_tell_too(tmp_path: Path) -> None:
    facts = facts_beside(tmp_path / "model.safetensors", {"v_pred": 0, "ztsnr": 0})
    assert (facts.family.prediction, facts.zero_snr) == ("v_prediction", True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model: [", "cannot be read as yaml"),
        ("other: 1", "no model.params"),
        ("- 1", "no model.params"),
        ("model: {params: {parameterization: x0}}", "'x0' is not one of eps, v"),
        ("model: {params: {beta_schedule: cosine}}", "'cosine' is not one of"),
        ("model: {params: {linear_start: small}}", "small"),
        ("model: {params: {unet_config: {params: {num_heads: 0}}}}", "num_heads 0"),
        ("model: {params: {}}\neasyphoto_video: {cfg: 0}", "cfg 0"),
    ],
)
def test_what_cannot_be_used_is_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=words) as caught:
        facts_beside(beside(tmp_path, text), {})
    assert caught.value.path.name == "model.yaml"
