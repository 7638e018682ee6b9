"""LoRAs: read under every name, merged by the plain formula, and out again by identity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadFile
from easyphoto_video.host.standalone.device import Target
from easyphoto_video.host.standalone.model.load import Models, load_models
from easyphoto_video.host.standalone.model.lora import PictureLora, read_lora
from easyphoto_video.host.standalone.model.merge import Merge, merged
from tests.host.standalone.small import kohya, save
from tests.motion.files import motion_lora
from tools.tiny_checkpoint import CONV, FC1, TO_Q

State = dict[str, Tensor]
Q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
OUT = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0"
TE = "encoder.layers.0.mlp.fc1"
RANK, ALPHA = 2, 1.0


@pytest.fixture(scope="module")
def models(data: Path) -> Models:
    path = data / "models" / "Stable-diffusion" / "tiny.safetensors"
    return load_models(path, None, Target(torch.device("cpu"), torch.float32))


def weight(network: nn.Module, name: str) -> Tensor:
    layer: Any = network.get_submodule(name.removeprefix("text_model."))
    return layer.weight


def read(folder: Path, tensors: State) -> PictureLora:
    return read_lora(save(folder / "lora.safetensors", tensors))


def test_the_merge_is_the_plain_formula(models: Models, tmp_path: Path) -> None:
    tensors = kohya(RANK, ALPHA)
    names = {
        f"lora_unet_{TO_Q}": (models.unet, Q, 0.5),
        f"lora_unet_{CONV}": (models.unet, "mid_block.resnets.0.conv1", 0.5),
        f"lora_te_{FC1}": (models.text_encoder, TE, -2.0),
    }
    before = {name: weight(net, layer) for name, (net, layer, _) in names.items()}
    with merged(models.unet, models.text_encoder, [Merge(read(tmp_path, tensors), -2.0, 0.5)]):
        for name, (network, layer, share) in names.items():
            up, down = (tensors[f"{name}.lora_{part}.weight"] for part in ("up", "down"))
            product = torch.einsum("or,r...->o...", up.flatten(1), down)
            expected = before[name] + share * ALPHA / RANK * product
            assert torch.allclose(weight(network, layer), expected, atol=1e-6)
    for name, (network, layer, _) in names.items():
        assert weight(network, layer) is before[name]


def test_out_and_back_is_identity_also_after_an_exception(models: Models, tmp_path: Path) -> None:
    parameters = [*models.unet.parameters(), *models.text_encoder.parameters()]
    values = [p.clone() for p in parameters]
    merge = Merge(read(tmp_path, kohya()), 1.0, 1.0)
    with (
        pytest.raises(RuntimeError, match="inside"),
        merged(models.unet, models.text_encoder, [merge, merge]),
    ):
        raise RuntimeError("inside")
    after = [*models.unet.parameters(), *models.text_encoder.parameters()]
    assert all(a is b for a, b in zip(after, parameters, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(after, values, strict=True))


def test_several_add_up(models: Models, tmp_path: Path) -> None:
    lora = read(tmp_path, kohya())
    unet, text = models.unet, models.text_encoder
    with merged(unet, text, [Merge(lora, 0.25, 0.25), Merge(lora, 0.5, 0.5)]):
        both = weight(unet, Q).clone()
    with merged(unet, text, [Merge(lora, 0.75, 0.75)]):
        assert torch.allclose(weight(unet, Q), both, atol=1e-6)


def pair(up: str, down: str) -> State:
    torch.manual_seed(1)
    return {up: torch.randn(32, RANK), down: torch.randn(RANK, 32)}


def kohya_names(layer: str) -> State:
    stem = "lora_unet_" + layer.replace(".", "_")
    return pair(f"{stem}.lora_up.weight", f"{stem}.lora_down.weight")


NAMES: dict[str, Callable[[str], State]] = {
    "kohya": kohya_names,
    "peft": lambda x: pair(f"unet.{x}.lora_B.weight", f"unet.{x}.lora_A.weight"),
    "peft, raw": lambda x: pair(
        f"base_model.model.{x}.lora_B.default.weight", f"base_model.model.{x}.lora_A.default.weight"
    ),
    "diffusers": lambda x: pair(f"unet.{x}.lora.up.weight", f"unet.{x}.lora.down.weight"),
    "diffusers' first": lambda x: pair(
        f"unet.{processor(x)}_lora.up.weight", f"unet.{processor(x)}_lora.down.weight"
    ),
    "the v3 adapter": lambda x: pair(
        f"module.{processor(x)}_lora.up.weight", f"module.{processor(x)}_lora.down.weight"
    ),
}


def processor(layer: str) -> str:
    """attn1.to_out.0 is attn1.processor.to_out in these names."""
    return layer.replace(".to_", ".processor.to_").removesuffix(".0")


@pytest.mark.parametrize("layer", [Q, OUT])
@pytest.mark.parametrize("names", NAMES)
def test_all_names_of_a_layer_mean_it(
    names: str, layer: str, models: Models, tmp_path: Path
) -> None:
    lora = read(tmp_path, NAMES[names](layer))
    like = read(tmp_path, kohya_names(layer))
    before = weight(models.unet, layer)
    with merged(models.unet, models.text_encoder, [Merge(lora, 1.0, 1.0)]):
        found = weight(models.unet, layer)
        assert not torch.equal(found, before)
    with merged(models.unet, models.text_encoder, [Merge(like, 1.0, 1.0)]):
        assert torch.equal(weight(models.unet, layer), found)


KOHYA_TE, TE_NAME = "lora_te_" + FC1, f"text_encoder.text_model.{TE}"


@pytest.mark.parametrize(
    ("up", "down"),
    [
        (f"{KOHYA_TE}.lora_up.weight", f"{KOHYA_TE}.lora_down.weight"),
        (f"{TE_NAME}.lora_B.weight", f"{TE_NAME}.lora_A.weight"),
        (f"{TE_NAME}.lora_linear_layer.up.weight", f"{TE_NAME}.lora_linear_layer.down.weight"),
    ],
    ids=["kohya", "peft", "diffusers"],
)
def test_names_of_the_text_encoder(up: str, down: str, tmp_path: Path, models: Models) -> None:
    torch.manual_seed(1)
    lora = read(tmp_path, {up: torch.randn(256, 2), down: torch.randn(2, 64)})
    before = weight(models.text_encoder, TE)
    with merged(models.unet, models.text_encoder, [Merge(lora, 1.0, 0.0)]):
        assert not torch.equal(weight(models.text_encoder, TE), before)


def test_a_kernel_in_three_parts(tmp_path: Path, models: Models) -> None:
    torch.manual_seed(1)
    name = f"lora_unet_{CONV}"
    up, down = torch.randn(64, 3, 1, 1), torch.randn(2, 64, 1, 1)
    mid = torch.randn(2, 2, 3, 3)
    parts = {"up": up[:, :2], "mid": mid, "down": down}
    lora = read(tmp_path, {f"{name}.lora_{part}.weight": t for part, t in parts.items()})
    layer: Any = models.unet.get_submodule("mid_block.resnets.0.conv1")
    x = torch.randn(1, 64, 5, 5)
    as_layers = nn.functional.conv2d(x, down)
    as_layers = nn.functional.conv2d(as_layers, mid, padding=1)
    as_layers = nn.functional.conv2d(as_layers, up[:, :2])
    with torch.no_grad():
        before = layer(x)
        with merged(models.unet, models.text_encoder, [Merge(lora, 1.0, 1.0)]):
            assert torch.allclose(layer(x), before + as_layers, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        (motion_lora(), "this is a motion LoRA, not a LoRA"),
        ({"lora_unet_a.hada_w1_a": torch.ones(1)}, "a LoHa"),
        ({"lora_unet_a.lokr_w1": torch.ones(1)}, "a LoKr"),
        ({**kohya(), f"lora_unet_{TO_Q}.dora_scale": torch.ones(1)}, "a DoRA"),
        ({"emb_params": torch.ones(1, 64)}, "a textual inversion embedding, not a LoRA"),
        (
            {k: t for k, t in kohya().items() if not k.endswith(f"{TO_Q}.lora_up.weight")},
            "1 entries cannot be read",
        ),
        (
            {k.replace("lora_te_", "lora_te2_"): t for k, t in kohya().items()},
            "LoRA of another family: 1 of its 3 changes",
        ),
    ],
    ids=str,
)
def test_files_of_no_use_are_refused(tensors: State, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=words):
        read(tmp_path, tensors)


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key.replace("down_blocks_0", "down_blocks_9"),
        lambda key: key.replace("attn1_to_q", "ff_net_0_proj"),
    ],
    ids=["no such layer", "another size"],
)
def test_a_lora_that_does_not_fit_is_refused(
    change: Callable[[str], str], models: Models, tmp_path: Path
) -> None:
    lora = read(tmp_path, {change(key): t for key, t in kohya().items()})
    before = weight(models.unet, "mid_block.resnets.0.conv1")
    with (
        pytest.raises(BadFile, match="1 of its 3 changes find no layer"),
        merged(models.unet, models.text_encoder, [Merge(lora, 1.0, 1.0)]),
    ):
        pass
    assert weight(models.unet, "mid_block.resnets.0.conv1") is before
