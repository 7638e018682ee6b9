"""What is learnt is a LoRA in kohya's form: our reader and peft draw the same with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from easyphoto_video.host.library import CHECKPOINTS, Library
from easyphoto_video.host.standalone.device import target
from easyphoto_video.host.standalone.model.load import Models, load_models
from easyphoto_video.host.standalone.model.lora import read_lora
from easyphoto_video.host.standalone.model.merge import Merge, merged
from easyphoto_video.host.standalone.prompt.encode import encode_all
from easyphoto_video.host.standalone.train.adapters import (
    Adapter,
    Adapters,
    text_layers,
    unet_layers,
)
from tests.host.standalone.small import save


@pytest.fixture(scope="module")
def models(library: Library) -> Models:
    return load_models(library.find(CHECKPOINTS, "tiny"), None, target("cpu", "fp32"))


@pytest.fixture
def learnt(models: Models) -> Adapters:
    """As if something had been learnt."""
    torch.manual_seed(1)
    adapters = Adapters(models.unet, models.text_encoder, 4, 0.5)
    with torch.no_grad():
        for name, parameter in adapters.named_parameters():
            # In float16's steps, so that a file holds it exactly.
            values = (torch.randn_like(parameter) * (0.3 if "up" in name else 0.05)).half()
            parameter.copy_(values.float())
    return adapters


def drawn(models: Models) -> Tensor:
    noise = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    words = encode_all(["a face"], models.text_encoder)["a face"].expand(2, -1, -1)
    with torch.no_grad():
        return models.unet(noise, torch.tensor([300, 800]), words).sample


def test_as_new_it_changes_nothing(models: Models) -> None:
    plain = drawn(models)
    adapters = Adapters(models.unet, models.text_encoder, 4, 1.0)
    with adapters.attached(models.unet, models.text_encoder):
        assert torch.equal(drawn(models), plain)


def test_our_reader_draws_the_same_with_the_file(
    models: Models, learnt: Adapters, tmp_path: Path
) -> None:
    plain = drawn(models)
    with learnt.attached(models.unet, models.text_encoder):
        while_learnt = drawn(models)
    file = save(tmp_path / "ada.safetensors", learnt.state())
    with merged(models.unet, models.text_encoder, [Merge(read_lora(file), 1.0, 1.0)]):
        from_file = drawn(models)
    assert (while_learnt - plain).std() > 0.01
    assert torch.allclose(while_learnt, from_file, atol=1e-4)
    assert torch.equal(drawn(models), plain)


def test_peft_adds_the_same() -> None:
    peft = pytest.importorskip(
        "peft", reason="needs the package peft, which nothing else here does"
    )
    torch.manual_seed(2)
    layer = nn.Linear(6, 10)
    own = Adapter(layer, 4, 0.5)
    nn.init.normal_(own.up)
    config = peft.LoraConfig()
    wrapped = peft.tuners.lora.Linear(layer, "ada", config, r=4, lora_alpha=2)
    with torch.no_grad():
        wrapped.get_parameter("lora_A.ada.weight").copy_(own.down)
        wrapped.get_parameter("lora_B.ada.weight").copy_(own.up)
    x = torch.randn(3, 6)
    assert torch.allclose(wrapped(x), layer(x) + own(x), atol=1e-6)


def test_it_adds_the_product_of_its_factors() -> None:
    torch.manual_seed(2)
    layer = nn.Linear(6, 10)
    own = Adapter(layer, 4, 0.5)
    nn.init.normal_(own.up)
    x = torch.randn(3, 6)
    changed = nn.functional.linear(x, layer.weight + 0.5 * own.up @ own.down, layer.bias)
    assert torch.allclose(changed, layer(x) + own(x), atol=1e-6)


def test_a_convolution_is_flat_too() -> None:
    torch.manual_seed(2)
    layer = nn.Conv2d(6, 10, 1)
    own = Adapter(layer, 4, 0.5)
    nn.init.normal_(own.up)
    changed = nn.Conv2d(6, 10, 1)
    changed.load_state_dict(layer.state_dict())
    changed.weight.data += 0.5 * (own.up @ own.down)[..., None, None]
    x = torch.randn(2, 6, 5, 5)
    assert torch.allclose(changed(x), layer(x) + own(x), atol=1e-5)
    assert own.tensors()["lora_up.weight"].shape == (10, 4, 1, 1)
    assert float(own.tensors()["alpha"]) == 2.0


def test_it_reaches_attention_and_feed_forward_alone(models: Models) -> None:
    names = unet_layers(models.unet)
    assert "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q" in names
    assert "down_blocks_0_attentions_0_proj_in" in names
    assert not any("resnets" in name or "time" in name for name in names)
    assert "text_model_encoder_layers_0_self_attn_q_proj" in text_layers(models.text_encoder)
    assert not any("embed" in name for name in text_layers(models.text_encoder))


def test_a_file_fills_it_again(models: Models, learnt: Adapters) -> None:
    other = Adapters(models.unet, models.text_encoder, 4, 0.5)
    other.fill(learnt.state())
    pairs = zip(other.state().values(), learnt.state().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
