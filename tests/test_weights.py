"""Fetch against a server of our own that cuts, lies, redirects, stalls and changes its mind."""

from __future__ import annotations

import hashlib
import io
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from easyphoto_video import catalogue, download, stream, weights
from easyphoto_video.catalogue import Entry
from easyphoto_video.download import Patience
from easyphoto_video.errors import BadFile, BadRequest, DownloadFailed, Stopped
from easyphoto_video.watch import unwatched
from tests.machine import limit, until

BODY = bytes(range(256)) * 4096  # 1 MiB
PATIENT = Patience(timeout=limit(60), tries=2, pause=0.0)
"""A busy machine is silent for a while too."""


class Server(ThreadingHTTPServer):
    """Serves `body` at every path; the switches are its bad habits."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.etag = '"one"'
        self.knows_range = True
        self.cut_after: list[int] = []
        """Bytes after which each of the next answers breaks off."""
        self.claims: int | None = None
        """A Content-Length that is not true."""
        self.statuses: list[int] = []
        """Error statuses of the next answers."""
        self.stalls = threading.Event()
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server  # type: ignore[assignment]

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        server = self.server
        headers = {key.lower(): value for key, value in self.headers.items()}
        server.asked.append((self.path, headers))
        start = self.start()
        if self.path.startswith("/moved"):
            self.redirect(self.path.removeprefix("/moved"))
        elif server.statuses:
            self.send_error(server.statuses.pop(0))
        elif start is None:
            self.send_error(416)
        else:
            self.send_from(start)

    def send_from(self, start: int) -> None:
        server = self.server
        self.send_response(206 if start else 200)
        if start:
            total = len(server.body)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("Content-Length", str(server.claims or len(server.body) - start))
        self.send_header("ETag", server.etag)
        self.end_headers()
        body = server.body[start:]
        if server.cut_after:
            body = body[: server.cut_after.pop(0)]
        half = 0 if start else len(body) // 2
        self.wfile.write(body[:half])
        while server.stalls.is_set():
            time.sleep(0.01)
        self.wfile.write(body[half:])

    def start(self) -> int | None:
        asked = self.headers.get("Range", "")
        fits = self.headers.get("If-Range", self.server.etag) == self.server.etag
        if not (asked and fits and self.server.knows_range):
            return 0
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        return start if start < len(self.server.body) else None

    def redirect(self, path: str) -> None:
        self.send_response(302)
        self.send_header("Location", f"{self.server.url}{path}")
        self.end_headers()


@pytest.fixture
def server(loopback: None) -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.stalls.clear()
        server.shutdown()
        thread.join()


Offer = Callable[..., Entry]


@pytest.fixture
def offer(server: Server, monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Put one entry into the catalogue, in place of all others."""

    def put(**changes: Any) -> Entry:
        facts = {
            "name": "thing",
            "kind": "motion module",
            "url": f"{server.url}/thing.ckpt",
            "size": len(BODY),
            "sha256": hashlib.sha256(BODY).hexdigest(),
            "licence": "Apache-2.0",
            "folder": "models/AnimateDiff",
        }
        entry = Entry(**{**facts, **changes})
        monkeypatch.setattr(catalogue, "ENTRIES", (entry,))
        return entry

    return put


def fetch(folder: Path, watch: Any = unwatched, **options: Any) -> Path:
    return weights.fetch("thing", folder, watch, **{"patience": PATIENT, **options})


def place(folder: Path) -> Path:
    return folder / "models/AnimateDiff/thing.ckpt"


def leave_part(folder: Path, data: bytes, etag: str = "") -> None:
    place(folder).parent.mkdir(parents=True)
    place(folder).with_name("thing.ckpt.part").write_bytes(data)
    if etag:
        place(folder).with_name("thing.ckpt.part.etag").write_text(etag)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in place(folder).parent.iterdir())


