"""The First Order Motion Model: golden tensors, and what must hold for any weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from easyphoto_video.warp.fomm.animate import animate
from easyphoto_video.warp.fomm.points import KeyPoints
from easyphoto_video.warp.fomm.relative import (
    Transfer,
    best_frame,
    from_best,
    hull_area,
    transferred,
)
from easyphoto_video.warp.fomm.squash import squashed
from easyphoto_video.warp.grids import enlarged, grid, sample
from tests.warp.small import CONFIG, POINTS, SIDE, model, pictures, with_corners
from tools import golden_fomm
from tools.golden_warp import Folder, largest_error

pytestmark = pytest.mark.slow(reason="checks networks that rarely change against official code")

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "fomm"


def folder(*names: str) -> Folder:
    """Some of the official tensors; the test is skipped where the folder is missing."""
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN} is missing")
    whole = Folder.read(GOLDEN)
    kept = {name: t for name, t in whole.tensors.items() if name in {*names, *golden_fomm.INPUTS}}
    return replace(whole, tensors=kept)


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_it_is_the_official_one(dtype: torch.dtype) -> None:
    """Some of each kind; `python -m tools.parity` checks them all, full size too."""
    golden = folder(
        "kp_source.value", "kp_source.jacobian", "kp_source.heatmap", "kp_source.down",
        "norm_rel_adapt.value", "norm_rel_adapt.jacobian", "norm_relvalue.jacobian",
        "ac0.rel_adapt.3.prediction", "ac0.rel_adapt.3.flow", "ac0.rel_adapt.3.sparse_deformed",
        "ac1.rel_adapt.3.prediction", "ac1.rel_adapt.3.mask", "tiny.kp_source.value",
        "resize.out_64", "resize.out_64_no_aa", "resize.up_128", "best.norms",
    )  # fmt: skip
    slack = 1.0 if dtype == torch.float64 else 4.0
    found = {
        name: largest_error(made, stored) / golden.tolerance(name)
        for name, made, stored in golden_fomm.computed(golden, dtype)
    }
    assert len(found) == 17
    assert max(found.values()) <= slack, found


def test_the_assembly_from_the_best_frame_is_the_official_one() -> None:
    told = folder().meta["best_frame"]["assembly"]
    assert from_best(told["best"], told["frames"]) == (told["forward"], told["backward"])


@torch.no_grad()
def test_equal_points_move_nothing_when_the_flow_is_aligned() -> None:
    """Whatever the mask says; the official enlargement blurs, as its weights have learnt."""
    picture, off = pictures(1), {}
    for aligned in (True, False):
        fomm = model(with_corners(aligned_flow=aligned))
        points = fomm.kp_detector(picture)
        source = fomm.generator.encode(picture)
        flow = fomm.generator.flow(source, points, points)
        off[aligned] = float((fomm.generator.moved(picture, flow) - picture).abs().max())
    assert off[True] < 1e-5
    assert off[False] > 1e-2


@torch.no_grad()
def test_a_driver_that_does_not_move_gives_the_source_back() -> None:
    """Relative, whoever drives: the points of all frames are the source's."""
    fomm = model()
    at_source, driving = fomm.kp_detector(pictures(1)), fomm.kp_detector(pictures(1, seed=9))
    still = KeyPoints(driving.value.repeat(3, 1, 1), twice(driving))
    for how in (Transfer(), Transfer(adapt_scale=False)):
        made = transferred(still, driving, at_source, how)
        assert made.jacobian is not None and at_source.jacobian is not None
        assert torch.allclose(made.value, at_source.value.expand(3, -1, -1), atol=1e-6)
        assert torch.allclose(made.jacobian, at_source.jacobian.expand(3, -1, -1, -1), atol=1e-5)


def twice(points: KeyPoints) -> torch.Tensor:
    assert points.jacobian is not None
    return points.jacobian.repeat(3, 1, 1, 1)


