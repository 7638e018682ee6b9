"""What is dropped lies beside the clips, once, for as long as somebody may need it."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from easyphoto_video.errors import BadRequest, HostFailed
from easyphoto_video.host.tab.inputs import FOLDER, KEPT, Inputs, infotext_of
from easyphoto_video.infotext import values_of
from easyphoto_video.request import Image2Video
from easyphoto_video.unfinished import unfinished, working
from tests.host.fake import FakeHost


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(FakeHost(tmp_path / "data"))


def dropped(folder: Path, name: str, content: bytes = b"film") -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return str(folder / name)


def aged(path: Path, seconds: float) -> None:
    stat = path.stat()
    os.utime(path, ns=(time.time_ns() - int(seconds * 1e9), stat.st_mtime_ns))


def names(inputs: Inputs) -> list[str]:
    return sorted(path.name for path in inputs.folder.iterdir())


def test_nothing_is_nothing(inputs: Inputs) -> None:
    assert [inputs.kept("Video", value) for value in (None, "", [])] == ["", "", ""]
    assert not inputs.folder.exists()


def test_a_file_outlives_the_pages_own(inputs: Inputs, tmp_path: Path) -> None:
    file = dropped(tmp_path / "page", "My film (2).MP4")
    kept = Path(inputs.kept("Video", [file]))
    Path(file).unlink()
    assert kept.read_bytes() == b"film"
    assert kept.parent.name == FOLDER
    assert kept.name.startswith("My_film_2-") and kept.suffix == ".mp4"


def test_the_same_file_is_the_same_to_unfinished_work(inputs: Inputs, tmp_path: Path) -> None:
    first = Path(inputs.kept("Video", dropped(tmp_path / "a", "film.mp4")))
    before = first.stat().st_mtime_ns
    again = Path(inputs.kept("Video", dropped(tmp_path / "b", "film.mp4")))
    assert (again, again.stat().st_mtime_ns) == (first, before)
    other = inputs.kept("Video", dropped(tmp_path / "c", "film.mp4", b"other"))
    assert len({str(first), other}) == 2
    assert inputs.kept("Video", str(first)) == str(first)
    assert len(names(inputs)) == 2


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16"])
def test_a_picture_is_kept_pixel_for_pixel(inputs: Inputs, mode: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (9, 7, 4), np.uint8)
    picture = Image.fromarray(noise, "RGBA")
    picture = Image.new("I;16", (7, 9), 40000) if mode == "I;16" else picture.convert(mode)
    picture.info["parameters"] = "who knows"
    path = inputs.kept("Image", picture)
    with Image.open(path) as kept:
        assert "parameters" not in kept.info
        wanted = picture.convert("RGBA") if mode != "I;16" else picture
        assert kept.convert(wanted.mode).tobytes() == wanted.tobytes()
    assert inputs.kept("Image", picture) == path


def test_pictures_together_are_a_film(inputs: Inputs, tmp_path: Path) -> None:
    files = [dropped(tmp_path / "page", f"{i:02}.png", bytes([i])) for i in (2, 0, 1)]
    folder = Path(inputs.kept("Video", files))
    assert [path.read_bytes() for path in sorted(folder.iterdir())] == [b"\0", b"\1", b"\2"]
    shown = [str(path) for path in sorted(folder.iterdir())]
    assert inputs.kept("Video", shown) == str(folder)
    files[1] = dropped(tmp_path / "page", "00.jpg")
    with pytest.raises(BadRequest, match=r"Video: '00.jpg' is not a .png"):
        inputs.kept("Video", files)


def test_what_nobody_uses_goes(inputs: Inputs, tmp_path: Path) -> None:
    old = Path(inputs.kept("Video", dropped(tmp_path / "page", "old.mp4", b"old")))
    used = Path(inputs.kept("Video", dropped(tmp_path / "page", "used.mp4", b"used")))
    for path in (old, used):
        aged(path, KEPT + 60)
    inputs.kept("Video", str(used))
    assert names(inputs) == [used.name]


def test_what_unfinished_work_needs_stays(inputs: Inputs, tmp_path: Path) -> None:
    host = FakeHost(tmp_path / "data")
    image = Path(inputs.kept("Image", Image.new("RGB", (8, 8), "red")))
    request = Image2Video(image=str(image), width=8 * 8, height=64, seed=1)
    with pytest.raises(KeyError), working(host.outputs, request) as work:
        work.keep("scene-0000000", np.zeros((1, 8, 8, 3), np.uint8))
        raise KeyError
    assert len(unfinished(host.outputs)) == 1
    aged(image, KEPT + 60)
    inputs.kept("Image", Image.new("RGB", (8, 8), "blue"))
    assert image.exists()


def test_a_disk_that_takes_nothing_is_said(inputs: Inputs, tmp_path: Path) -> None:
    inputs.folder.parent.mkdir(parents=True)
    inputs.folder.write_bytes(b"in the way")
    with pytest.raises(HostFailed, match="it cannot be kept in"):
        inputs.kept("Video", dropped(tmp_path / "page", "film.mp4"))
    with pytest.raises(BadRequest, match=r"gone\.mp4' was not sent to this page"):
        inputs.kept("Video", str(tmp_path / "gone.mp4"))


def test_pictures_that_two_drop_at_once_are_one(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is slower finds a folder there that is not empty."""
    files = [dropped(tmp_path / "page", name, name.encode()) for name in ("1.png", "2.png")]
    true = Path.rename

    def late(path: Path, target: Path) -> Path:
        if target.parent == inputs.folder:
            shutil.copytree(path, target)
        return true(path, target)

    monkeypatch.setattr(Path, "rename", late)
    kept = Path(inputs.kept("Video", files))
    assert sorted(path.name for path in kept.iterdir()) == ["1.png", "2.png"]
    assert names(inputs) == [kept.name]


