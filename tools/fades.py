"""LoRAs whose weight goes from frame to frame, in a WebUI's own UNet, against its own merging.

    python -m tools.hosted --webui DIR --python EXE fades

For each kind of network that the host knows, every frame must be as the host makes it with that
weight in the tag.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.unet.attachment import Call, entered

WEIGHTS = (0.0, 0.3, 1.0)
"""Of the three frames."""
UNET = 0.8
"""The UNet's weight in the tag."""
LIMIT, EFFECT = 1e-5, 1e-3
"""Largest relative error, and the least that a LoRA must change: one without effect proves nothing.
"""
Q = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
K = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
CONV = "lora_unet_mid_block_resnets_0_conv1"
DOWN = "lora_unet_down_blocks_0_downsamplers_0_conv"
NORM = "lora_unet_down_blocks_0_resnets_0_norm1"

Shape = Callable[[str], tuple[int, ...]]
"""The shape of the weight of a layer, by its name in LoRAs."""
Draw = Callable[..., Tensor]
Tensors = dict[str, Tensor]


def linear(draw: Draw, shape: Shape) -> Tensors:
    """A LoRA of two layers, each with an alpha of its own."""
    made: Tensors = {}
    for name, alpha in ((Q, 2.0), (K, 8.0)):
        wide, narrow = shape(name)[:2]
        made[f"{name}.lora_down.weight"] = draw(4, narrow)
        made[f"{name}.lora_up.weight"] = draw(wide, 4)
        made[f"{name}.alpha"] = torch.tensor(alpha)
    return made


def locon(draw: Draw, shape: Shape) -> Tensors:
    """Kernels in two parts, of which one has a stride, and in three."""
    wide, narrow, *kernel = shape(CONV)
    made = {f"{CONV}.lora_down.weight": draw(4, narrow, 1, 1)}
    made[f"{CONV}.lora_mid.weight"] = draw(4, 4, *kernel)
    made[f"{CONV}.lora_up.weight"] = draw(wide, 4, 1, 1)
    wide, narrow, *kernel = shape(DOWN)
    made[f"{DOWN}.lora_down.weight"] = draw(4, narrow, *kernel)
    made[f"{DOWN}.lora_up.weight"] = draw(wide, 4, 1, 1)
    return made


def dora(draw: Draw, shape: Shape) -> Tensors:
    """A LoRA with magnitudes of its own."""
    made = linear(draw, shape)
    return {**made, f"{Q}.dora_scale": 1 + draw(1, shape(Q)[1]).abs()}


def loha(draw: Draw, shape: Shape) -> Tensors:
    """A product of two products."""
    wide, narrow = shape(Q)[:2]
    sizes = {"w1_a": (wide, 4), "w1_b": (4, narrow), "w2_a": (wide, 4), "w2_b": (4, narrow)}
    return {f"{Q}.hada_{part}": 3 * draw(*size) for part, size in sizes.items()}


