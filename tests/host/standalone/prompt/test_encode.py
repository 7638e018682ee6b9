"""Conditions, as the WebUI weighs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import CLIPTextModel

from easyphoto_video.host.standalone.device import Target
from easyphoto_video.host.standalone.model.load import load_models
from easyphoto_video.host.standalone.prompt.chunks import chunks
from easyphoto_video.host.standalone.prompt.encode import encode_all, weighted
from easyphoto_video.host.standalone.prompt.tokens import text_ids
from tests.host.standalone.small import SIZES


@pytest.fixture(scope="module")
def model(data: Path) -> CLIPTextModel:
    path = data / "models" / "Stable-diffusion" / "tiny.safetensors"
    return load_models(path, None, Target(torch.device("cpu"), torch.float32)).text_encoder


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def test_a_plain_prompt_is_the_encoders_output(model: CLIPTextModel) -> None:
    (chunk,) = chunks("a cat")
    states = model(torch.tensor([chunk.full_ids()])).last_hidden_state[0]
    assert torch.equal(encode_all(["a cat"], model)["a cat"], states)
    assert torch.equal(encode_all(["(a:1) cat"], model)["(a:1) cat"], states)


def test_clip_skip_reads_an_earlier_layer_through_the_last_norm(model: CLIPTextModel) -> None:
    (chunk,) = chunks("a cat")
    states = model(torch.tensor([chunk.full_ids()]), output_hidden_states=True).hidden_states
    expected = model.final_layer_norm(states[-2])[0]
    assert torch.equal(encode_all(["a cat"], model, clip_skip=2)["a cat"], expected)


def test_all_have_the_length_of_the_longest(model: CLIPTextModel) -> None:
    found = encode_all(["", "a BREAK b BREAK c", "cat"], model)
    assert {tuple(states.shape) for states in found.values()} == {(3 * 77, SIZES.context)}
    empty = found[""][:77]
    assert torch.allclose(found["cat"][77:], empty.repeat(2, 1), atol=1e-6)


def test_chunks_do_not_know_each_other(model: CLIPTextModel) -> None:
    both = encode_all(["a cat BREAK a dog"], model)["a cat BREAK a dog"]
    alone = encode_all(["a dog"], model)["a dog"]
    assert torch.allclose(both[77:], alone, atol=1e-5)


def test_weights_multiply_and_the_mean_stays() -> None:
    states = torch.randn(2, 77, 8) + 1
    weights = torch.ones(2, 77)
    weights[0, 3] = 2
    found = weighted(states, weights)
    assert torch.allclose(found.mean((1, 2)), states.mean((1, 2)), atol=1e-5)
    ratio = found / states
    assert torch.allclose(ratio[0, 3], 2 * ratio[0, 4], rtol=1e-4)
    assert torch.allclose(found[1], states[1])


def test_states_without_a_mean_are_only_multiplied() -> None:
    states = torch.randn(1, 77, 8)
    states -= states.mean()
    weights = torch.full((1, 77), 1.0)
    weights[0, 3] = 2
    assert torch.equal(weighted(states, weights), states * weights[..., None])


def test_vectors_take_the_place_of_words_and_leave_no_hook(model: CLIPTextModel) -> None:
    """The vectors of a word's own tokens change nothing."""
    cat = text_ids("cat")[0]
    table: Any = model.get_input_embeddings().weight

    def found(vectors: Tensor) -> Tensor:
        def find(ids: Sequence[int], place: int) -> tuple[int, Tensor] | None:
            return (1, vectors) if ids[place] == cat else None

        return encode_all(["a cat!"], model, find=find)["a cat!"]

    plain = encode_all(["a cat!"], model)["a cat!"]
    assert torch.equal(found(table[cat][None]), plain)
    assert not torch.equal(found(table[:3]), plain)
    assert not model.get_input_embeddings()._forward_hooks
