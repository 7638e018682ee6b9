"""The reference picture is the photo that shows the person best, and never one without a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from easyphoto_video import face_files
from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadRequest, Missing
from easyphoto_video.faces.face import Face
from easyphoto_video.host import portrait
from easyphoto_video.host.portrait import Chooser, chooser
from easyphoto_video.identity import People
from tests.person import lora_bytes

SIDE = 200
needs_networks = pytest.mark.skipif(
    not face_files.are_in(face_files.BESIDE),
    reason=f"what finds faces is not there: {face_files.COMMAND}",
)


class Seen:
    """Finds a face in a picture whose first pixel is bright; the redder it is the more it turns."""

    def detect(self, picture: Frames) -> list[Face]:
        """See Detector."""
        red, _, blue = (int(value) for value in picture[0, 0])
        if blue < 100:
            return []
        points = np.asarray([[80, 90], [120, 90], [100 + red / 8, 110], [85, 130], [115, 130]])
        box = np.asarray([60, 60, 140, 150], np.float32)
        return [Face(box=box, points=points.astype(np.float32), score=0.9)]


def photo(path: Path, red: int, blue: int) -> Path:
    noise = np.random.default_rng(red).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    noise[:8, :8] = (red, 0, blue)
    Image.fromarray(noise).save(path)
    return path


def test_the_photo_that_looks_at_the_camera_is_chosen(tmp_path: Path) -> None:
    turned = photo(tmp_path / "turned.png", 200, 255)
    frontal = photo(tmp_path / "frontal.png", 0, 255)
    without = photo(tmp_path / "without.png", 0, 0)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    photos = [turned, tmp_path / "broken.png", without, frontal]
    assert Chooser(Seen(), None)(photos) == frontal
    assert Chooser(Seen(), None)([turned]) == turned
    assert Chooser(Seen(), None, given=turned)(photos) == turned


def test_photos_without_a_face_are_refused_each_with_its_reason(tmp_path: Path) -> None:
    photos = [photo(tmp_path / f"{number}.png", number, 0) for number in range(7)]
    with pytest.raises(BadRequest) as caught:
        Chooser(Seen(), None)(photos)
    text = str(caught.value)
    assert "Photos: 7 show no face to go by (0.png: no face is found in it; 1.png" in text
    assert "4.png: no face is found in it and 2 more). Give a sharp photo of one person" in text
    with pytest.raises(BadRequest, match="show no face"):
        Chooser(Seen(), None, given=photos[0])([photo(tmp_path / "good.png", 0, 255)])


@needs_networks
def test_the_real_finder_refuses_a_flat_picture(tmp_path: Path) -> None:
    lora = tmp_path / "a.safetensors"
    lora.write_bytes(lora_bytes())
    flat = tmp_path / "flat.png"
    Image.new("RGB", (300, 300), (90, 120, 90)).save(flat)
    with pytest.raises(BadRequest, match=r"flat\.png: no face is found in it"):
        chooser(People(tmp_path), lora)([flat])


@needs_networks
def test_the_demo_persons_picture_shows_a_face(tmp_path: Path) -> None:
    demo = People(tmp_path).get("demo")
    assert demo.lora is not None
    choose = chooser(People(tmp_path), demo.lora)
    assert choose([demo.reference]) == demo.reference


@needs_networks
def test_one_can_do_without_a_recogniser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(pack: Path) -> None:
        raise Missing("insightface", "Install it.")

    monkeypatch.setattr(portrait, "PackRecogniser", missing)
    demo = People(tmp_path).get("demo")
    assert demo.lora is not None
    assert chooser(People(tmp_path), demo.lora)([demo.reference]) == demo.reference
