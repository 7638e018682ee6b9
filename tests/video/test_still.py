"""Pictures of every kind come back upright and in RGB; fitting follows one rule."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile
from easyphoto_video.video.still import RULES, fitted, read_picture

GRADIENT = np.stack(
    np.broadcast_arrays(np.arange(0, 192, 3)[None], np.arange(0, 96, 2)[:, None], 40), -1
).astype(np.uint8)
"""(48, 64, 3), smooth, another in each corner."""


def saved(path: Path, picture: Image.Image, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def off(found: Frames, wanted: Any) -> int:
    return int(np.abs(found.astype(int) - np.asarray(wanted).astype(int)).max())


@pytest.mark.parametrize(
    ("name", "mode", "most"),
    [
        ("a.png", "RGB", 0),
        ("a.bmp", "RGB", 0),
        ("a.tif", "RGB", 0),
        ("a.jpg", "RGB", 16),
        ("a.webp", "RGB", 24),
        ("a.png", "RGBA", 0),
        ("a.tif", "CMYK", 1),
        ("a.jpg", "CMYK", 16),
        ("a.png", "P", 12),
    ],
)
def test_pictures_come_back(name: str, mode: str, most: int, tmp_path: Path) -> None:
    picture = Image.fromarray(GRADIENT)
    picture = picture.quantize(256) if mode == "P" else picture.convert(mode)
    found = read_picture(saved(tmp_path / name, picture, quality=98))
    assert found.dtype == np.uint8 and found.shape == GRADIENT.shape
    assert off(found, GRADIENT) <= most


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_turns_the_picture(orientation: int, suffix: str, tmp_path: Path) -> None:
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(GRADIENT), exif=exif, quality=98)
    assert off(read_picture(path), turns[orientation](GRADIENT)) <= 24


def deep_png(path: Path, values: Any, colour: int) -> Path:
    """A 16-bit PNG, written here since Pillow writes none in colour."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    packed = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))
    return path


def test_16_bits_become_8(tmp_path: Path) -> None:
    """The brightest stays the brightest: not cut off, and not wrapped round."""
    grey = np.linspace(0, 65535, 256 * 4).round().reshape(16, 64)
    wanted = np.rint(grey / 257)[..., None].repeat(3, 2)
    assert off(read_picture(deep_png(tmp_path / "grey.png", grey, 0)), wanted) <= 1
    tiff = saved(tmp_path / "grey.tif", Image.fromarray(grey.astype(np.uint16)))
    assert off(read_picture(tiff), wanted) <= 1
    colour = GRADIENT.astype(np.uint16) * 257
    assert off(read_picture(deep_png(tmp_path / "colour.png", colour, 2)), GRADIENT) <= 1


@pytest.mark.parametrize("kind", ["RGBA", "LA", "P", "grey key"])
def test_what_is_transparent_is_white(kind: str, tmp_path: Path) -> None:
    """Not the colour that lies hidden below."""
    pixels = np.zeros((8, 9, 4), np.uint8)
    pixels[:, :3, 3], pixels[:, 3:6, 3], pixels[:, 6:, 3] = 0, 102, 255
    picture, half = Image.fromarray(pixels), 153
    if kind == "LA":
        picture = picture.convert("LA")
    elif kind == "P":
        paletted = Image.new("P", (9, 8), 0)
        paletted.putpalette([0, 0, 0, 0, 0, 0])
        paletted.paste(1, (3, 0, 9, 8))
        picture, half = paletted, 0
    elif kind == "grey key":
        picture, half = Image.fromarray(np.where(pixels[..., 3] > 0, 0, 7).astype(np.uint8)), 0
    key = {"P": {"transparency": 0}, "grey key": {"transparency": 7}}.get(kind, {})
    found = read_picture(saved(tmp_path / "a.png", picture, **key))
    assert found[0, ::4, 0].tolist() == [255, half, 0]


def test_an_animation_is_its_first_picture(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    path = saved(tmp_path / "a.gif", pages[0], save_all=True, append_images=pages[1:])
    assert read_picture(path)[0, 0].tolist() == [255, 0, 0]


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("a page of text")
    (tmp_path / "empty.png").touch()
    values = np.zeros((4, 4), np.float32)
    Image.fromarray(values).save(tmp_path / "float.tif")
    for name, words in (
        ("none.png", "no such file. Give a picture"),
        (".", "it is a folder. Give a picture"),
        ("a.png", "no picture that can be read. Give a picture"),
        ("empty.png", "no picture that can be read"),
        ("float.tif", "floating point"),
    ):
        with pytest.raises(BadFile, match=words):
            read_picture(tmp_path / name)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "tif"])
