"""A request over HTTP names files that were sent here and earlier results, and nothing else."""

from __future__ import annotations

import base64
import io
import os
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from easyphoto_video.host.api import router
from easyphoto_video.host.api.uploads import Uploads
from easyphoto_video.host.jobs import Jobs
from tests.clips import Clip, write
from tests.host.fake import FakeHost

API = "/easyphoto-video"
BYTES = {"content-type": "application/octet-stream"}
SHORT: dict[str, Any] = {"frames": 2, "format": "png", "width": 64, "height": 64, "user_id": "none"}


def picture(kind: str = "png", side: int = 64) -> bytes:
    grey = np.tile(np.arange(side, dtype=np.uint8), (side, 1))
    file = io.BytesIO()
    Image.fromarray(grey).convert("RGB").save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = np.random.default_rng(0).integers(0, 255, (5, 64, 96, 3), np.uint8)
    return write(Clip(frames=frames, fps=Fraction(8)), tmp_path_factory.mktemp("film") / "a.mp4")


def sent(client: TestClient, content: bytes, name: str = "") -> dict[str, str]:
    answer = client.post(f"{API}/files", params={"name": name}, content=content, headers=BYTES)
    assert answer.status_code == 201, answer.text
    return answer.json()


def there(host: FakeHost) -> list[str]:
    folder = host.outputs / ".uploads"
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def made(client: TestClient, mode: str, **values: Any) -> dict[str, Any]:
    answer = client.post(f"{API}/{mode}?wait=true", json={**SHORT, **values})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "done", answer.json()["error"]
    return answer.json()


def test_all_three_modes_are_made_of_what_was_sent(
    client: TestClient, host: FakeHost, film: Path
) -> None:
    first, last = sent(client, picture(), "a.png"), sent(client, picture("jpeg"), "b.jpg")
    moving = sent(client, film.read_bytes(), "../../my film.mp4")
    assert [each["kind"] for each in (first, last, moving)] == ["picture", "picture", "film"]
    assert all(name[32:] in {"-a.png", "-b.jpg", "-my_film.mp4"} for name in there(host))
    made(client, "text2video")
    job = made(client, "image2video", image=first["file"], last_image=last["file"])
    assert job["request"]["image"] == first["file"]
    again = made(client, "image2video", **{k: v for k, v in job["request"].items() if k != "mode"})
    assert again["request"] == job["request"]
    new = {"redraw": 0.5, "span_overlap": 0}
    of = {"video": moving["file"], "frames": 0, "format": "mp4", "mask_video": ""}
    job = made(client, "video2video", **of, **new)
    assert (job["request"]["video"], job["request"]["frames"]) == (moving["file"], 5)
    earlier = made(
        client, "video2video", video=job["file"], mask_video=first["file"], frames=3, **new
    )
    assert (earlier["request"]["video"], earlier["request"]["frames"]) == (job["file"], 3)
    folder = made(client, "video2video", video=earlier["file"], frames=0, fps=8, **new)
    assert folder["request"]["frames"] == 3
    for asked in ("jobs", "unfinished"):
        assert str(host.data_dir) not in client.get(f"{API}/{asked}").text


def test_a_small_picture_may_be_a_data_url(client: TestClient) -> None:
    url = "data:image/png;base64," + base64.b64encode(picture()).decode()
    job = made(client, "image2video", image=url)
    assert job["request"]["image"].startswith("upload:")
    assert "data:" not in client.get(f"{API}/jobs").text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("data:image/png;base64,AAAA", "neither"),
        ("data:image/png;base64,AAA", "is not base64"),
        ("data:image/png;base64,", "the file"),
        ("data:text/html;base64,AAAA", "neither a file that was sent"),
        ("data:image/png;base64,%2e", "is not base64"),
    ],
)
def test_a_data_url_without_a_picture_is_refused(
    client: TestClient, host: FakeHost, url: str, words: str
) -> None:
    answer = client.post(f"{API}/image2video", json={"image": url})
    assert answer.status_code == 422
    assert words in answer.json()["error"] or "no video that can be read" in answer.json()["error"]
    assert not there(host)
    assert str(host.data_dir) not in answer.text


FIELDS = [
    ("image2video", "image"),
    ("image2video", "last_image"),
    ("video2video", "video"),
    ("video2video", "mask_video"),
]