def test_what_was_half_copied_goes_with_the_next(inputs: Inputs, tmp_path: Path) -> None:
    half = inputs.folder / ".0badcafe"
    half.mkdir(parents=True)
    (half / "part").write_text("a face")
    half.with_name(".0badcafe.lock").touch()
    kept = Path(inputs.kept("Video", dropped(tmp_path / "page", "film.mp4")))
    assert names(inputs) == [kept.name]


def test_only_what_was_sent_is_kept(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = tmp_path / "sent"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(sent))
    good = dropped(sent, "film.mp4")
    elsewhere = dropped(tmp_path / "elsewhere", "secret.png")
    link = sent / "link.png"
    link.symlink_to(elsewhere)
    for path in (elsewhere, str(link), f"{sent}/../elsewhere/secret.png", "", str(sent), "a\0b"):
        for value in (path, [path], [good, path]):
            if value:
                with pytest.raises(BadRequest, match="was not sent to this page") as refused:
                    inputs.kept("Video", value)
                assert str(tmp_path) not in str(refused.value)
    assert not inputs.folder.exists()


def test_what_is_kept_is_this_users_alone(inputs: Inputs, tmp_path: Path) -> None:
    files = [dropped(tmp_path / "page", f"{i}.png", bytes([i])) for i in range(2)]
    Path(files[0]).chmod(0o644)
    for value in (files[0], files, Image.new("RGB", (8, 8))):
        inputs.kept("Video", value)
    for path in (inputs.folder, *inputs.folder.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_the_infotext_names_no_folder_and_leads_back(inputs: Inputs, tmp_path: Path) -> None:
    kept = inputs.kept("Image", Image.new("RGB", (8, 8)))
    infotext = infotext_of(Image2Video(image=kept, width=64, height=64, seed=1))
    assert str(tmp_path) not in infotext
    name = values_of(infotext)["image"]
    assert inputs.ours(name) == Path(kept)
    assert inputs.ours(kept) == Path(kept)
    for other in ("../00001-7.mp4", "..", ".", str(tmp_path), "/etc/passwd"):
        assert inputs.ours(other) is None
