"""Train the recogniser of the embedded world: who is it, whatever she does and wears.

    python -m tools.recognise --faces FOLDER_OF_TFLITE --out models/embedded/faces

A small network on aligned 112-pixel crops with a margin on the cosine (Wang et al., CosFace, 2018,
arXiv 1801.09414), in the form in which insightface keeps its recognition models.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import torch
from diffusers import AutoencoderKL
from insightface.utils.face_align import norm_crop
from torch import Tensor, nn

from easyphoto_video.faces.mesh import MeshDetector
from easyphoto_video.host.standalone.device import target
from easyphoto_video.host.standalone.model.load import load_models
from tools.drawing import render
from tools.models import decode, encode
from tools.train.export import CHECKPOINT
from tools.train.vae import to_pictures, to_tensor
from tools.world import BACKGROUND, CLOTHES, HAIR, STYLES, Person, random_person, random_pose

SIDE = 112
WIDTHS = (24, 48, 96, 128)
FEATURES = 128
SCALE, MARGIN = 20.0, 0.3
BATCH = 64
FIRST_SEED, HELD_OUT = 5_000_000, 9_000_000
"""Persons by seed; those from HELD_OUT on are for judging only."""
BLURRED = 0.3
"""Share of pictures that go through the autoencoder, as those do that the model draws."""


@dataclass(frozen=True)
class Album:
    """Aligned crops (N, 112, 112, 3) uint8 RGB and whose each is (N,)."""

    crops: np.ndarray
    owners: np.ndarray


def sitting(person: Person, rng: np.random.Generator) -> Person:
    """The same person on another day: other clothes and place, at times other hair or glasses."""
    values = dict(vars(person))
    values["clothes"] = list(CLOTHES)[rng.integers(len(CLOTHES))]
    values["background"] = list(BACKGROUND)[rng.integers(len(BACKGROUND))]
    if rng.random() < 0.2:
        values["style"] = STYLES[rng.integers(len(STYLES))]
    if rng.random() < 0.1:
        values["hair"] = list(HAIR)[rng.integers(len(HAIR))]
    if rng.random() < 0.2:
        values["glasses"] = not values["glasses"]
    return Person(**values)


def album(detector: MeshDetector, vae: nn.Module, first: int, persons: int, each: int) -> Album:
    """Crops of `persons` persons, from the seed `first` on, where the detector sees them."""
    crops, owners = [], []
    for owner in range(persons):
        rng = np.random.default_rng(first + owner)
        person = random_person(rng)
        pictures = np.stack([render(sitting(person, rng), random_pose(rng)) for _ in range(each)])
        soft = rng.random(each) < BLURRED
        if soft.any():
            with torch.no_grad():
                latents = encode(vae, to_tensor(pictures[soft])).mode()
                pictures[soft] = to_pictures(decode(vae, latents))
        for picture in pictures:
            faces = detector.detect(picture)
            if faces:
                crops.append(norm_crop(picture, faces[0].points, SIDE))
                owners.append(owner)
        if owner % 100 == 99:
            print(f"drawn {owner + 1} persons, {len(crops)} crops", flush=True)
    return Album(np.stack(crops), np.array(owners))


def network() -> nn.Sequential:
    """(N, 3, 112, 112) in -1..1 -> (N, FEATURES); 0.6 M parameters."""
    layers: list[nn.Module] = []
    before = 3
    for width in WIDTHS:
        layers += _block(before, width, 2) + _block(width, width, 1)
        before = width
    flat = [nn.Conv2d(before, 32, 1), nn.Flatten(), nn.Dropout(0.2)]
    return nn.Sequential(*layers, *flat, nn.Linear(32 * 49, FEATURES), nn.BatchNorm1d(FEATURES))


def _block(before: int, after: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return [conv, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]


def shaken(crops: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Crops as other cameras and other points would give them, -1..1."""
    out = []
    for crop in crops:
        turn = cv2.getRotationMatrix2D((56, 56), rng.normal(0, 3), rng.uniform(0.93, 1.07))
        turn[:, 2] += rng.normal(0, 1.5, 2)
        crop = cv2.warpAffine(crop, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
        if rng.random() < 0.4:
            crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.4, 1.6))
        light = (
            crop * rng.uniform(0.88, 1.12)
            + rng.normal(0, 6, 3)
            + rng.normal(0, rng.uniform(0, 6), crop.shape)
        )
        out.append(np.clip(light, 0, 255))
    return torch.from_numpy(np.stack(out)).permute(0, 3, 1, 2).float() / 127.5 - 1


