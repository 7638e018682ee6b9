"""The WebUI's restorers and upscalers sharpen a face, by name."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.errors import BadRequest
from tests.host.webui.street import Street

PICTURE = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)


def upscaler(name: str) -> SimpleNamespace:
    def upscale(image: Image.Image, scale: float, path: str) -> Image.Image:
        assert path == f"{name}.pth"
        return image.resize((round(image.width * scale), round(image.height * scale)))

    return SimpleNamespace(
        name=name, data_path=f"{name}.pth", scaler=SimpleNamespace(upscale=upscale)
    )


@pytest.fixture
def restore(street: Street, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    shared = import_module("modules").shared
    negative = SimpleNamespace(name=lambda: "GFPGAN", restore=lambda picture: 255 - picture)
    monkeypatch.setattr(shared, "face_restorers", [negative], raising=False)
    scalers = [upscaler(name) for name in ("None", "Lanczos", "Nearest", "R-ESRGAN 4x+")]
    monkeypatch.setattr(shared, "sd_upscalers", scalers, raising=False)
    return import_module("easyphoto_video.host.webui.restore")


def test_those_that_know_faces_or_pictures_are_offered(restore: ModuleType) -> None:
    assert restore.names() == ["GFPGAN", "R-ESRGAN 4x+"]


def test_each_works_by_its_name(restore: ModuleType) -> None:
    assert (restore.restorer("GFPGAN")(PICTURE) == 255 - PICTURE).all()
    assert restore.restorer("R-ESRGAN 4x+")(PICTURE).shape == (32, 32, 3)
    assert restore.restorer("none") is None


@pytest.mark.parametrize("name", ["CodeFormer", "Lanczos", "gfpgan"])
def test_a_strange_name_is_refused_with_what_there_is(restore: ModuleType, name: str) -> None:
    with pytest.raises(BadRequest, match=r"GFPGAN, R-ESRGAN 4x\+; or give none"):
        restore.restorer(name)
