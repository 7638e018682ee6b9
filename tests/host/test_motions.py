"""Which motion module a request gets: what is read for it, and how often."""

from __future__ import annotations

from pathlib import Path

import pytest

from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.host import motions
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.read import read_motion
from easyphoto_video.motion.spec import V3
from tests.host.standalone.small import SIZES
from tools.tiny_checkpoint import fitting_spec, write_motion


def test_a_file_is_read_again_when_it_has_changed_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(path: Path) -> Motion:
        read.append(path)
        return read_motion(path)

    monkeypatch.setattr(motions, "read_motion", counted)
    file = write_motion(tmp_path / "motion.safetensors", fitting_spec(SIZES))
    before = [motions.built(file) for _ in range(2)]
    assert before[0] is before[1]
    assert read == [file]

    other = fitting_spec(SIZES, V3)
    write_motion(file, other)
    assert motions.built(file) == other != before[0]
    assert read == [file, file]

    file.write_bytes(b"no motion")
    for _ in range(2):
        with pytest.raises(BadFile):
            motions.built(file)
    file.unlink()
    with pytest.raises(Missing):
        motions.built(file)
