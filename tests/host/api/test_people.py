"""User ids over HTTP: everything that the command line does, within limits and with a yes."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from easyphoto_video.host.api import people as api
from easyphoto_video.identity import LORAS
from tests.host.fake import FakeHost
from tests.person import add_easyphoto_person, lora_bytes, picture_bytes, tree

URL = "/easyphoto-video/user-ids"
ZIP = {"content-type": "application/zip"}


@pytest.fixture(autouse=True)
def first_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    """No networks: the first photo is the reference."""
    monkeypatch.setattr(api, "chooser", lambda people, lora: lambda photos: photos[0])


def photo(shade: int) -> str:
    return base64.b64encode(picture_bytes("PNG", shade=shade)).decode()


def test_one_is_shown_without_the_way_to_it(client: TestClient, host: FakeHost) -> None:
    add_easyphoto_person(host.data_dir, "Ada L")
    told = client.get(f"{URL}/Ada%20L").json()
    assert told == {
        "id": "Ada L",
        "is_builtin": False,
        "reference": f"{URL}/Ada%20L/reference",
        "reference_size": [64, 48],
        "lora": "Ada L.safetensors",
        "lora_from": "models/Lora",
        "base_model": "Stable Diffusion 1.x",
        "trained_on": "",
        "embeddings": [],
        "problem": "",
    }
    assert client.get(f"{URL}/demo").json()["is_builtin"]
    assert client.head(f"{URL}/demo").status_code == 200
    assert client.get(f"{URL}/nobody").status_code == 404


def test_out_of_one_machine_into_another(client: TestClient, host: FakeHost) -> None:
    before = add_easyphoto_person(host.data_dir, "王 Ada")
    sent = client.get(f"{URL}/王 Ada/export")
    assert sent.headers["content-type"] == "application/zip"
    assert sent.headers["content-disposition"] == (
        "attachment; filename=\"_ Ada.zip\"; filename*=UTF-8''%E7%8E%8B%20Ada.zip"
    )
    assert len(sent.content) == int(sent.headers["content-length"])
    refused = client.post(f"{URL}/import", content=sent.content, headers=ZIP)
    assert (refused.status_code, refused.json()["field"]) == (422, "User id")
    answer = client.post(f"{URL}/import?replace=true", content=sent.content, headers=ZIP)
    assert (answer.status_code, answer.json()["id"]) == (201, "王 Ada")
    assert client.delete(f"{URL}/王 Ada?confirm=王 Ada").status_code == 200
    assert tree(host.data_dir) == {}
    assert client.post(f"{URL}/import", content=sent.content, headers=ZIP).status_code == 201
    assert tree(host.data_dir) == before


def test_an_export_leaves_nothing_behind(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(made))
    assert client.get(f"{URL}/demo/export").status_code == 200
    assert client.head(f"{URL}/demo/export").status_code == 200
    assert client.get(f"{URL}/demo/export", headers={"range": "bytes=9-1"}).status_code == 416
    assert client.post(f"{URL}/import", content=b"no zip", headers=ZIP).status_code == 422
    assert list(made.iterdir()) == []


def test_renamed(client: TestClient, host: FakeHost) -> None:
    add_easyphoto_person(host.data_dir, "ada")
    answer = client.post(f"{URL}/ada/rename", json={"to": "bob"})
    assert (answer.status_code, answer.json()["id"]) == (200, "bob")
    assert [person.name for person in host.people.all()] == ["bob", "demo"]


@pytest.mark.parametrize("query", ["", "?confirm=", "?confirm=bob", "?confirm=true"])
def test_nothing_is_deleted_without_the_name(
    client: TestClient, host: FakeHost, query: str
) -> None:
    before = add_easyphoto_person(host.data_dir, "ada")
    answer = client.delete(f"{URL}/ada{query}")
    assert answer.status_code == 422
    assert "Give confirm=ada to delete it for good" in answer.json()["error"]
    assert tree(host.data_dir) == before


def test_deleted_without_the_lora(client: TestClient, host: FakeHost) -> None:
    add_easyphoto_person(host.data_dir, "ada")
    answer = client.delete(f"{URL}/ada?confirm=ada&keep_lora=true")
    assert answer.json() == {"deleted": ["ada"]}
    assert list(tree(host.data_dir)) == ["models/Lora/ada.safetensors"]


def test_made_from_photos(client: TestClient, host: FakeHost) -> None:
    (host.data_dir / LORAS).mkdir(parents=True)
    (host.data_dir / LORAS / "found.safetensors").write_bytes(lora_bytes())
    photos = [photo(10), f"data:image/png;base64,{photo(20)}"]
    answer = client.post(URL, json={"id": "ada", "lora": "found", "photos": photos})
    assert (answer.status_code, answer.json()["id"]) == (201, "ada")
    names = {Path(path).name for path in tree(host.people.folder)}
    assert names == {"ref_image.jpg", "0.jpg", "1.jpg", "ada.safetensors"}
    assert client.get(answer.json()["reference"]).status_code == 200


GOOD: dict[str, Any] = {"id": "bob", "lora": "found", "photos": [photo(1)]}


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"id": "../x"}, 422, "is no name"),
        ({"id": None}, 422, "User id: None is no text"),
        ({"id": "ada"}, 422, "is there already"),
        ({"lora": "nowhere"}, 404, "LoRA 'nowhere' is missing"),
        ({"lora": "../../etc/passwd"}, 404, "is missing"),
        ({"photos": []}, 422, "are no list of photos"),
        ({"photos": "all"}, 422, "are no list of photos"),
        ({"photos": [photo(1)] * 101}, 422, "100 at most"),
        ({"photos": ["?"]}, 422, "'photo 1' is not base64"),
        ({"photos": ["AAAA"]}, 422, "it is no picture"),
    ],
)
def test_what_cannot_be_made_is_refused(
    client: TestClient, host: FakeHost, change: dict[str, Any], status: int, words: str
) -> None:
    add_easyphoto_person(host.data_dir, "ada")
    (host.data_dir / LORAS / "found.safetensors").write_bytes(lora_bytes())
    before = tree(host.data_dir)
    answer = client.post(URL, json={**GOOD, **change})
    assert (answer.status_code, words in answer.json()["error"]) == (status, True)
    assert tree(host.data_dir) == before


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.post(f"{URL}/import", content=b"x" * 200, headers=ZIP),
        lambda client: client.post(URL, json={"id": "x" * 200}),
        lambda client: client.post(
            f"{URL}/import", content=iter([b"x" * 60, b"x" * 60]), headers=ZIP
        ),
    ],
)
def test_no_more_is_read_than_is_allowed(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, call: Callable[[TestClient], Any]
) -> None:
    monkeypatch.setattr(api, "LARGEST_ZIP", 100)
    monkeypatch.setattr(api, "LARGEST_PHOTOS", 100)
    answer = call(client)
    assert answer.status_code == 413
    assert "more than 100 bytes" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/import", "multipart/form-data"),
        ("/import", "application/octet-stream"),
        ("", "text/plain"),
    ],
)
def test_no_page_elsewhere_can_send_it(client: TestClient, path: str, kind: str) -> None:
    answer = client.post(URL + path, content=b"{}", headers={"content-type": kind})
    assert answer.status_code == 415


def test_a_password_is_asked_for_all_of_it(host: FakeHost, app: FastAPI) -> None:
    from easyphoto_video.host.api import router
    from easyphoto_video.host.jobs import Jobs
    from easyphoto_video.host.webui.access import dependencies

    closed = FastAPI()
    closed.include_router(router(host, Jobs(host)), dependencies=dependencies("ada:secret"))
    client = TestClient(closed)
    for method, path, _ in api.PeopleApi(host).changes():
        assert client.request(method, f"/easyphoto-video{path}").status_code == 401
    for path, _ in api.PeopleApi(host).gets():
        assert client.get(f"/easyphoto-video{path}").status_code == 401
        assert client.get(f"/easyphoto-video{path}", auth=("ada", "secret")).status_code != 401
