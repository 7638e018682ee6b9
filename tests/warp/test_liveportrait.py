"""LivePortrait's networks: golden tensors, both forms of files, what must hold of any weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.warp.liveportrait.motion import degrees, placed, rotation
from easyphoto_video.warp.liveportrait.painting import without_spectral_norm
from easyphoto_video.warp.liveportrait.read import FILES, kind_of, read_liveportrait, read_part
from easyphoto_video.warp.liveportrait.retargeting import Mlp, Retargeting
from easyphoto_video.warp.liveportrait.warping import (
    WarpingConfig,
    WarpingNetwork,
    grid3d,
    sample3d,
)
from tools import golden_liveportrait
from tools.golden_warp import Folder, largest_error

pytestmark = pytest.mark.slow(reason="checks networks that rarely change against official code")

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "liveportrait"
POINTS = 3


def folder(*groups: str) -> Folder:
    """Some of the official tensors; the test is skipped where the folder is missing."""
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN} is missing")
    whole = Folder.read(GOLDEN)
    skipped = set(golden_liveportrait.GROUPS) - set(groups)
    kept = {name: t for name, t in whole.tensors.items() if name.split(".")[0] not in skipped}
    return replace(whole, tensors=kept)


@torch.no_grad()
def test_small_networks_are_the_official_ones() -> None:
    """F, M and the three small ones; `python -m tools.parity` checks W and G, full size too."""
    golden = folder("M", "F", "S", "rotation")
    stored = golden_liveportrait.computed(golden, torch.float64)
    found = {name: largest_error(mine, t) / golden.tolerance(name) for name, mine, t in stored}
    assert len(found) == 18
    assert max(found.values()) <= 1, found


def test_both_forms_of_the_small_networks_hold_the_same() -> None:
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN} is missing")
    forms = [
        read_part(GOLDEN / f"stitching_retargeting_module.{kind}", torch.float32)
        for kind in ("pth", "safetensors")
    ]
    (first, official), (second, flat) = forms
    assert first == second == "retargeting"
    assert isinstance(official, Retargeting) and isinstance(flat, Retargeting)
    for name in ("stitching", "eyes", "lips"):
        mine, theirs = (getattr(one, name).state_dict() for one in (official, flat))
        assert all(torch.allclose(mine[key], theirs[key], atol=1e-3) for key in mine)


@pytest.mark.parametrize("name", [name for name in FILES if name != "retargeting"])
def test_files_are_known_by_their_keys(tmp_path: Path, name: str) -> None:
    """Under any name, and in the official form as well."""
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN} is missing")
    tensors = load_file(GOLDEN / f"{FILES[name]}.safetensors")
    assert kind_of(tensors) == name
    torch.save(tensors, tmp_path / "model.pth")
    assert read_part(tmp_path / "model.pth", torch.float32)[0] == name
    first = next(key for key in tensors if key.endswith("bias"))
    save_file({k: t for k, t in tensors.items() if k != first}, tmp_path / "less")
    with pytest.raises(BadFile, match="no part of LivePortrait that can be used"):
        read_part(tmp_path / "less", torch.float32)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN} is missing")
    with pytest.raises(Missing, match="motion_extractor, warping_module, spade_generator, stitch"):
        read_liveportrait([GOLDEN / "appearance_feature_extractor.safetensors"])


def test_something_else_is_refused(tmp_path: Path) -> None:
    save_file({"lora_unet_x.lora_down.weight": torch.zeros(2, 2)}, tmp_path / "x")
    with pytest.raises(BadFile, match="no part of LivePortrait"):
        read_part(tmp_path / "x", torch.float32)
    save_file({"retarget_eye_module.mlp.0.weight": torch.zeros(2, 2)}, tmp_path / "y")
    with pytest.raises(BadFile, match="no retarget_shoulder and no retarget_mouth"):
        read_part(tmp_path / "y", torch.float32)


def test_rotation_is_one_and_keeps_lengths() -> None:
    angles = torch.tensor([[3.0], [-20.0], [90.0]], dtype=torch.float64)
    turn = rotation(angles, angles.flip(0), angles / 2)
    assert torch.allclose(turn @ turn.mT, torch.eye(3, dtype=torch.float64).expand(3, 3, 3))
    assert torch.allclose(torch.linalg.det(turn), torch.ones(3, dtype=torch.float64))
    none = torch.zeros(1, 1)
    assert torch.equal(rotation(none, none, none)[0], torch.eye(3))
    kp, zero = torch.rand(1, POINTS, 3), torch.zeros(1, POINTS, 3)
    shift = torch.tensor([[0.1, 0.2, 9.0]])
    made = placed(kp, torch.eye(3)[None], zero, torch.full((1, 1), 2.0), shift)
    assert torch.allclose(made, 2 * kp + torch.tensor([0.1, 0.2, 0.0])), "depth is never shifted"


def test_degrees_of_a_sure_bin() -> None:
    logits = torch.full((2, 66), -100.0)
    logits[0, 0] = logits[1, 40] = 100.0
    assert degrees(logits).flatten().tolist() == pytest.approx([-97.5, 22.5])


def test_spectral_norm_is_taken_out() -> None:
    """The plain weight's largest singular value is 1 where u and v are the singular pair."""
    torch.manual_seed(1)
    weight = torch.randn(4, 3, 3, 3)
    u, sigma, v = torch.linalg.svd(weight.flatten(1))
    tensors = {"c.weight_orig": weight, "c.weight_u": u[:, 0], "c.weight_v": v[0], "c.bias": u[0]}
    plain = without_spectral_norm(tensors)
    assert set(plain) == {"c.weight", "c.bias"}
    assert torch.allclose(plain["c.weight"], weight / sigma[0], atol=1e-6)