def lokr(draw: Draw, shape: Shape) -> Tensors:
    """A Kronecker product."""
    wide, narrow = shape(Q)[:2]
    return {f"{Q}.lokr_w1": 3 * draw(4, 4), f"{Q}.lokr_w2": draw(wide // 4, narrow // 4)}


def full(draw: Draw, shape: Shape) -> Tensors:
    """The whole difference, of the bias too."""
    size = shape(DOWN)
    return {f"{DOWN}.diff": 0.2 * draw(*size), f"{DOWN}.diff_b": draw(size[0])}


def norm(draw: Draw, shape: Shape) -> Tensors:
    """A group norm's weight and bias."""
    (wide,) = shape(NORM)
    return {f"{NORM}.w_norm": draw(wide), f"{NORM}.b_norm": draw(wide)}


def ia3(draw: Draw, shape: Shape) -> Tensors:
    """Factors of the outputs."""
    return {f"{Q}.weight": 5 * draw(shape(Q)[0]), f"{Q}.on_input": torch.tensor(False)}


def oft(draw: Draw, shape: Shape) -> Tensors:
    """Rotations in blocks."""
    wide = shape(Q)[0]
    return {f"{Q}.oft_blocks": draw(4, wide // 4, wide // 4), f"{Q}.alpha": torch.tensor(0.1)}


KINDS: Mapping[str, Callable[[Draw, Shape], Tensors]] = {
    made.__name__: made for made in (linear, locon, dora, loha, lokr, full, norm, ia3, oft)
}


def drawn() -> Draw:
    """Small numbers, the same every time."""
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: 0.1 * torch.randn(shape, generator=generator)


def report(host: Any, say: Callable[[str], None]) -> int:
    """A line for each kind; 1 when a frame is not as the host makes it, or something stays."""
    from modules import shared

    from easyphoto_video.host.webui import borrowed
    from easyphoto_video.host.webui.facade import here
    from easyphoto_video.host.webui.files import checkpoint_info

    code = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        torch.no_grad(),
        here().checkpoint(checkpoint_info("embedded")),
    ):
        files = written(shared.sd_model, Path(folder))
        files["person_demo"] = host.people.lora("demo")
        with borrowed.loras(files):
            for name in files:
                found = list(measured(shared.sd_model, name))
                bad = [what for what, _, fine in found if not fine]
                told = "  ".join(f"{what} {error:.1e}" for what, error, _ in found)
                say(f"{name:14} {told}  {'WRONG: ' + ', '.join(bad) if bad else 'ok'}")
                code = 1 if bad else code
        return max(code, refused(shared.sd_model, Path(folder), say))


def written(model: Any, folder: Path) -> dict[str, Path]:
    """A file of each kind for this model, by its name in tags."""
    from easyphoto_video.host.webui.facade import here

    layer_of = here().lora_networks().convert_diffusers_name_to_compvis

    def shape(name: str) -> tuple[int, ...]:
        return tuple(model.network_layer_mapping[layer_of(name, False)].weight.shape)

    files: dict[str, Path] = {}
    for name, make in KINDS.items():
        files[name] = folder / f"{name}.safetensors"
        save_file(make(drawn(), shape), files[name])
    return files


def asked(model: Any, rows: Sequence[int]) -> Tensor:
    """What the UNet says of these of three frames, all of noise."""
    x = torch.randn(3, 4, 16, 16, generator=torch.Generator().manual_seed(1))[list(rows)]
    unet = model.model.diffusion_model
    words = torch.linspace(-1, 1, 77 * 8).view(1, 77, 8).repeat(1, 1, width(unet) // 8)
    return unet(x, torch.full((len(x),), 501), context=words.expand(len(x), -1, -1))


def width(unet: Any) -> int:
    """Of the conditions."""
    return next(m for name, m in unet.named_modules() if name.endswith("attn2.to_k")).in_features


def activate(networks: Mapping[str, Any]) -> None:
    """The host's own way; an empty one takes everything out."""
    from modules import extra_networks

    extra_networks.activate(
        SimpleNamespace(extra_generation_params={}, scripts=None), dict(networks)
    )


def tag(name: str, unet: float) -> dict[str, Any]:
    """A parsed tag without a part for the text encoder."""
    from modules import extra_networks

    return {"lora": [extra_networks.ExtraNetworkParams([name, "0", str(unet)])]}


def measured(model: Any, name: str) -> Iterator[tuple[str, float, bool]]:
    """What is compared, the relative L2 error, and whether that is as it should be."""
    from easyphoto_video.host.webui.fade import over_frames, without_unet

    unet = model.model.diffusion_model
    rows = [*range(3), *range(3)]
    activate({})
    plain = asked(model, rows)
    networks, shares = without_unet(tag(name, UNET), 1.0)
    activate(networks)
    shot: Any = SimpleNamespace(lora_shares=WEIGHTS)
    with entered(unet, [over_frames(unet, shares)]) as guests:
        yield _same("outside", asked(model, rows), plain)
        with guests.around(Call(shot=shot, frames=range(3), step=0)):
            got = asked(model, rows)
        guests.check()
    yield _same("after", asked(model, rows), plain)
    for frame, weight in enumerate(WEIGHTS):
        activate(tag(name, UNET * weight))
        error = _error(got[frame::3], asked(model, [frame, frame]))
        yield f"at {weight:g}", error, error <= LIMIT
    activate({})
    yield _same("none left", asked(model, rows), plain)
    effect = _error(got[2::3], plain[2::3])
    yield "effect", effect, effect >= EFFECT


def _same(what: str, one: Tensor, other: Tensor) -> tuple[str, float, bool]:
    return what, _error(one, other), torch.equal(one, other)


def _error(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


def refused(model: Any, folder: Path, say: Callable[[str], None]) -> int:
    """A LoRA of another width is refused by name; 1 when it is not."""
    from easyphoto_video.host.webui import borrowed
    from easyphoto_video.host.webui.fade import over_frames, without_unet

    files = {"narrow": folder / "narrow.safetensors"}
    save_file(linear(drawn(), lambda _: (48, 48)), files["narrow"])
    with borrowed.loras(files):
        networks, shares = without_unet(tag("narrow", 1.0), 1.0)
        activate(networks)
        try:
            over_frames(model.model.diffusion_model, shares)
            say("narrow         is not refused")
            return 1
        except BadFile as error:
            say(f"narrow         {error}")
            return 0
        finally:
            activate({})
