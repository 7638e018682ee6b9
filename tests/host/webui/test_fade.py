"""LoRAs that fade in the small WebUI; tools.hosted fades does it in a real one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadFile, BadRequest, Missing
from easyphoto_video.motion.fading import Chain
from easyphoto_video.unet.attachment import Call, entered
from tests.host.standalone import small
from tests.host.standalone.small import SIZES, write_library
from tests.host.webui import standin
from tests.motion.test_attach import state

FILE = SimpleNamespace(filename="film.safetensors")


@pytest.fixture(scope="module")
def unet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The small WebUI's."""
    with standin.installed(write_library(tmp_path_factory.mktemp("webui"))):
        from modules import shared

        yield shared.sd_model.model.diffusion_model


def asked(unet: Any, rows: Tensor) -> Tensor:
    words = torch.linspace(-1, 1, 5 * SIZES.context).view(1, 5, -1).expand(len(rows), -1, -1)
    with torch.no_grad():
        return unet(rows, torch.full((len(rows),), 501), words)


def noise(rows: int) -> Tensor:
    return torch.randn(rows, 4, 16, 16, generator=torch.Generator().manual_seed(0))


def near(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).norm() <= 1e-5 * other.norm())


def parsed(prompt: str) -> dict[str, list[Any]]:
    from modules import extra_networks

    return extra_networks.parse_prompt(prompt)[1]


def activate(networks: dict[str, list[Any]]) -> None:
    from modules import extra_networks

    extra_networks.activate(None, networks)


@pytest.mark.parametrize(
    ("tag", "items", "unet_weight"),
    [
        ("film", ["film", "0.5", "0"], 1.0),
        ("film:0.8", ["film", "0.4", "0"], 0.8),
        ("film:0.8:0.3", ["film", "0.4", "0"], 0.3),
        ("film:1:0.3:8", ["film", "0.5", "0", "8"], 0.3),
        ("film:te=0.8", ["film", "0.4", "0"], 0.8),
        ("film:unet=0.2:dyn=4", ["film", "0.5", "0", "dyn=4"], 0.2),
    ],
)
def test_every_form_of_a_tag(unet: Any, tag: str, items: list[str], unet_weight: float) -> None:
    from easyphoto_video.host.webui.fade import LoraShare, without_unet

    found = parsed(f"a cat <lora:{tag}> <hypernet:other:1>")
    changed, shares = without_unet(found, 0.5)
    assert [use.items for use in changed["lora"]] == [items]
    assert changed["hypernet"] == found["hypernet"]
    assert shares == (LoraShare("film", unet_weight),)


def test_a_weight_that_is_no_number_is_refused(unet: Any) -> None:
    from easyphoto_video.host.webui.fade import without_unet

    with pytest.raises(BadRequest, match=r"<lora:film:much>. has a weight that is no number"):
        without_unet(parsed("<lora:film:much>"), 1.0)


def test_each_frame_is_as_the_host_merges_it(unet: Any) -> None:
    from easyphoto_video.host.webui.fade import over_frames, without_unet

    x, weights = noise(6), [0.0, 0.5, 1.0]
    plain, before = asked(unet, x), state(unet)
    networks, shares = without_unet(parsed("<lora:film:0.8> <lyco:film:0.2>"), 1.0)
    activate(networks)
    with entered(unet, [over_frames(unet, shares)]) as guests:
        assert torch.equal(asked(unet, x), plain)
        shot = replace(small.shot(frames=3), fades_loras=True, lora_shares=tuple(weights))
        with guests.around(Call(shot=shot, frames=range(3), step=0)):
            got = asked(unet, x)
        guests.check()
    assert state(unet) == before
    for frame, weight in enumerate(weights):
        activate(parsed(f"<lora:film:{weight}>"))
        assert near(got[frame::3], asked(unet, x[frame::3]))
    activate({})
    assert not near(got[2::3], plain[2::3])


def test_one_that_the_host_could_not_load_is_missed(unet: Any) -> None:
    from easyphoto_video.host.webui.fade import LoraShare, over_frames

    activate({})
    with pytest.raises(Missing, match="LoRA 'film' in the WebUI"):
        over_frames(unet, [LoraShare("film", 1.0)])


class Plain(SimpleNamespace):
    """The host's NetworkModule of a plain LoRA."""

    def calc_scale(self) -> float:
        """Alpha through rank."""
        return 0.5


def plain(*shapes: Sequence[int], **more: Any) -> Any:
    """Of factors of these shapes: down, mid or none, up."""
    generator = torch.Generator().manual_seed(3)
    names = ("down_model", "mid_model", "up_model")
    parts = {
        name: SimpleNamespace(weight=torch.randn(*shape, generator=generator)) if shape else None
        for name, shape in zip(names, shapes, strict=True)
    }
    network = SimpleNamespace(dyn_dim=None, unet_multiplier=0.0)
    return Plain(**{"network": network, "dora_scale": None, "bias": None, **parts, **more})


def test_a_plain_lora_stays_in_its_factors(unet: Any) -> None:
    from easyphoto_video.host.webui.networks import _change

    layer, x = nn.Linear(6, 5), torch.randn(2, 6)
    module = plain((2, 6), (), (5, 2))
    change = _change(layer, module, 0.8)
    assert isinstance(change, Chain)
    whole = 0.8 * 0.5 * module.up_model.weight @ module.down_model.weight
    assert torch.allclose(change(layer, x), x @ whole.T, atol=1e-5)
    assert _change(layer, plain((2, 7), (), (5, 2)), 0.8) is None


def test_the_first_layer_of_an_inpainting_model_has_more_channels(unet: Any) -> None:
    from easyphoto_video.host.webui.networks import _change

    layer, x = nn.Conv2d(9, 5, 3, padding=1), torch.randn(2, 9, 4, 4)
    module = plain((2, 4, 3, 3), (), (5, 2, 1, 1))
    change = _change(layer, module, 1.0)
    assert change is not None
    usual = nn.Conv2d(4, 5, 3, padding=1)
    expected = Chain((module.down_model.weight, 0.5 * module.up_model.weight))(usual, x[:, :4])
    assert torch.allclose(change(layer, x), expected, atol=1e-5)


def test_one_of_another_size_is_refused_by_name(unet: Any) -> None:
    from easyphoto_video.host.webui.networks import changes

    layer = nn.Linear(6, 5)
    layer.network_layer_name = "there"  # type: ignore[assignment]
    network = SimpleNamespace(modules={"there": plain((2, 7), (), (5, 2))}, network_on_disk=FILE)
    with pytest.raises(BadFile, match=r"film\.safetensors: .* 1 of its 1 changes find no layer"):
        changes(layer, network, 1.0)
