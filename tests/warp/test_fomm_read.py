"""First Order Motion Models from files: known by keys and shapes, never run, never guessed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.warp.fomm.read import read_fomm
from tests.warp.small import CONFIG, model, official_file, parts, pictures, safetensors_file

pytestmark = pytest.mark.slow(reason="checks networks that rarely change against official code")

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "fomm"


class Poison:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch poisoned",)


@torch.no_grad()
def test_both_forms_of_file_hold_the_same_model(tmp_path: Path) -> None:
    made = model(replace(CONFIG, dense=replace(CONFIG.dense, variance=0.003), aligned_flow=True))
    file = safetensors_file(tmp_path / "any name", made)
    read = read_fomm(file)
    assert read.config == made.config
    points = read.kp_detector(pictures(2))
    assert points.value.equal(made.kp_detector(pictures(2)).value)
    assert read.generator(pictures(2), points, points).equal(
        made.generator(pictures(2), points, points)
    )
    official = read_fomm(
        official_file(tmp_path / "x.pth.tar", made, epoch=3, optimizer_generator={"lr": 1})
    )
    assert all(
        mine.equal(theirs)
        for mine, theirs in zip(
            official.state_dict().values(), made.state_dict().values(), strict=True
        )
    )


def test_what_no_shape_tells_is_the_official_default(tmp_path: Path) -> None:
    """Real weights have no notes; they were trained with corners at corners."""
    read = read_fomm(official_file(tmp_path / "x", model()))
    assert read.config.align_corners and not read.config.aligned_flow
    assert read.config.detector == replace(CONFIG.detector, padding=0)
    assert (read.config.dense.variance, read.config.detector.temperature) == (0.01, 0.1)


@pytest.mark.parametrize("maps", [0, 1])
def test_fewer_jacobians_are_told_by_the_shapes(tmp_path: Path, maps: int) -> None:
    config = replace(CONFIG, detector=replace(CONFIG.detector, jacobians=maps))
    config = replace(config, dense=replace(config.dense, occlusion=bool(maps), shrink=1))
    assert read_fomm(safetensors_file(tmp_path / "x", model(config))).config == config


def test_counts_of_batches_may_be_missing(tmp_path: Path) -> None:
    kept = {k: t for k, t in model().state_dict().items() if not k.endswith("batches_tracked")}
    save_file(kept, tmp_path / "x", {"pad": "3"})
    assert read_fomm(tmp_path / "x").config == CONFIG


def test_the_official_file_of_the_golden_folder() -> None:
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN} is missing")
    read = read_fomm(GOLDEN / "tiny-cpk.pth.tar")
    assert read.config.detector.widths == (2, 4, 8, 8, 8, 8)
    assert read.config.generator.residuals == 6


def test_a_poisoned_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = official_file(tmp_path / "x.pth.tar", model(), epoch=Poison())
    with pytest.raises(BadFile, match="would run code"):
        read_fomm(file)
    assert not (tmp_path / "poisoned").exists()


def without(name: str) -> dict[str, Tensor]:
    return {k: t for k, t in model().state_dict().items() if name not in k}


BAD: dict[str, tuple[dict[str, Tensor], str]] = {
    "a LoRA": ({"lora_unet_x.lora_down.weight": torch.zeros(4, 4)}, "no First Order Motion Model"),
    "no detector": (
        {f"generator.{k}": t for k, t in parts(model())["generator"].items()},
        "holds no kp_detector",
    ),
    "no dense motion": (without("dense_motion_network"), "no dense motion network"),
    "half an hourglass": (without("predictor.decoder"), "2 blocks down and 0 up"),
    "no points": (without("kp_detector.kp."), "it has no kp.weight"),
    "a tensor less": (without("mask.bias"), "1 of its tensors"),
    "a tensor more": ({**model().state_dict(), "generator.x": torch.zeros(2)}, "generator.x"),
    "another shape": (
        {**model().state_dict(), "generator.final.weight": torch.zeros(3, 9, 7, 7)},
        r"generator.final.weight \(\(3, 9, 7, 7\)\)",
    ),
    "another kernel": (
        {**model().state_dict(), "kp_detector.down.weight": torch.zeros(3, 1, 7, 7)},
        "kernel of 7 pixels",
    ),
    "odd Jacobians": (
        {**model().state_dict(), "kp_detector.jacobian.weight": torch.zeros(8, 7, 7, 7)},
        "2 maps of Jacobians for 4 points",
    ),
}


@pytest.mark.parametrize(("tensors", "told"), BAD.values(), ids=BAD.keys())
def test_what_is_no_whole_model_is_refused(
    tmp_path: Path, tensors: dict[str, Tensor], told: str
) -> None:
    save_file({k: t.contiguous() for k, t in tensors.items()}, tmp_path / "x")
    with pytest.raises(BadFile, match=told):
        read_fomm(tmp_path / "x")


def test_odd_notes_and_no_file(tmp_path: Path) -> None:
    save_file(dict(model().state_dict()), tmp_path / "x", {"align_corners": "maybe"})
    with pytest.raises(BadFile, match="align_corners is 'maybe'"):
        read_fomm(tmp_path / "x")
    with pytest.raises(Missing):
        read_fomm(tmp_path / "y")
