"""Masks: grey by luma or alpha, in the cut's size, at the film's time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile
from easyphoto_video.video.cut import Cut, cut_of
from easyphoto_video.video.ffmpeg import named
from easyphoto_video.video.masks import masks_of
from easyphoto_video.video.read import open_video
from tests.video.conftest import barcodes, ffmpeg, filmed

LOSSLESS = ("-c:v", "ffv1")


def levels(count: int, width: int, height: int) -> Frames:
    """Frames that are grey all over, each by two brighter than the one before."""
    grey = np.arange(count, dtype=np.uint8)[:, None, None, None] * 2
    return np.broadcast_to(grey, (count, height, width, 3)).copy()


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Cut:
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    return cut_of(open_video(filmed(path, barcodes(40), "20", *LOSSLESS)), start=0.5)


def test_a_mask_film_follows_the_films_time_and_holds_its_last_frame(
    cut: Cut, tmp_path: Path
) -> None:
    """At half the film's rate, and over after 1.5 of its 2 seconds."""
    path = filmed(tmp_path / "mask.mkv", levels(15, 32, 24), "10", *LOSSLESS)
    masks = list(masks_of(path, cut))
    assert len(masks) == cut.count == 30
    assert all(mask.shape == (48, 64) and mask.dtype == np.float32 for mask in masks)
    wanted = [min(int((0.5 + frame / 20) * 10 + 1e-6), 14) * 2 / 255 for frame in range(30)]
    assert np.allclose([mask.mean() for mask in masks], wanted, atol=1e-5)
    part = list(masks_of(path, cut, 18, 23))
    assert np.array_equal(part, masks[18:23])


def test_a_still_holds_for_all_and_is_grey_by_luma(cut: Cut, tmp_path: Path) -> None:
    thirds = np.zeros((48, 64, 3), np.uint8)
    for channel in range(3):
        thirds[:, channel * 16 : channel * 16 + 16, channel] = 255
    thirds[:, 48:] = 255
    Image.fromarray(thirds).save(tmp_path / "mask.png")
    masks = list(masks_of(tmp_path / "mask.png", cut))
    assert len(masks) == 30
    assert all(mask is masks[0] for mask in masks)
    assert np.allclose(masks[0][0, ::16], [0.2126, 0.7152, 0.0722, 1], atol=1e-6)
    assert masks[0].max() <= 1


@pytest.mark.parametrize("suffix", ["png", "mkv"])
def test_alpha_is_the_mask_unless_it_is_opaque(suffix: str, cut: Cut, tmp_path: Path) -> None:
    pixels = np.full((48, 64, 4), 255, np.uint8)
    pixels[:, :32, :3] = 0
    for name, alpha in (("by-grey", 255), ("by-alpha", 51)):
        pixels[:24, :, 3] = alpha
        path = tmp_path / f"{name}.png"
        Image.fromarray(pixels).save(path)
        if suffix == "mkv":
            film = tmp_path / f"{name}.mkv"
            ffmpeg("-i", named(path), *LOSSLESS, "-pix_fmt", "bgra", named(film))
            path = film
        mask = next(masks_of(path, cut))
        corners = [mask[0, 0], mask[0, -1], mask[-1, 0], mask[-1, -1]]
        assert np.allclose(corners, [0.2, 0.2, 1, 1] if alpha == 51 else [0, 1, 0, 1], atol=1e-6)


@pytest.mark.parametrize("size", [(128, 96), (640, 480), (16, 12), (65, 7)])
def test_scaling_keeps_the_area_and_the_range(
    size: tuple[int, int], cut: Cut, tmp_path: Path
) -> None:
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2] = 255
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    mask = next(masks_of(tmp_path / "mask.png", cut))
    assert mask.shape == (48, 64) and mask.min() >= 0 and mask.max() <= 1
    assert mask.mean() == pytest.approx(pixels.mean() / 255, abs=0.02)
    assert mask[:, :24].min() > 0.99 and mask[:, 40:].max() < 0.01


def test_what_is_no_mask_is_refused(cut: Cut, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file"):
        next(masks_of(tmp_path / "none.png", cut))


def test_a_mask_that_changed_is_looked_at_again(cut: Cut, tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    for grey in (255, 51):
        Image.new("RGB", (64, 48 + grey), (grey, grey, grey)).save(path)
        assert next(masks_of(path, cut, 29)).mean() == pytest.approx(grey / 255)
    with pytest.raises(ValueError, match="frames run from 0 to 30"):
        next(masks_of(path, cut, 3, 31))


def test_a_mask_of_one_frame_at_any_rate(cut: Cut, tmp_path: Path) -> None:
    path = filmed(tmp_path / "mask.mkv", levels(2, 64, 48)[1:], "1", *LOSSLESS)
    fast = cut_of(cut.video, fps=Fraction(60))
    masks = list(masks_of(path, fast))
    assert len(masks) == 120
    assert np.allclose(masks[-1], 2 / 255)