def test_a_file_arrives_checked_and_alone(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer()
    told: list[tuple[str, float]] = []
    path = fetch(tmp_path, lambda stage, fraction: told.append((stage, fraction)))
    assert path == place(tmp_path)
    assert path.read_bytes() == BODY
    assert left(tmp_path) == ["thing.ckpt"]
    assert {stage for stage, _ in told} == {"fetching", "checking"}
    for stage in ("fetching", "checking"):
        fractions = [fraction for name, fraction in told if name == stage]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0


def test_of_two_at_once_one_waits_and_both_have_it(
    tmp_path: Path, server: Server, offer: Offer
) -> None:
    offer()
    server.stalls.set()
    told: list[str] = []
    waits = threading.Event()

    def second(stage: str, fraction: float) -> None:
        told.append(stage)
        if stage == "waiting":
            waits.set()

    patient = partial(weights.fetch, "thing", tmp_path, patience=PATIENT)
    with ThreadPoolExecutor(2) as both:
        first = both.submit(patient, unwatched)
        until(lambda: server.asked)
        other = both.submit(patient, second)
        assert waits.wait(limit(60))
        server.stalls.clear()
        assert first.result() == other.result() == place(tmp_path)
    assert place(tmp_path).read_bytes() == BODY
    assert len(server.asked) == 1
    assert set(told) == {"waiting"}
    assert left(tmp_path) == ["thing.ckpt"]


def test_who_waits_can_be_stopped(tmp_path: Path, offer: Offer) -> None:
    offer()

    def stop(stage: str, fraction: float) -> None:
        assert stage == "waiting"
        raise Stopped("Stopped.")

    with download.alone(place(tmp_path), unwatched) as waited, pytest.raises(Stopped):
        assert not waited
        fetch(tmp_path, stop)
    assert left(tmp_path) == []


def test_what_is_there_is_checked_and_kept(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer()
    fetch(tmp_path)
    asked = len(server.asked)
    assert fetch(tmp_path) == place(tmp_path)
    assert len(server.asked) == asked
    other = BODY[:-1] + b"x"
    place(tmp_path).write_bytes(other)
    with pytest.raises(BadFile, match="is there already"):
        fetch(tmp_path)
    assert place(tmp_path).read_bytes() == other


def test_a_cut_connection_is_taken_up_again(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer()
    server.cut_after = [300_000, 300_000]
    assert fetch(tmp_path).read_bytes() == BODY
    assert [headers.get("range") for _, headers in server.asked] == [
        None,
        "bytes=300000-",
        "bytes=600000-",
    ]
    assert server.asked[1][1]["if-range"] == '"one"'


def test_a_server_that_always_cuts_leaves_a_part(
    tmp_path: Path, server: Server, offer: Offer
) -> None:
    offer()
    server.cut_after = [300_000, 0, 0]
    with pytest.raises(DownloadFailed, match=r"0\.3 MB are kept.*again") as failure:
        fetch(tmp_path)
    assert failure.value.url == f"{server.url}/thing.ckpt"
    assert left(tmp_path) == ["thing.ckpt.part", "thing.ckpt.part.etag"]
    assert fetch(tmp_path).read_bytes() == BODY
    assert server.asked[-1][1]["range"] == "bytes=300000-"


def test_a_changed_file_starts_over(tmp_path: Path, server: Server, offer: Offer) -> None:
    leave_part(tmp_path, b"x" * 5000, '"older"')
    offer()
    assert fetch(tmp_path).read_bytes() == BODY
    assert server.asked[0][1]["if-range"] == '"older"'


def test_a_part_that_cannot_be_told_to_fit_starts_over(
    tmp_path: Path, server: Server, offer: Offer
) -> None:
    leave_part(tmp_path, BODY[:5000])
    offer(sha256=None)
    assert fetch(tmp_path).read_bytes() == BODY
    assert "range" not in server.asked[0][1]


def test_a_server_without_ranges_starts_over(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer()
    server.knows_range = False
    server.cut_after = [300_000]
    assert fetch(tmp_path).read_bytes() == BODY
    assert len(server.asked) == 2


def test_weak_marks_are_not_used(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer()
    server.etag = 'W/"one"'
    server.cut_after = [300_000]
    assert fetch(tmp_path).read_bytes() == BODY
    assert "if-range" not in server.asked[1][1]


@pytest.mark.parametrize("length", [len(BODY), len(BODY) + 7])
def test_a_part_as_long_as_the_file_or_longer(
    tmp_path: Path, server: Server, offer: Offer, length: int
) -> None:
    leave_part(tmp_path, (BODY + b"surplus")[:length], '"one"')
    offer()
    assert fetch(tmp_path).read_bytes() == BODY
    assert len(server.asked) == (0 if length == len(BODY) else 1)


def test_a_file_that_became_shorter_starts_over(
    tmp_path: Path, server: Server, offer: Offer
) -> None:
    leave_part(tmp_path, b"x" * (len(BODY) - 5), '"one"')
    server.body = BODY[:1000]
    offer(size=len(BODY) - 2, sha256=None)
    with pytest.raises(DownloadFailed, match="offers 1000 bytes"):
        fetch(tmp_path)
    assert [bool(headers.get("range")) for _, headers in server.asked] == [True, False]


def test_redirects_are_followed_also_when_resuming(
    tmp_path: Path, server: Server, offer: Offer
) -> None:
    offer(url=f"{server.url}/moved/moved/thing.ckpt")
    server.cut_after = [300_000]
    assert fetch(tmp_path).read_bytes() == BODY
    assert server.asked[-1][0] == "/thing.ckpt"
    assert server.asked[-1][1]["range"] == "bytes=300000-"


def test_the_hub_may_be_a_mirror(
    tmp_path: Path, server: Server, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(url="https://huggingface.co/guoyww/thing.ckpt")
    monkeypatch.setenv("HF_ENDPOINT", server.url + "/")
    assert fetch(tmp_path).read_bytes() == BODY
    assert server.asked[0][0] == "/guoyww/thing.ckpt"


@pytest.mark.parametrize("status", [401, 404, 410])
def test_a_refusal_says_the_address_and_the_folder(
    tmp_path: Path, server: Server, offer: Offer, status: int
) -> None:
    entry = offer()
    server.statuses = [status]
    with pytest.raises(DownloadFailed) as failure:
        fetch(tmp_path)
    assert len(server.asked) == 1
    for part in (entry.url, str(status), str(place(tmp_path).parent)):
        assert part in str(failure.value)
    assert not place(tmp_path).exists()


def test_a_busy_server_is_asked_again(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer()
    server.statuses = [503]
    assert fetch(tmp_path).read_bytes() == BODY
    server.statuses = [503, 429]
    place(tmp_path).unlink()
    with pytest.raises(DownloadFailed, match="429"):
        fetch(tmp_path)


def test_another_size_than_the_catalogue_says(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer(size=len(BODY) + 1)
    with pytest.raises(DownloadFailed, match=f"offers {len(BODY)} bytes"):
        fetch(tmp_path)
    assert left(tmp_path) == []


def test_a_length_that_is_not_kept(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer(size=len(BODY) + 1, sha256=None)
    server.claims = len(BODY) + 1
    server.knows_range = False
    with pytest.raises(DownloadFailed, match="the connection ended"):
        fetch(tmp_path)
    assert not place(tmp_path).exists()


def test_a_wrong_checksum_removes_the_part(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer(sha256="0" * 64)
    with pytest.raises(DownloadFailed, match="sha256"):
        fetch(tmp_path)
    assert left(tmp_path) == []


def test_a_silent_server_is_given_up(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer()
    server.stalls.set()
    with pytest.raises(DownloadFailed, match="fell silent"):
        fetch(tmp_path, patience=replace(PATIENT, timeout=0.5))


def test_nobody_there(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer(url="http://127.0.0.1:1/thing.ckpt")
    with pytest.raises(DownloadFailed, match="connection failed"):
        fetch(tmp_path)


def test_a_stop_is_heard_within_a_second_and_keeps_the_part(
    tmp_path: Path, server: Server, offer: Offer
) -> None:
    assert stream.HEARTBEAT + download.PACE < 1
    offer()
    server.stalls.set()
    silent: list[float] = []

    def watch(stage: str, fraction: float) -> None:
        silent.append(fraction)
        if silent[-3:] == [0.5] * 3:  # it is asked again and again while nothing comes
            raise Stopped("enough")

    with pytest.raises(Stopped):
        weights.fetch("thing", tmp_path, watch, patience=PATIENT)
    server.stalls.clear()
    assert fetch(tmp_path).read_bytes() == BODY
    assert server.asked[-1][1]["range"] == f"bytes={len(BODY) // 2}-"


def test_too_little_disk(
    tmp_path: Path, server: Server, offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer()
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DownloadFailed, match="has only 1 MB free"):
        fetch(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer()
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(BadFile, match="--data-dir"):
        fetch(tmp_path)


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def offer_pack(server: Server, offer: Offer, body: bytes) -> None:
    server.body = body
    offer(
        kind="face pack",
        url=f"{server.url}/thing.zip",
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        folder="models/insightface/models",
        terms="https://example.org/licence",
    )


def test_a_pack_wants_its_licence_accepted(tmp_path: Path, server: Server, offer: Offer) -> None:
    offer_pack(server, offer, zipped({"det.onnx": b"model"}))
    with pytest.raises(BadRequest, match="fetch thing --accept-licence"):
        fetch(tmp_path)
    assert server.asked == []


def test_a_pack_is_unpacked_flat_and_stays_inside(
    tmp_path: Path, server: Server, offer: Offer
) -> None:
    members = {"thing/det.onnx": b"one", "../../out.onnx": b"two", "readme.txt": b"no"}
    offer_pack(server, offer, zipped(members))
    folder = fetch(tmp_path, accept_licence=True)
    assert folder == tmp_path / "models/insightface/models/thing"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "det.onnx": b"one",
        "out.onnx": b"two",
    }
    assert [path.name for path in folder.parent.iterdir()] == ["thing"]
    assert fetch(tmp_path, accept_licence=True) == folder
    assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"not a zip", zipped({"readme.txt": b"no"})])
def test_a_pack_without_models(tmp_path: Path, server: Server, offer: Offer, body: bytes) -> None:
    offer_pack(server, offer, body)
    with pytest.raises(BadFile, match=r"thing\.zip"):
        fetch(tmp_path, accept_licence=True)
    assert not (tmp_path / "models/insightface/models/thing").exists()


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="Did you mean mm_sd_v15_v2"):
        weights.fetch("mm_sd_15_v2", tmp_path, unwatched)


def test_names_and_file_names_are_known_whatever_the_case() -> None:
    for entry in weights.catalogue():
        assert weights.find(entry.filename.upper()) is weights.find(entry.name) is entry


def test_the_catalogue_is_whole() -> None:
    entries = weights.catalogue()
    assert len({entry.name for entry in entries}) == len(entries)
    for entry in entries:
        assert urlsplit(entry.url).scheme == ("pip" if entry.is_wheel else "https")
        assert entry.size > 10_000_000
        assert entry.sha256 is None or len(bytes.fromhex(entry.sha256)) == 32
        assert entry.licence
        assert entry.name in weights.table()
        assert entry.folder.startswith("models/")
        assert bool(entry.terms) == ("non-commercial" in entry.licence)


def test_the_guide_in_models_names_every_entry() -> None:
    guide = (Path(__file__).parents[1] / "models/README.md").read_text(encoding="utf-8")
    for entry in weights.catalogue():
        assert entry.name in guide
        assert f"{entry.size / 1e6:.0f}" in guide
        assert entry.folder.removeprefix("models/") in guide