@pytest.mark.parametrize(("mode", "field"), FIELDS)
@pytest.mark.parametrize(
    "name",
    [
        "{data}/secret.png",
        "file:{data}/secret.png",
        "../../secret.png",
        "..",
        ".",
        "./00001-5",
        "..\\..\\secret.png",
        "C:\\secret.png",
        "linked.png",
        ".uploads",
        ".unfinished",
        "~/secret.png",
        "secret.png\0.png",
        "http://127.0.0.1/secret.png",
        "upload:../../../secret.png",
        "upload:*",
        "upload:" + "0" * 32,
        "x" * 5000,
        "/dev/zero",
        " ",
    ],
)
def test_no_name_leads_to_another_file(
    client: TestClient, host: FakeHost, mode: str, field: str, name: str
) -> None:
    secret = host.data_dir / "secret.png"
    secret.write_bytes(picture())
    host.outputs.mkdir(parents=True)
    (host.outputs / "linked.png").symlink_to(secret)
    (host.outputs / ".uploads").mkdir()
    (host.outputs / "mine.png").write_bytes(picture())
    other = {"image": "mine.png"} if field == "last_image" else {}
    other = {"video": "mine.png"} if field == "mask_video" else other
    given = {**SHORT, **other, field: name.replace("{data}", str(host.data_dir))}
    answer = client.post(f"{API}/{mode}", json=given)
    assert answer.status_code == 422, answer.text
    assert "POST /easyphoto-video/files" in answer.json()["error"]
    assert answer.json()["field"] in {"Image", "Last image", "Video", "Mask video"}


@pytest.mark.parametrize(
    "content",
    [b"", b"a page of text", b"ffconcat version 1.0\nfile 00001-5.mp4\n", b"%!PS\nshowpage"],
)
def test_what_is_neither_picture_nor_film_is_refused_and_removed(
    client: TestClient, host: FakeHost, content: bytes
) -> None:
    answer = client.post(f"{API}/files", content=content, headers=BYTES)
    assert (answer.status_code, answer.json()["kind"]) == (422, "BadFile")
    assert answer.json()["error"].startswith("the file: ")
    assert str(host.data_dir) not in answer.text
    assert not there(host)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_no_page_elsewhere_can_send_a_file(client: TestClient, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = client.post(f"{API}/files", content=picture(), headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (415, "Content-Type")


def test_a_file_may_be_so_large_and_no_larger(
    client: TestClient, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = picture()
    monkeypatch.setattr(Uploads, "largest", len(content))
    sent(client, content)
    monkeypatch.setattr(Uploads, "largest", len(content) - 1)
    for body in (content, iter([content[:50], content[50:]])):  # with its length and without
        answer = client.post(f"{API}/files", content=body, headers=BYTES)
        assert answer.status_code == 413
    assert len(there(host)) == 1
    monkeypatch.setattr(Uploads, "spared", 1 << 62)
    answer = client.post(f"{API}/files", content=b"x", headers=BYTES)
    assert (answer.status_code, len(there(host))) == (507, 1)


def test_files_stay_as_long_as_somebody_needs_them(
    host: FakeHost, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(host)
    app = FastAPI()
    app.include_router(router(host, jobs))
    client = TestClient(app, raise_server_exceptions=False)
    needed, waiting, old = (sent(client, picture())["file"] for _ in range(3))
    stopped = host.outputs / ".unfinished" / "0123abcd"
    stopped.mkdir(parents=True)
    path = next((host.outputs / ".uploads").glob(f"{needed[7:]}-*"))
    (stopped / "job.json").write_text(f'{{"request": {{"image": "{path}"}}}}')
    (host.outputs / ".uploads" / f"{'0' * 32}.part").touch()
    with host.models:
        client.post(f"{API}/image2video", json={**SHORT, "image": waiting})
        assert len(there(host)) == 4
        monkeypatch.setattr(Uploads, "kept", -1.0)
        sent(client, film.read_bytes())
        ids = {name[:32] for name in there(host)}
        assert {needed[7:], waiting[7:]} < ids
        assert len(ids) == 3
        assert old[7:] not in ids
        jobs.stop(waiting=True)
    (stopped / "job.json").unlink()
    sent(client, picture())
    assert len(there(host)) == 1


def test_a_file_that_is_named_stays(host: FakeHost) -> None:
    app = FastAPI()
    app.include_router(router(host, Jobs(host)))
    client = TestClient(app, raise_server_exceptions=False)
    file = sent(client, picture())["file"]
    path = next((host.outputs / ".uploads").iterdir())
    made(client, "image2video", image=file)
    days_ago = time.time() - 2 * Uploads.kept
    os.utime(path, (days_ago, days_ago))
    made(client, "image2video", image=file)
    assert path.exists()
    Uploads(host, Jobs(host)).prune()  # one that has just begun, and heard no name
    assert not path.exists()


def test_two_files_at_once_are_not_mixed(client: TestClient, host: FakeHost) -> None:
    contents = [picture(side=64 + 8 * n) for n in range(6)]
    answers: dict[str, bytes] = {}
    lock = threading.Lock()

    def send(content: bytes) -> None:
        file = sent(client, content)["file"]
        with lock:
            answers[file] = content

    threads = [threading.Thread(target=send, args=[content]) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    for file, content in answers.items():
        [path] = (host.outputs / ".uploads").glob(f"{file[7:]}-*")
        assert path.read_bytes() == content


def test_the_schema_says_which_fields_are_files(client: TestClient) -> None:
    shown = client.get(f"{API}/schema").json()["$defs"]
    for mode, field in FIELDS:
        kind = "picture" if mode == "image2video" else "film"
        assert shown[mode]["properties"][field]["file"] == kind
    assert "file" not in shown["text2video"]["properties"]["prompt"]
