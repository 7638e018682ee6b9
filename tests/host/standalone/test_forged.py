"""Every event of the mounted page with forged arguments: no file of the server is given away."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.testclient import TestClient

pytest.importorskip("diffusers")

from easyphoto_video import temporary
from tests.host.standalone.mounted import TEXTS, Events, Mounted, file_data, shapes, upload

AGAIN = pytest.mark.slow(reason="every event of the page once more, with another name")
MARK = b"no business of anybody's"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forged")


@pytest.fixture(scope="module")
def mounted(place: Path) -> Mounted:
    return Mounted(place / "data")


@pytest.fixture(scope="module")
def client(mounted: Mounted) -> Iterator[TestClient]:
    with mounted.client() as client:
        yield client
        mounted.jobs.stop(waiting=True)


@pytest.fixture(scope="module")
def events(client: TestClient) -> Events:
    return Events(client)


def picture(text: str = "") -> bytes:
    notes = PngInfo()
    notes.add_text("parameters", text)
    held = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(held, "PNG", pnginfo=notes)
    return held.getvalue()


@pytest.fixture(scope="module")
def secrets(place: Path) -> list[Path]:
    """Files of the server beside the data folder and in it, one a picture whose text is read."""
    found = []
    for folder in (place / "elsewhere", place / "data" / "outputs" / "easyphoto-video" / ".inputs"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (("secret.txt", MARK), ("secret.png", picture(MARK.decode()))):
            (folder / name).write_bytes(content)
            found.append(folder / name)
    return found


def check_nothing_came(answers: list[str], place: Path, secrets: list[Path]) -> None:
    """Nobody was told what is in a secret, nor where anything lies, and nothing was copied."""
    text = "\n".join(answers)
    for told in (MARK.decode(), base64.b64encode(MARK).decode()[:20], str(place)):
        assert told not in text
    known = {path.resolve() for path in secrets}
    for folder in (place, temporary.folder()):
        for path in folder.rglob("*"):
            if path.is_file() and path.resolve() not in known:
                assert MARK not in path.read_bytes(), path


def test_no_field_for_files_takes_a_file_of_the_server(
    events: Events, place: Path, secrets: list[Path]
) -> None:
    taking = [event for event in events.all if events.takes_files(event)]
    assert len(taking) >= 9
    answers = []
    for secret in secrets:
        up = f"{temporary.folder()}/gradio/../../../../../..{secret}"
        forms = [*shapes(str(secret)), file_data(up)] if secret == secrets[0] else []
        for event in taking:
            for value in forms or [file_data(str(secret)), [file_data(str(secret))]]:
                answers.append(events.send(event, events.forged(event, value)))
    assert sum(answer.startswith("403") for answer in answers) > len(answers) / 2
    check_nothing_came(answers, place, secrets)


def test_gradio_itself_refuses_what_was_not_dropped(place: Path, secrets: list[Path]) -> None:
    """Its own check is on in the page as it is mounted, without our gate before it."""
    with Mounted(place / "data").client(gated=False) as client:
        events = Events(client)
        answers = []
        for event in filter(events.takes_files, events.all):
            for value in (file_data(str(secrets[1])), [file_data(str(secrets[1]))]):
                data = events.forged(event, value)
                answers.append(events.send(event, data))
    assert all('"success":false' in answer.replace(" ", "") for answer in answers)
    check_nothing_came(answers, place, secrets)


@pytest.mark.parametrize(
    "name",
    [
        "secret.png",
        *(pytest.param(name, marks=AGAIN) for name in ("..", ".inputs", "../../elsewhere")),
    ],
)
def test_no_other_field_leads_to_one(
    events: Events, place: Path, secrets: list[Path], name: str
) -> None:
    value = str(secrets[1]) if name == "secret.png" else name
    answers = [
        events.send_directly(event, events.forged(event, value, TEXTS)) for event in events.all
    ]
    refused = [answer for answer in answers if not answer.startswith(("data:", '{"data"'))]
    assert len(refused) < len(answers) / 4  # gradio's own: no such choice, no such number
    told = [answer.replace(value, "") for answer in answers]  # what was sent may be said again
    check_nothing_came(told, place, secrets)
    assert not any("gradio_api/file=" in answer for answer in told)


def test_what_one_dropped_no_other_has(
    mounted: Mounted, client: TestClient, events: Events
) -> None:
    other = mounted.client()
    path = upload(client, "ada.png", picture("hers alone"))
    assert client.get(f"/gradio_api/file={path}").status_code == 200
    assert other.get(f"/gradio_api/file={path}").status_code == 404
    restoring = [event for event in events.all if len(event["inputs"]) == 1]
    answers = [
        (events.send(event, [value]), events.send(event, [value], other))
        for event in filter(events.takes_files, restoring)
        for value in (file_data(path), [file_data(path)])
    ]
    assert any("hers alone" in own for own, _ in answers)
    assert all(theirs.startswith("403") for _, theirs in answers)


def test_nothing_is_fetched_from_elsewhere(events: Events) -> None:
    for address in ("http://127.0.0.1:9/x.png", "https://example.com/x.png", "//example.com/x"):
        for event in filter(events.takes_files, events.all):
            for value in (file_data(address), file_data(address, url=address), {"url": address}):
                answer = events.send(event, events.forged(event, value))
                assert answer.startswith("403")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"data": ' + b"[" * 50_000,
        b'{"data": ' + b"[" * 60 + b"]" * 60 + b"}",
        b"\xff\xfe",
        b" " * 5_000_000,
    ],
)
def test_what_is_no_event_is_refused(client: TestClient, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    for path in ("/gradio_api/queue/join", "/gradio_api/run/predict"):
        answer = client.post(path, content=body, headers=headers)
        assert answer.status_code in {403, 413, 422}
        assert client.post(path, content=b"{}", headers={}).status_code == 415


DOORS: list[tuple[str, str]] = [
    ("POST", "vibe-edit"),
    ("POST", "vibe-edit/"),
    ("GET", "vibe-code"),
    ("POST", "component_server"),
    ("POST", "process_recording"),
    ("POST", "run-history/connect"),
    ("GET", "run-history/records"),
    ("GET", "proxy=https://example.com/"),
    ("GET", "file=https://example.com/"),
    ("GET", "file/etc/passwd"),
    ("GET", "deep_link"),
    ("POST", "api/predict"),
    ("POST", "call/predict"),
    ("POST", "run/other"),
    ("GET", "token"),
    ("GET", "openapi.json"),
    ("GET", "custom_component/1/client/component/index.js"),
    ("GET", "../monitoring"),
]


@pytest.mark.parametrize(("method", "name"), DOORS)
def test_doors_that_the_page_does_not_need_are_shut(
    client: TestClient, method: str, name: str
) -> None:
    body: dict[str, Any] = {} if method == "GET" else {"json": {"data": [], "fn_index": 0}}
    assert client.request(method, f"/gradio_api/{name}", **body).status_code == 404


def test_the_page_itself_names_no_place(client: TestClient, place: Path) -> None:
    for path in ("/", "/config"):
        text = client.get(path).text
        assert str(place) not in text
        assert str(temporary.folder()) not in text


def test_results_come_by_addresses_of_ours(client: TestClient, events: Events) -> None:
    generate = max(events.all, key=lambda event: len(event["inputs"]))
    told = events.send(generate, [*events.values(generate)])
    (film,) = {part for part in told.split('"') if part.endswith(".mp4") and "/shown/" in part}
    answer = client.get(film, headers={"range": "bytes=4-7"})
    assert (answer.status_code, answer.content) == (206, b"ftyp")
    frames = {part for part in told.split('"') if part.endswith(".png") and "/shown/" in part}
    assert frames
    with Image.open(io.BytesIO(client.get(frames.pop()).content)) as frame:
        assert "Steps" in frame.info["parameters"]
    assert "gradio_api/file=" not in told
    token = film.split("/shown/")[1].split("/")[0]
    assert client.get(film.replace(token, token[::-1])).status_code == 404
    assert client.get(film.replace(f"{token}/", "")).status_code == 404
