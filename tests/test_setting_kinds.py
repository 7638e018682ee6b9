"""A kind of setting is one object: a new one goes wherever settings go, and so do records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from easyphoto_video.errors import BadFile, BadRequest
from easyphoto_video.host.api import router
from easyphoto_video.host.api.schema import schema
from easyphoto_video.host.jobs import Jobs
from easyphoto_video.host.standalone.cli import main
from easyphoto_video.host.tab.inputs import infotext_of
from easyphoto_video.infotext import to_infotext, values_of
from easyphoto_video.modes.registry import MODES, request_from
from easyphoto_video.setting import FOLDER, SOUND, Setting, declared, settings
from easyphoto_video.setting.declaration import BY_ANNOTATION, files_of, with_files
from easyphoto_video.unfinished import _same, _stamps, unfinished, working
from tests.host.api.validator import is_valid
from tests.host.fake import FakeHost
from tests.host.tab.drive import Driven
from tests.toy_kind import Angle, Hint, Turned, registered

POST = "/easyphoto-video/turned"


@pytest.fixture(autouse=True)
def there() -> Iterator[None]:
    with registered():
        yield


def made(**values: Any) -> Turned:
    """A request from values whose types pyright cannot know."""
    return Turned(**values)


def red(path: Path) -> Path:
    Image.new("RGB", (8, 8), "red").save(path)
    return path


def test_every_kind_of_today_is_of_one_object() -> None:
    for mode in MODES.values():
        for field, setting in settings(mode.request):
            kind = setting.kind
            assert kind.parse(kind.plain(field.default)) == field.default
            assert kind.fits(kind.plain(field.default))
            held = kind.parse(kind.from_form(kind.to_form(field.default)))
            assert held in (field.default, "none")


def test_a_field_of_no_kind_says_so() -> None:
    @dataclass(frozen=True)
    class Odd:
        when: complex = declared(0j, Setting(label="When", help="Never."))

    with pytest.raises(TypeError, match="name a kind"):
        list(settings(Odd))
    assert "complex" not in BY_ANNOTATION


@pytest.mark.parametrize("kind", [SOUND, FOLDER])
def test_a_file_of_any_sort_is_named(kind: Any) -> None:
    setting = Setting(label="File", kind=kind, help="A file.")
    assert kind.files("a.wav") == {"": "a.wav"}
    assert kind.files("") == {}
    assert kind.with_files("a", setting, lambda _, name: f"/{name}") == "/a"
    assert kind.schema(setting, "", ())["file"] == kind.widget


def test_by_the_command_line_and_from_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["turned", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "--turn ANGLE 0deg is none. [0deg]" in said
    assert "--hint sort=...,picture=...," in said
    picture = red(tmp_path / "a, b.png")
    hint = f'sort=pose,picture="{picture}",weight=0.5'
    words = ["turned", "--frames", "3", "--turn=-45deg", "--hint", hint, "--hint", "weight=0"]
    out = ["--json", "--out", str(tmp_path / "clip.png"), "--data-dir", str(tmp_path)]
    assert main([*words, *out]) == 0
    path = json.loads(capsys.readouterr().out.splitlines()[-1])["path"]
    assert main(["info", path, "--json"]) == 0
    again = request_from(json.loads(capsys.readouterr().out)["request"])
    assert isinstance(again, Turned)
    assert again.turn == Angle(-45)
    assert again.hints[1] == Hint(weight=0)
    assert Path(again.hints[0].picture).name == "a, b.png"
    assert values_of(to_infotext(again)) == again.to_json()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"turn": "left"}, "Turn: 'left' is not an angle such as 90deg"),
        ({"turn": 3}, "Turn: 3 is not an angle"),
        ({"hints": 3}, "Hints: 3 is not a list of objects"),
        ({"hints": "pose"}, "NAME=VALUE"),
        ({"hints": "sort=pose,sort=edges"}, "NAME=VALUE"),
        ({"hints": [{"weight": 3}]}, "Hints, Weight: 3.0 is out of range. Give from 0 to 2"),
        ({"hints": [{"sort": "x"}]}, "Hints, Sort: 'x' is not known. Choose one of: edges, pose"),
        ({"hints": ["size=3"]}, "Hints, size: '3' is no field of a record. Fields: sort, picture"),
        ({"hints": [{"fading": "0:(x"}]}, "Hints, Fading: .*line 1"),
        ({"hints": [[1, 2]]}, "is not a list of objects"),
    ],
)
def test_bad_values_say_what_to_give(values: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        made(**values)


HINTS = st.builds(
    Hint,
    sort=st.sampled_from(["edges", "pose"]),
    picture=st.text(),
    weight=st.floats(0, 2),
    fading=st.sampled_from(["", "0:(0), 8:(1)"]),
    names=st.lists(st.text()).map(tuple),
)


@given(HINTS)
def test_a_record_prints_as_it_is_read(hint: Hint) -> None:
    assert made(hints=[str(hint)]).hints == (hint,)
    job = made(hints=[hint])
    assert request_from(json.loads(json.dumps(job.to_json()))) == job
    (kind,) = [setting.kind for field, setting in settings(job) if field.name == "hints"]
    assert kind.parse(kind.from_form(kind.to_form(job.to_json()["hints"]))) == (hint,)


def test_by_the_api(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    app = FastAPI()
    app.include_router(router(host, Jobs(host)))
    shown = schema(host)["$defs"]["turned"]["properties"]
    secret = red(tmp_path / "secret.png")
    with TestClient(app, base_url="http://127.0.0.1") as client:
        sent = client.post(
            "/easyphoto-video/files?name=a.png",
            content=red(tmp_path / "a.png").read_bytes(),
            headers={"content-type": "image/png"},
        ).json()
        hint = {"sort": "pose", "picture": sent["file"], "weight": 0.5}
        body = {"frames": 3, "turn": "90deg", "hints": [hint], "format": "png"}
        assert is_valid(body["turn"], shown["turn"])
        assert is_valid(body["hints"], shown["hints"])
        done = client.post(f"{POST}?wait=true", json=body).json()
        assert done["state"] == "done"
        assert done["request"]["turn"] == "90deg"
        assert done["request"]["hints"][0]["picture"] == sent["file"]
        for bad in ({"turn": 90}, {"turn": "90"}, {"hints": [{"picture": str(secret)}]}):
            assert client.post(POST, json={**body, **bad}).status_code == 422
        for bad in ([{"weight": "1" * 30_000}], [{"weight": True}], [{"x": 1}], [3], ["a"] * 65):
            refused = client.post(POST, json={**body, "hints": bad})
            assert refused.status_code == 422
            assert "Hints" in refused.json()["error"]
            assert not is_valid(bad, shown["hints"])


def test_by_the_page(tmp_path: Path, event_loops: None) -> None:
    tab = Driven(tmp_path)
    form = tab.forms["turned"]
    assert form.parts["turn"].label == "Turn"
    assert form.parts["turn"].value == "0deg"
    picture = form.inputs.kept("Picture", Image.open(red(tmp_path / "a.png")))
    wanted = made(turn="90deg", frames=5, hints=[Hint(picture=picture, weight=0), Hint()])
    for values in (wanted.to_json(), values_of(infotext_of(wanted))):
        filled = form.filled(values)
        held = [filled[part]["value"] for part in form.components]
        assert form.request(held) == wanted
        assert str(tmp_path) not in str(held)
    secret = {"hints": [f"picture={tmp_path / 'a.png'}"]}
    assert "a.png" not in str(form.filled(secret)[form.parts["hints"]])
    names = list(form.fields)
    held[names.index("hints")] = secret["hints"][0]
    with pytest.raises(BadRequest, match=r"Hints, Picture: .* no file that was dropped here"):
        form.request(held)
    held[names.index("hints")] = "nonsense"
    with pytest.raises(BadRequest, match="Hints: "):
        form.request(held)


def test_files_in_records_are_stamped(tmp_path: Path) -> None:
    first, second = red(tmp_path / "a.png"), red(tmp_path / "b.png")
    job = made(hints=[Hint(), Hint(picture=str(first), film=str(second))], width=64, height=64)
    assert files_of(job) == {"hints[1].picture": str(first), "hints[1].film": str(second)}
    assert set(_stamps(job)) == set(files_of(job))
    assert files_of(with_files(job, lambda _, path: "")) == {}
    outputs = tmp_path / "outputs"
    with pytest.raises(KeyboardInterrupt), working(outputs, job) as work:
        (work.folder / "0.zip").write_bytes(b"")
        raise KeyboardInterrupt
    (left,) = unfinished(outputs)
    assert left.request == job
    assert _same(left) == left.folder
    second.write_bytes(b"another")
    with pytest.raises(BadFile, match="it has changed since"):
        _same(left)