def learn(album: Album, epochs: int, net: nn.Sequential) -> None:
    """CosFace over the album's owners."""
    classes = nn.Parameter(torch.randn(int(album.owners.max()) + 1, FEATURES) * 0.1)
    groups = [*net.parameters(), classes]
    optimiser = torch.optim.AdamW(groups, lr=2e-3, weight_decay=5e-4)
    steps = epochs * (len(album.crops) // BATCH)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, steps, pct_start=0.1)
    rng = np.random.default_rng(1)
    net.train()
    for step in range(steps):
        chosen = rng.integers(0, len(album.crops), BATCH)
        owners = torch.from_numpy(album.owners[chosen])
        found = nn.functional.normalize(net(shaken(album.crops[chosen], rng)))
        cosines = found @ nn.functional.normalize(classes).T
        # The margin grows, since at first nothing is told apart.
        margin = MARGIN * min(1.0, 2 * step / steps)
        cosines = cosines - margin * nn.functional.one_hot(owners, len(classes))
        loss = nn.functional.cross_entropy(SCALE * cosines, owners)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
        if step % 100 == 0:
            print(f"step {step}/{steps}, loss {loss.item():.3f}", flush=True)
    net.eval()


def judge(net: nn.Sequential, album: Album) -> dict[str, float]:
    """True accepts at 1 % false accepts, its threshold, and mean cosines."""
    with torch.no_grad():
        crops = torch.from_numpy(album.crops).permute(0, 3, 1, 2).float() / 127.5 - 1
        found = torch.cat([nn.functional.normalize(net(part)) for part in crops.split(256)])
    cosines = (found @ found.T).numpy()
    same = album.owners[:, None] == album.owners[None]
    upper = np.triu(np.ones_like(same), 1).astype(bool)
    own, others = cosines[same & upper], cosines[~same & upper]
    threshold = float(np.quantile(others, 0.99))
    return {
        "true accepts": float((own >= threshold).mean()),
        "threshold": threshold,
        "same, mean": float(own.mean()),
        "others, mean": float(others.mean()),
        "others, spread": float(others.std()),
    }


def export(net: nn.Sequential, path: Path) -> None:
    """One ONNX file, read by insightface as an ArcFace model."""
    with warnings.catch_warnings():
        # The newer exporter needs a package more.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        torch.onnx.export(
            net,
            (torch.zeros(1, 3, SIDE, SIDE),),
            str(path),
            input_names=["input.1"],
            output_names=["embedding"],
            dynamic_axes={"input.1": {0: "n"}, "embedding": {0: "n"}},
            opset_version=13,
            dynamo=False,
        )
    halve(path)


def halve(path: Path) -> None:
    """Keep the weights of an ONNX file in fp16: half the size, and the same arithmetic in fp32."""
    model = onnx.load(path)
    casts = []
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32:
            continue
        name = weight.name
        small = onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half")
        weight.CopyFrom(small)
        to_float = onnx.TensorProto.FLOAT
        casts.append(
            onnx.helper.make_node("Cast", [small.name], [name], f"Cast.{name}", to=to_float)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw, learn, judge, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path("models/embedded"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--persons", type=int, default=1500)
    parser.add_argument("--epochs", type=int, default=14)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    vae = load_models(options.models / CHECKPOINT, None, target("cpu", "fp32")).vae
    make(MeshDetector(options.faces), vae, options.out, options.persons, options.epochs)


def make(
    detector: MeshDetector, vae: AutoencoderKL, out: Path, persons: int = 1500, epochs: int = 14
) -> Path:
    """The file, in the folder `out`; prints how well it tells people apart."""
    torch.manual_seed(0)
    seen = album(detector, vae, FIRST_SEED, persons, 9)
    unseen = album(detector, vae, HELD_OUT, 150, 8)
    net = network()
    learn(seen, epochs, net)
    out.mkdir(parents=True, exist_ok=True)
    export(net, out / "recogniser.onnx")
    for name, value in judge(net, unseen).items():
        print(f"{name}: {value:.3f}")
    return out / "recogniser.onnx"


if __name__ == "__main__":
    main()
