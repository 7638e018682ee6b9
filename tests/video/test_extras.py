"""What only some formats have: how often it plays, and the colours of a GIF."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadRequest
from easyphoto_video.video.film import DITHERS, PALETTES, Extras
from tests.clips import Clip, write


def rainbow(count: int = 6) -> Frames:
    """Ramps of one hue in each frame, so that no palette of 256 holds all of them."""
    y, x = np.mgrid[:48, :64]
    hues = np.stack([(x * 4) % 256, (y * 5) % 256, (x * 2 + y * 2) % 256], -1)
    turned = [np.roll(hues, number, -1) ^ (255 * (number % 2)) for number in range(count)]
    return np.stack(turned).astype(np.uint8)


def film(path: Path, extras: Extras | None = None, frames: Frames | None = None) -> Path:
    frames = rainbow() if frames is None else frames
    return write(Clip(frames=frames, fps=Fraction(10)), path, note="a note", extras=extras)


def error(path: Path, decode: Any) -> float:
    """Mean square error, of 255."""
    return float(np.mean((decode(path).astype(float) - rainbow()) ** 2))


@pytest.mark.parametrize(("loop", "gif", "webp"), [(0, 0, 0), (1, None, 1), (2, 1, 2), (9, 8, 9)])
def test_how_often_it_plays(loop: int, gif: int | None, webp: int, tmp_path: Path) -> None:
    """GIF tells how often after the first time, WEBP how often; 0 is for ever in both."""
    for format, told in (("gif", gif), ("webp", webp)):
        path = film(tmp_path / f"a.{format}", Extras(loop=loop))
        with Image.open(path) as picture:
            assert picture.info.get("loop") == told
            assert picture.n_frames == 6  # type: ignore[attr-defined]


@pytest.mark.parametrize("dither", DITHERS)
def test_a_palette_for_each_frame_is_nearer(dither: str, tmp_path: Path, decode: Any) -> None:
    found = {
        palette: error(
            film(tmp_path / f"{palette}.gif", Extras(palette=palette, dither=dither)), decode
        )
        for palette in PALETTES
    }
    assert found["frame"] < 0.7 * found["film"]


@pytest.mark.parametrize("palette", PALETTES)
def test_dithers_differ_as_they_should(palette: str, tmp_path: Path, decode: Any) -> None:
    """Without one each pixel is nearest; where errors are diffused the mean of neighbours is."""
    pixels, means = {}, {}
    for dither in DITHERS:
        path = film(tmp_path / f"{dither}.gif", Extras(palette=palette, dither=dither))
        off = decode(path)[:, 8:40, 8:56].astype(float) - rainbow()[:, 8:40, 8:56]
        pixels[dither] = np.abs(off).mean()
        means[dither] = np.abs(off.reshape(6, 4, 8, 6, 8, 3).mean((2, 4))).mean()
    assert min(pixels, key=pixels.__getitem__) == "none"
    assert means["floyd-steinberg"] < 0.9 * means["none"]
    assert len({round(mean, 6) for mean in means.values()}) == 3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"loop": -1}, "Loop count: -1 is out of range. Give a whole number from 0 to 65535"),
        ({"loop": 65536}, "Loop count: 65536 is out of range"),
        ({"palette": "web"}, "GIF palette: 'web' is no choice. Choose one of: film, frame"),
        ({"dither": "blue"}, "GIF dither: 'blue' is no choice. Choose one of: bayer, floyd"),
    ],
)
def test_other_values_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        Extras(**values)


def test_other_formats_pass_over_them(tmp_path: Path, decode: Any) -> None:
    extras = Extras(loop=3, palette="frame", dither="none")
    for format in ("mp4", "webm", "png"):
        assert len(decode(film(tmp_path / f"a.{format}", extras))) == 6
