"""insightface's packs: known by their networks' shapes, and quiet."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from easyphoto_video.errors import BadFile, HostFailed, Missing, OutOfMemory
from easyphoto_video.faces import insight
from easyphoto_video.faces.insight import (
    DETECTOR,
    RECOGNISER,
    PackRecogniser,
    models,
    packs,
)
from tests.faces.fake import PLACES, picture_with
from tests.faces.packs import finder, model, recogniser, write_pack

ARCFACE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
"""Where the five points lie in a crop of 112 px, by ArcFace's own templates."""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Names that mislead, and networks that are for neither, as in buffalo_l."""
    out = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 48])
    flat = [helper.make_node("Flatten", ["picture"], ["embedding"])]
    return write_pack(
        tmp_path / "models" / "strange",
        a_landmarks=recogniser(192),
        b_attributes=recogniser(96),
        det_10g=recogniser(112),
        w600k_r50=finder(),
        z_free_size=model(flat, ["height", "width"], [out], []),
    )


def test_files_are_known_by_their_shapes(pack: Path) -> None:
    found = {kind: file.name for kind, file in models(pack).items()}
    assert found == {DETECTOR: "w600k_r50.onnx", RECOGNISER: "det_10g.onnx"}
    assert packs(pack.parent) == ["strange"]
    (pack.parent / "empty").mkdir()
    assert packs(pack.parent) == ["strange"]
    assert packs(pack.parent / "nowhere") == []


def test_a_pack_may_lie_one_folder_deeper(pack: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    pack.rename(outer / "antelopev2")
    assert set(models(outer)) == {DETECTOR, RECOGNISER}


def test_a_face_is_aligned_by_its_five_points(pack: Path) -> None:
    looks = PackRecogniser(pack)
    assert looks.side == 112
    # ArcFace's own places, turned by 30 degrees and twice as large.
    angle = np.deg2rad(30)
    turn = 2 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = ((ARCFACE - 56) @ turn.T + [200, 180]).astype(np.float32)
    picture = np.zeros((400, 400, 3), np.uint8)
    for channel, (x, y) in zip([0, 1, 2, 0, 1], points.round().astype(int), strict=True):
        picture[y - 3 : y + 4, x - 3 : x + 4, channel] = 255
    crop = looks.aligned(picture, points)
    assert (crop.shape, crop.dtype) == ((112, 112, 3), np.uint8)
    for channel, (x, y) in zip([0, 1, 2, 0, 1], ARCFACE.round().astype(int), strict=True):
        assert crop[y, x, channel] > 200
        assert crop[y, x].sum() < 300


def test_an_embedding_has_length_1_and_knows_red_from_blue(pack: Path) -> None:
    looks = PackRecogniser(pack)
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[..., 0] = 255
    points = (40 + PLACES * 100).astype(np.float32)
    red = looks.embed(picture, points)
    assert (red.shape, red.dtype) == ((48,), np.float32)
    assert np.linalg.norm(red) == pytest.approx(1, abs=1e-5)
    assert (red[:16] > 0).all()
    assert (red[16:] < 0).all()
    blue = looks.embed(picture[..., ::-1], points)
    assert float(red @ blue) < 0
    assert float(red @ looks.embed(picture, points)) == pytest.approx(1, abs=1e-5)
    assert looks.calls == 3
    # A face of no size is no reason to fail.
    assert np.isfinite(looks.embed(picture, np.full((5, 2), 50, np.float32))).all()


def test_nothing_is_said(pack: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        looks = PackRecogniser(pack)
        looks.embed(picture_with((200, 240, 64)), np.full((5, 2), 250, np.float32))
    assert capfd.readouterr() == ("", "")


def test_a_pack_without_what_is_wanted(tmp_path: Path) -> None:
    blind = write_pack(tmp_path / "blind", model=finder(points=False))
    with pytest.raises(BadFile, match=r"holds no recogniser .* Choose another"):
        PackRecogniser(blind)
    for folder in ("nowhere", "."):
        with pytest.raises(Missing, match="fetch buffalo_l --accept-licence"):
            PackRecogniser(tmp_path / "only" / folder / "x")


@pytest.mark.parametrize("content", [b"", b"not a network", bytes(range(256)) * 9])
def test_a_file_that_is_no_network(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.onnx").write_bytes(content)
    with pytest.raises(BadFile, match=r"broken\.onnx.*Remove its folder"):
        PackRecogniser(tmp_path)


def test_a_network_that_onnxruntime_refuses(tmp_path: Path) -> None:
    out = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 48])
    odd = [helper.make_node("NoSuchThing", ["picture"], ["embedding"])]
    pack = write_pack(tmp_path / "odd", net=model(odd, [112, 112], [out], []))
    with pytest.raises(BadFile, match="NoSuchThing"):
        PackRecogniser(pack)


def test_a_network_that_fails_while_it_runs(tmp_path: Path) -> None:
    out = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 48])
    wrong = [helper.make_node("Reshape", ["picture", "shape"], ["embedding"])]
    from tests.faces.packs import constant

    weights = [constant("shape", [7, 11], np.int64)]
    pack = write_pack(tmp_path / "wrong", net=model(wrong, [112, 112], [out], weights))
    looks = PackRecogniser(pack)
    with pytest.raises(BadFile, match="onnxruntime"):
        looks.embed(picture_with(), (PLACES * 100).astype(np.float32))


def test_without_the_package(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "insightface"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "insightface", None)
    with pytest.raises(Missing, match=r"install\.py") as caught:
        PackRecogniser(pack)
    assert sys.executable in caught.value.next_step
    monkeypatch.undo()
    assert importlib.import_module("insightface")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ImportError("x.so: failed to map segment from shared object"), OutOfMemory, "of memory"),
        (MemoryError(), OutOfMemory, "of memory"),
        (ImportError("x.so: undefined symbol: y"), HostFailed, "is there, but cannot be loaded"),
        (ModuleNotFoundError("No module named 'onnx'", name="onnx"), Missing, "is missing"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception], words: str
) -> None:
    class Refusing:
        def find_spec(self, name: str, *_: Any) -> None:
            if name.startswith("insightface"):
                raise error

    for name in [name for name in sys.modules if name.startswith("insightface")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(insight, "is_installed", lambda: True)
    monkeypatch.setattr(sys, "meta_path", [Refusing(), *sys.meta_path])
    with pytest.raises(kind, match=words):
        insight._package()
