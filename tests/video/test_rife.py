"""RIFE files: known by what they hold, refused with reasons, and run as the paper says.

No weights of others are here: files are made up in the published layouts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.video.between import between
from easyphoto_video.video.rife import by_rife
from easyphoto_video.video.rife_net import HalfNet, TimeNet, net_of
from tests.video.blend import by_blending

Weights = dict[str, Tensor]
HERE = Path("flownet.pkl")
WIDE = {"4": (192, 128, 96, 64), "4.25": (192, 128, 96, 64, 32), "3": (90, 90, 90)}
"""Channels of the blocks of published files."""
FIVE = (8, 6, 4, 4, 2)


def conv(name: str, made: int, given: int, side: int = 3) -> Weights:
    return {
        f"{name}.weight": torch.zeros(made, given, side, side),
        f"{name}.bias": torch.zeros(made),
    }


def up(name: str, given: int, made: int) -> Weights:
    return {f"{name}.weight": torch.zeros(given, made, 4, 4), f"{name}.bias": torch.zeros(made)}


def block(name: str, width: int, given: int, out: int) -> Weights:
    """One of 4.5 to 4.26: 20 (4.5), 24 or 52 (4.21 to 4.23, 4.25 and on) channels go out."""
    weights = conv(f"{name}.conv0.0.0", width // 2, given)
    weights |= conv(f"{name}.conv0.1.0", width, width // 2)
    for number in range(8):
        weights |= conv(f"{name}.convblock.{number}.conv", width, width)
        weights[f"{name}.convblock.{number}.beta"] = torch.ones(1, width, 1, 1)
    return weights | up(f"{name}.lastconv.0", width, out)


def version_4_6(widths: tuple[int, ...] = WIDE["4"], out: int = 24) -> Weights:
    weights: Weights = {}
    for index, width in enumerate(widths):
        weights |= block(f"block{index}", width, 12 if index else 7, out)
    return weights


def version_4_7(widths: tuple[int, ...] = WIDE["4"]) -> Weights:
    weights = conv("encode.0", 16, 3) | up("encode.1", 16, 4)
    for index, width in enumerate(widths):
        weights |= block(f"block{index}", width, 20 if index else 15, 24)
    return weights


def version_4_10(widths: tuple[int, ...] = WIDE["4"]) -> Weights:
    weights = conv("encode.0", 32, 3) | up("encode.6", 32, 8)
    weights |= conv("encode.2", 32, 32) | conv("encode.4", 32, 32)
    for index, width in enumerate(widths):
        weights |= block(f"block{index}", width, 28 if index else 23, 24)
    return weights


def version_4_25(widths: tuple[int, ...] = WIDE["4.25"]) -> Weights:
    weights = conv("encode.cnn0", 16, 3) | up("encode.cnn3", 16, 4)
    weights |= conv("encode.cnn1", 16, 16) | conv("encode.cnn2", 16, 16)
    for index, width in enumerate(widths):
        weights |= block(f"block{index}", width, 28 if index else 15, 52)
    return weights


def version_3(widths: tuple[int, ...] = WIDE["3"]) -> Weights:
    weights: Weights = {}
    for name, c in ((f"block{index}", width) for index, width in enumerate(widths)):
        layers = {"conv0.0": (c // 2, 11), "conv0.1": (c, c // 2)}
        layers |= {f"convblock{one}.{two}": (c, c) for one in range(4) for two in range(2)}
        for layer, (made, given) in layers.items():
            weights |= conv(f"{name}.{layer}.0", made, given)
            weights[f"{name}.{layer}.1.weight"] = torch.full((made,), 0.25)
        for end, out in (("conv1", 4), ("conv2", 1)):
            weights |= up(f"{name}.{end}.0", c, c // 2) | up(f"{name}.{end}.2", c // 2, out)
            weights[f"{name}.{end}.1.weight"] = torch.full((c // 2,), 0.25)
    return weights


VERSIONS = {
    "4.6": version_4_6,
    "4.7": version_4_7,
    "4.10": version_4_10,
    "4.25": version_4_25,
    "3": version_3,
}


def narrow(version: str) -> Weights:
    """The layout with few channels, filled with waves."""
    widths = {"4.25": FIVE, "3": FIVE[:3]}.get(version, FIVE[:4])
    weights = VERSIONS[version](widths)
    for number, (name, tensor) in enumerate(sorted(weights.items())):
        wave = torch.sin(torch.arange(tensor.numel()).double() * 1.7 + number)
        fan = max(1, tensor[0].numel()) if name.endswith("weight") else 1
        weights[name] = (tensor + 1.2 * wave.reshape(tensor.shape) / fan**0.5).float()
    return weights


def with_flow(right: float, index: int, mask: float = 0) -> Weights:
    """A 4.6 whose block finds that the film goes `right` of its own px, everywhere."""
    weights = version_4_6(FIVE[:4])
    bias = weights[f"block{index}.lastconv.0.bias"]  # four values for each channel
    bias[0:4], bias[8:12], bias[16:20] = -right / 2, right / 2, mask
    return weights


def saved(path: Path, weights: Weights) -> Path:
    torch.save({f"module.{name}": tensor for name, tensor in weights.items()}, path)
    return path


def waves(seed: float, height: int = 64, width: int = 64) -> Frames:
    y, x = np.mgrid[:height, :width]
    shades = [np.sin(x / (5 + k) + seed) + np.cos(y / (7 - k) + k * seed) for k in range(3)]
    return (127.5 + 60 * np.stack(shades, -1)).astype(np.uint8)


def tensor(picture: Frames) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("version", VERSIONS)
def test_published_layouts_without_motion_give_the_mean(version: str, tmp_path: Path) -> None:
    method = by_rife(saved(tmp_path / "flownet.pkl", VERSIONS[version]()))
    before, after = waves(0), waves(1)
    (made,) = method(before, after, [0.5])
    (mean,) = by_blending(before, after, [0.5])
    assert np.abs(made.astype(int) - mean).max() <= 1


@pytest.mark.parametrize(
    ("version", "scales", "multiple"),
    [
        ("4.6", (8, 4, 2, 1), 32),
        ("4.7", (8, 4, 2, 1), 32),
        ("4.10", (8, 4, 2, 1), 32),
        ("4.25", (16, 8, 4, 2, 1), 64),
        ("3", (4, 2, 1), 32),
    ],
)
def test_a_file_is_known_by_its_shapes(
    version: str, scales: tuple[int, ...], multiple: int
) -> None:
    net = net_of(narrow(version), HERE)
    assert (net.scales, net.multiple) == (scales, multiple)
    assert isinstance(net, HalfNet if version == "3" else TimeNet)


def test_4_5_and_the_lite_4_25() -> None:
    assert isinstance(net_of(version_4_6(FIVE[:4], out=20), HERE), TimeNet)
    lite = net_of(version_4_25((8, 6, 4, 4, 24)), HERE)
    assert (lite.scales, lite.multiple) == ((32, 16, 8, 4, 1), 128)


@pytest.mark.parametrize(("index", "scale"), [(0, 8), (1, 4), (2, 2), (3, 1)])
def test_flow_leads_from_the_middle_to_both_pictures(index: int, scale: int) -> None:
    net = net_of(with_flow(8 / scale, index), HERE)
    film = tensor(waves(0, 64, 96))
    before, after = film[..., 16:80], film[..., 8:72]  # the film goes 8 px to the right
    made = net(before, after, 0.5)
    truth = film[..., 12:76]
    assert (made - truth)[..., 8:-8].abs().max() < 1e-4
    assert (made - truth)[..., 8:-8].abs().max() < (before - truth)[..., 8:-8].abs().max() / 100


@pytest.mark.parametrize(("mask", "which"), [(60.0, 0), (-60.0, 1)])
def test_the_mask_chooses_a_picture(mask: float, which: int) -> None:
    pictures = [tensor(waves(seed)) for seed in range(2)]
    made = net_of(with_flow(0, 3, mask), HERE)(pictures[0], pictures[1], 0.5)
    assert torch.allclose(made, pictures[which], atol=1e-5)


def test_masks_add_up_without_a_head_and_replace_each_other_with_one() -> None:
    pictures = tensor(waves(0)), tensor(waves(1))
    old, new = version_4_6(FIVE[:4]), version_4_7(FIVE[:4])
    for weights in (old, new):
        weights["block0.lastconv.0.bias"][16:20] = 60
    assert torch.allclose(net_of(old, HERE)(*pictures, 0.5), pictures[0], atol=1e-5)
    mean = (pictures[0] + pictures[1]) / 2
    assert torch.allclose(net_of(new, HERE)(*pictures, 0.5), mean, atol=1e-5)


@pytest.mark.parametrize("version", ["4.6", "4.7", "4.10", "4.25"])
def test_every_weight_counts_and_so_does_time(version: str) -> None:
    weights, pictures = narrow(version), (tensor(waves(0)), tensor(waves(1)))
    net = net_of(weights, HERE)
    made = net(*pictures, 0.3)
    assert made.isfinite().all()
    assert not torch.equal(made, net(*pictures, 0.6))
    for name in [n for n in weights if n.endswith("weight")]:
        changed = net_of({**weights, name: weights[name] * 1.5}, HERE)
        assert not torch.equal(changed(*pictures, 0.3), made), name


@pytest.mark.parametrize(
    ("version", "time", "golden"),
    [
        ("4.6", 0.3, [0.1218, 0.2181, 0.4389, 0.4598]),
        ("4.7", 0.3, [0.2892, 0.2782, 0.1877, 0.5383]),
        ("4.10", 0.3, [0.4541, 0.7976, 0.6455, 0.6918]),
        ("4.25", 0.3, [0.6, 0.8273, 0.5207, 0.699]),
        ("3", 0.5, [0.6432, 0.4291, 0.1721, 0.5271]),
    ],
)
def test_pictures_are_those_of_the_programs_that_run_these_files(
    version: str, time: float, golden: list[float]
) -> None:
    """Of vs-rife, and for HD v3 of EasyPhoto, with the same weights in double precision."""
    made = net_of(narrow(version), HERE)(tensor(waves(0)), tensor(waves(1)), time)[0]
    found = [made[0, 10, 10], made[1, 20, 40], made[2, 50, 30], made[0, 33, 60]]
    assert [float(value) for value in found] == pytest.approx(golden, abs=2e-4)


def test_the_halving_network_knows_no_direction_and_only_the_middle() -> None:
    net = net_of(narrow("3"), HERE)
    one, other = tensor(waves(0)), tensor(waves(1))
    assert torch.allclose(net(one, other, 0.5), net(other, one, 0.5), atol=1e-5)
    with pytest.raises(ValueError, match="the picture at"):
        net(one, other, 0.3)


@pytest.mark.parametrize(
    ("factor", "asked"), [(2, [8]), (4, [8, 4, 12]), (3, [8, 4, 6, 5, 12, 10, 11])]
)
def test_other_times_are_halved_down_to(
    factor: int, asked: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs: list[float] = []

    def blended(net: HalfNet, before: Tensor, after: Tensor, time: float) -> Tensor:
        made = (before + after) / 2
        pairs.append(float(made.mean()))
        return made

    monkeypatch.setattr(HalfNet, "__call__", blended)
    method = by_rife(saved(tmp_path / "flownet.pkl", version_3(FIVE[:3])))
    black, white = np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)
    times = [step / factor for step in range(1, factor)]
    made = [int(frame[0, 0, 0]) for frame in method(black, white, times)]
    assert made == [round(round(time * 16) / 16 * 255) for time in times]
    assert sorted(round(mean * 16) for mean in pairs) == sorted(asked)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", [(1, 1), (37, 50), (64, 64)])
def test_any_size_and_the_same_twice(version: str, size: tuple[int, int], tmp_path: Path) -> None:
    method = by_rife(saved(tmp_path / "flownet.pkl", narrow(version)))
    before, after = waves(0, *size), waves(1, *size)
    kept = before.copy(), after.copy()
    one, other = (list(method(before, after, [0.25, 0.5])) for _ in range(2))
    assert np.array_equal(one, other)
    assert np.array_equal(kept, (before, after))
    assert [(frame.shape, frame.dtype) for frame in one] == [(before.shape, np.uint8)] * 2


def test_the_caller_stays_out_of_inference(tmp_path: Path) -> None:
    method = by_rife(saved(tmp_path / "flownet.pkl", narrow("4.6")))
    for _ in method(waves(0), waves(1), [0.25, 0.5]):
        assert not torch.is_inference_mode_enabled()


def test_the_border_is_repeated_up_to_a_multiple(tmp_path: Path) -> None:
    method = by_rife(saved(tmp_path / "flownet.pkl", narrow("4.6")))
    before, after = waves(0, 40, 50), waves(1, 40, 50)
    padded = [np.pad(frame, ((0, 24), (0, 14), (0, 0)), "edge") for frame in (before, after)]
    (small,), (large,) = method(before, after, [0.5]), method(padded[0], padded[1], [0.5])
    assert np.array_equal(small, large[:40, :50])


def test_frames_between_by_a_file(tmp_path: Path) -> None:
    method = by_rife(saved(tmp_path / "flownet.pkl", narrow("4.7")))
    given = [waves(0), waves(0.2), waves(0.2)]
    made = list(between(given, 2, method, is_closed=True))
    assert len(made) == 6
    assert all(np.array_equal(made[2 * index], frame) for index, frame in enumerate(given))
    assert np.array_equal(made[3], given[1])


def test_what_training_leaves_in_a_file_is_no_matter(tmp_path: Path) -> None:
    weights = narrow("4.6")
    plain = net_of(weights, HERE)
    save_file(
        {f"flownet.{name}": tensor for name, tensor in weights.items()}
        | {"teacher.0.weight": torch.zeros(3), "caltime.0.bias": torch.zeros(1)},
        tmp_path / "rife.safetensors",
    )
    (made,) = by_rife(tmp_path / "rife.safetensors")(waves(0), waves(1), [0.4])
    truth = plain(tensor(waves(0)), tensor(waves(1)), 0.4)[0].permute(1, 2, 0).clamp(0, 1) * 255
    assert np.abs(made - truth.numpy()).max() <= 0.51


def test_half_precision_is_read(tmp_path: Path) -> None:
    halves = {name: tensor.half() for name, tensor in narrow("4.6").items()}
    (made,) = by_rife(saved(tmp_path / "flownet.pkl", halves))(waves(0), waves(1), [0.5])
    assert made.shape == (64, 64, 3)


def broken(what: str) -> Weights:
    weights = narrow("4.6")
    if what == "lacks":
        del weights["block2.convblock.3.conv.bias"]
    if what == "shape":
        weights["block1.conv0.0.0.weight"] = torch.zeros(3, 99, 3, 3)
    if what == "blocks":
        return {name: t for name, t in weights.items() if name[:6] in ("block0", "block1")}
    if what == "flat":
        weights["block0.lastconv.0.weight"] = torch.zeros(4)
    if what == "older":
        return {"block0.convblock.0.0.weight": torch.zeros(4, 4, 3, 3)}
    if what == "other":
        return {"model.diffusion_model.out.0.weight": torch.zeros(320)}
    return weights


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("lacks", "lacks block2.convblock.3.conv.bias"),
        ("shape", r"block1.conv0.0.0.weight of this RIFE is \(3, 99, 3, 3\), not \(3, 12, 3, 3\)"),
        ("blocks", "2 whole blocks"),
        ("flat", "no convolution block0.lastconv.0.weight"),
        ("older", "older than 4.5"),
        ("other", "no RIFE file: it holds 'model.diffusion_model"),
    ],
)
def test_other_files_are_refused_by_name(what: str, reason: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "odd.pkl", broken(what))
    with pytest.raises(BadFile, match=reason) as refused:
        by_rife(path)
    assert str(path) in str(refused.value)
    assert "RIFE 4.5 to 4.26" in refused.value.next_step


def test_files_that_run_code_or_are_not_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "flownet.pkl"
    with pytest.raises(Missing):
        by_rife(path)
    torch.save({"module.block0.convblock.0.beta": Path("x")}, path)
    with pytest.raises(BadFile, match="would run code"):
        by_rife(path)
    path.write_text("no weights")
    with pytest.raises(BadFile, match=r"flownet\.pkl"):
        by_rife(path)
