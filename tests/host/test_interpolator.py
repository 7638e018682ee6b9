"""Who makes the frames between frames: a file is found and known, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.host.interpolator import interpolators, method_of, settled_interpolator
from easyphoto_video.host.library import Library
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.video.flow import by_flow
from tests.video.test_rife import narrow

BLACK, WHITE = np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    folder = tmp_path / "models" / "RIFE"
    folder.mkdir(parents=True)
    save_file({"conv.weight": torch.zeros(2, 3, 3, 3)}, folder / "other.safetensors")
    save_file(narrow("4.6"), folder / "flownet.safetensors")
    return Library(tmp_path)


def asked(name: str) -> Text2Video:
    return Text2Video(interpolator=name)


def test_flow_needs_no_file(tmp_path: Path) -> None:
    empty = Library(tmp_path)
    assert settled_interpolator(asked("flow"), empty) == "flow"
    assert method_of(asked("flow"), empty, lambda: "cpu") is by_flow
    assert interpolators(empty) == ["flow"]


def test_a_file_is_known_by_its_tensors(library: Library) -> None:
    assert interpolators(library) == ["flow", "flownet.safetensors", "other.safetensors"]
    assert settled_interpolator(asked("flownet"), library) == "flownet.safetensors"
    method = method_of(asked("flownet"), library, lambda: "cpu")
    assert method is not by_flow
    made = list(method(BLACK, WHITE, [0.25, 0.5]))
    assert [picture.shape for picture in made] == [(32, 32, 3)] * 2


def test_what_is_none_is_refused_before_any_work(library: Library) -> None:
    with pytest.raises(BadFile, match="other"):
        settled_interpolator(asked("other"), library)
    with pytest.raises(Missing, match="models/RIFE"):
        settled_interpolator(asked("nowhere"), library)