@torch.no_grad()
def test_equal_points_choose_among_motions_that_move_nothing() -> None:
    torch.manual_seed(2)
    config = WarpingConfig(
        points=POINTS, channels=4, depth=3, compressed=2, widths=(2, 3, 4), outputs=5
    )
    warping = WarpingNetwork(config).eval()
    volume, points = torch.rand(2, 4, 3, 8, 8), torch.rand(2, POINTS, 3) - 0.5
    warped = warping(volume, points, points)
    still = grid3d(torch.Size((3, 8, 8)), points).expand_as(warped.flow)
    assert torch.allclose(warped.flow, still, atol=1e-5)
    assert warped.features.shape == (2, 5, 8, 8)
    assert torch.allclose(warped.mask.sum(1), torch.ones(2, 3, 8, 8), atol=1e-5)
    moved = warping(volume, points + 0.2, points)
    assert (moved.flow - warped.flow).abs().max() > 0.01


def test_the_grid_names_x_first() -> None:
    places = grid3d(torch.Size((2, 3, 5)), torch.zeros(()))
    assert places.shape == (2, 3, 5, 3)
    assert places[0, 0, -1].tolist() == [1, -1, -1] and places[-1, 0, 0].tolist() == [-1, -1, 1]
    flat = torch.full((1, 1, 2, 3, 5), 0.5)
    assert sample3d(flat, torch.zeros(1, 1, 1, 1, 3)).item() == pytest.approx(0.5)


@torch.no_grad()
def test_stitching_shifts_all_in_x_and_y_alone() -> None:
    small = Retargeting(*(Mlp((6 * POINTS, 4, 3 * POINTS + 2)) for _ in range(3)))
    layer = small.stitching.mlp[-1]
    assert isinstance(layer, torch.nn.Linear)
    torch.nn.init.zeros_(layer.weight)
    bias = torch.zeros(3 * POINTS + 2)
    bias[-2:] = torch.tensor([0.3, -0.2])
    layer.bias.copy_(bias)
    points: Tensor = torch.rand(2, POINTS, 3)
    shift = small.stitched(points, points) - points
    assert torch.allclose(shift, torch.tensor([0.3, -0.2, 0.0]).expand_as(points), atol=1e-6)