def test_a_damaged_picture_is_refused(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadFile, match=r"damaged|no picture that can be read"):
        read_picture(path)


def test_a_program_is_no_picture(tmp_path: Path) -> None:
    script = saved(tmp_path / "a.eps", Image.fromarray(GRADIENT)).rename(tmp_path / "a.png")
    with Image.open(script) as picture:
        assert picture.format == "EPS"
    with pytest.raises(BadFile, match="no picture that can be read"):
        read_picture(script)


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(b"IHDR" + head))
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + head + crc + b"\0\0\0\0IDAT" + bytes(8))
    with pytest.raises(BadFile, match=r"too large.*at most 128 megapixels"):
        read_picture(path)


@given(
    st.tuples(*[st.integers(1, 90)] * 4), st.sampled_from(RULES), st.sampled_from([None, (9, 8, 7)])
)
def test_fitting_gives_the_size(
    sides: tuple[int, int, int, int], rule: str, pad: tuple[int, int, int] | None
) -> None:
    """And a flat picture stays flat, whatever its shape."""
    high, wide, height, width = sides
    picture = np.full((high, wide, 3), (200, 100, 50), np.uint8)
    found = fitted(picture, width, height, rule, pad)
    assert found.shape == (height, width, 3) and found.dtype == np.uint8
    colours = {tuple(colour) for colour in found.reshape(-1, 3).tolist()}
    assert colours <= {(200, 100, 50), pad} and (200, 100, 50) in colours


@pytest.mark.parametrize("rule", RULES)
def test_the_right_size_is_left_alone(rule: str) -> None:
    assert fitted(GRADIENT, 64, 48, rule) is GRADIENT


def disc(width: int, height: int) -> Frames:
    """A white disc of a quarter of the height in the middle."""
    y, x = np.mgrid[:height, :width]
    inside = np.hypot(x - (width - 1) / 2, y - (height - 1) / 2) < height / 4
    return (inside[..., None] * np.uint8(255)).repeat(3, 2)


@pytest.mark.parametrize("size", [(64, 64), (128, 40), (40, 128), (301, 299)])
@pytest.mark.parametrize("rule", ["cover", "contain"])
def test_a_disc_stays_round_and_in_the_middle(rule: str, size: tuple[int, int]) -> None:
    found = fitted(disc(200, 100), *size, rule)[..., 0] > 127
    rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    scales = [size[0] / 200, size[1] / 100]
    wanted = 50 * (max(scales) if rule == "cover" else min(scales))
    assert len(rows) == pytest.approx(min(wanted, size[1]), abs=2)
    assert len(columns) == pytest.approx(min(wanted, size[0]), abs=2)
    assert rows.mean() == pytest.approx((size[1] - 1) / 2, abs=1)
    assert columns.mean() == pytest.approx((size[0] - 1) / 2, abs=1)


def test_cover_cuts_half_on_each_side() -> None:
    found = fitted(GRADIENT, 48, 48, "cover")
    assert np.array_equal(found, GRADIENT[:, 8:56])


def test_contain_goes_on_with_the_edge_or_a_colour() -> None:
    edge, blue = fitted(GRADIENT, 64, 64, "contain"), fitted(GRADIENT, 64, 64, "contain", (0, 0, 9))
    assert np.array_equal(edge[8:56], GRADIENT) and np.array_equal(blue[8:56], GRADIENT)
    assert np.array_equal(edge[:8], GRADIENT[:1].repeat(8, 0))
    assert (blue[:8] == (0, 0, 9)).all() and (blue[56:] == (0, 0, 9)).all()


def test_stretch_shows_all_of_it() -> None:
    found = fitted(GRADIENT, 128, 24, "stretch")
    assert off(found[::23, ::127], GRADIENT[::47, ::63]) <= 4


def test_shrinking_averages() -> None:
    """A pattern of single pixels becomes grey, not one of its pixels."""
    pattern = np.indices((64, 64)).sum(0)[..., None].repeat(3, 2) % 2 * np.uint8(255)
    found = fitted(pattern.astype(np.uint8), 16, 16)
    assert np.abs(found.astype(int) - 128).max() <= 4


def test_no_other_rule() -> None:
    with pytest.raises(ValueError, match="no such rule: squash"):
        fitted(GRADIENT, 8, 8, "squash")