@torch.no_grad()
def test_frames_together_are_the_frames_alone() -> None:
    fomm, frames = model(), pictures(3)
    at_source, driving = fomm.kp_detector(frames[:1]), fomm.kp_detector(frames)
    source = fomm.generator.encode(frames[:1])
    together = fomm.generator.paint(source, fomm.generator.flow(source, driving, at_source))
    for i in range(3):
        alone = fomm.generator(frames[:1], driving[i : i + 1], at_source)
        assert torch.allclose(together[i : i + 1], alone, atol=1e-5)


def test_a_film_in_batches_is_the_film_at_once() -> None:
    """Relative motion counts from the film's first frame, not from the batch's."""
    fomm, frames = model(), pictures(5)
    source = pictures(1, seed=8)
    [whole] = animate(fomm, source, [frames], Transfer())
    parts = torch.cat(list(animate(fomm, source, frames.split(2), Transfer())))
    assert torch.allclose(whole, parts, atol=5e-6)
    given = fomm.kp_detector(frames[3:4])
    [other] = animate(fomm, source, [frames], Transfer(), given)
    assert not torch.allclose(whole, other, atol=5e-5)


@torch.no_grad()
def test_half_precision_does_not_round_places() -> None:
    fomm, frames = model().bfloat16(), pictures(2).bfloat16()
    points = fomm.kp_detector(frames)
    assert points.value.dtype == torch.float32
    made = fomm.generator(frames, points, points)
    assert made.dtype == torch.bfloat16 and made.shape == frames.shape


@torch.no_grad()
def test_without_jacobians_and_with_one_for_all() -> None:
    for maps in (0, 1):
        fomm = model(replace(CONFIG, detector=replace(CONFIG.detector, jacobians=maps)))
        points = fomm.kp_detector(pictures(2))
        shape = None if points.jacobian is None else points.jacobian.shape
        assert shape == (None if not maps else (2, POINTS, 2, 2))
        assert fomm.generator(pictures(2), points, points).shape == (2, 3, SIDE, SIDE)


def test_adapt_scale_is_the_ratio_of_lengths() -> None:
    """A driver twice as large moves twice as far, and moves the source just as far as its like."""
    generator = torch.Generator().manual_seed(1)
    source, step = torch.rand(1, 5, 2, generator=generator), torch.rand(1, 5, 2)
    driving = KeyPoints(2 * source + 0.1 + 2 * step)
    made = transferred(driving, KeyPoints(2 * source + 0.1), KeyPoints(source), Transfer())
    assert torch.allclose(made.value, source + step, atol=1e-5)
    assert transferred(driving, driving, KeyPoints(source), Transfer(relative=False)).value.equal(
        driving.value
    )


def test_hull_area_and_best_frame() -> None:
    square = np.array([(0, 0), (3, 0), (3, 2), (0, 2), (1, 1)], float) + 1000
    assert hull_area(square) == pytest.approx(6)
    other = square + np.array([(0, 0)] * 4 + [(0.5, 0)])
    assert best_frame(square, [other, 2 * square, square]) == 1, "the first of those that are alike"
    assert from_best(2, 4) == ([2, 3], [2, 1, 0])


def test_squashing_to_the_same_size_changes_nothing() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
    assert np.allclose(squashed(frame, 7, 5), frame / 255, atol=1e-12)
    flat = np.full((9, 4, 3), 77, np.uint8)
    assert np.allclose(squashed(flat, 3, 8), 77 / 255, atol=1e-12)


def test_sampling_along_the_grid_itself_is_the_identity() -> None:
    picture = pictures(1)
    assert torch.allclose(sample(picture, grid(SIDE, SIDE)[None], True), picture, atol=1e-5)
    small = grid(8, 4)[None]
    assert torch.allclose(enlarged(small, 16, 12, aligned=True)[0], grid(16, 12), atol=1e-6)
