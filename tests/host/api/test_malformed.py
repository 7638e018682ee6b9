"""What cannot be used is refused with our text and a 4xx, and the next good call works."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from easyphoto_video.host.api import router, routes
from easyphoto_video.host.api.body import DEEPEST, LARGEST
from easyphoto_video.host.jobs import Jobs
from easyphoto_video.modes.registry import MODES
from easyphoto_video.setting import settings as declarations
from easyphoto_video.setting.kind import LONGEST_LIST, LONGEST_TEXT
from tests.host.fake import FakeHost, add_person

API = "/easyphoto-video"
POST = f"{API}/text2video"
JSON = {"content-type": "application/json"}
ESCAPES = [
    "../../../etc/passwd",
    "/etc/passwd",
    "..\\..\\windows\\win.ini",
    "C:\\Windows\\win.ini",
    "\\\\server\\share\\x",
    "~/x.safetensors",
    "~nobody/x",
    "a\0b",
    "x" * 5000,
    "file:///etc/passwd",
    "auto/../auto",
    "",
]


@dataclass(frozen=True)
class Call:
    """A call that is wrong, the statuses that say so, and a word of the answer."""

    status: int
    words: str
    content: bytes = b""
    path: str = POST
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=lambda: JSON)


def values(words: str, **given: Any) -> Call:
    """A JSON object that is wrong in a field."""
    return Call(422, words, json.dumps(given).encode())


def text(words: str, content: str, status: int = 400) -> Call:
    """A body that is no JSON object."""
    return Call(status, words, content.encode())


def address(status: int, method: str, path: str, words: str) -> Call:
    """A call of the wrong address."""
    return Call(status, words, b"{}", API + path, method)


def typed(kind: str) -> Call:
    """A good body under another type."""
    return Call(415, "Content-Type", b"{}", headers={"content-type": kind} if kind else {})


NESTED = "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)

CALLS = [
    # no JSON object
    text("no JSON", ""),
    text("no JSON", "{"),
    text("no JSON", "hello"),
    text("no JSON", "{'prompt': 'a'}"),
    text("no JSON", '{"steps": 1,}'),
    text("no JSON", '{"steps": 1} {"steps": 2}'),
    text("no JSON", '{"cfg": NaN}'),
    text("no JSON", '{"cfg": Infinity}'),
    text("no JSON", '{"cfg": -Infinity}'),
    text("no JSON", '{"steps": ' + "9" * 5000 + "}"),
    text("no JSON", '{"prompt": "\\ud800"}'),
    text("no JSON", '{"\\udfff": 1}'),
    text("no JSON", '{"prompt": "a\nb"}'),
    text("no JSON", "[" * 200_000),
    text("no JSON", '{"a":' * 200_000),
    text("nested", f'{{"loras": {NESTED}}}'),
    text("nested", NESTED),
    text("no JSON object", "[]"),
    text("no JSON object", "null"),
    text("no JSON object", "1"),
    text("no JSON object", '"text2video"'),
    text("no JSON object", '[{"prompt": "a"}]'),
    Call(400, "no JSON", b"\xff\xfe\x00"),
    Call(400, "no JSON", '{"prompt": "ä"}'.encode("latin-1")),
    Call(400, "no JSON", "{}".encode("utf-16")),
    Call(413, f"{LARGEST} bytes", b'{"prompt": "' + b"a" * LARGEST + b'"}'),
    Call(413, f"{LARGEST} bytes", b" " * (LARGEST + 1)),
    typed(""),
    typed("text/plain"),
    typed("application/x-www-form-urlencoded"),
    typed("multipart/form-data; boundary=x"),
    typed("text/plain; application/json"),
    typed("application/json-seq"),
    # fields
    values("is no field", smapler="DDIM"),
    values("is no field", **{"": 1}),
    values("is no field", out="/tmp/x.mp4"),
    values("is no field", data_dir="/"),
    values("Mode", mode="image2video"),
    values("Mode", mode=None),
    *(values("Prompt", prompt=value) for value in (None, 3, True, [], {}, ["a"])),
    values(f"{LONGEST_TEXT} characters", prompt="a" * (LONGEST_TEXT + 1)),
    values("does not come after frame 8", prompt="8: a\n0: b"),
    values("Negative prompt", negative=1),
    *(values("Steps", steps=value) for value in (0, 151, -1, 2.5, "20", True, None, [20], 10**400)),
    *(values("CFG scale", cfg=value) for value in (0.5, 31, -1, "7", False, None, 10**400)),
    *(values("Seed", seed=value) for value in (-2, 2**32, 1.5, "7", None)),
    *(values("Width", width=value) for value in (7, 63, 65, 2056, -8, "512", 1e300)),
    values("Height", height=100),
    *(values("Frames", frames=value) for value in (0, 1_000_001, "many", {})),
    *(
        values("Frames per second", fps=value)
        for value in (0, 121, -8, "1/0", "8/", "inf", "1e999999999", "", True, None, [8], 1e-30)
    ),
    values("Context length", context=65),
    values("Context overlap", overlap=16),
    values("Clip skip", clip_skip=13),
    values("User LoRA weight", user_weight=2.1),
    values("Sampler", sampler="Brush"),
    values("Sampler", sampler=None),
    values("too much for the sampler LCM", sampler="LCM", steps=60),
    values("Format", format="avi"),
    values("Format", format="../png"),
    *(
        values("LoRA", loras=value)
        for value in ("film", ["film:x"], ["film:11"], ["film:nan"], [":1"], [1], [["film"]], None)
    ),
    values(f"{LONGEST_LIST} items", loras=["film"] * (LONGEST_LIST + 1)),
    values("Motion LoRA", motion_loras={"pan_left": 1}),
    values("User id", user_id="Bob"),
    # files that are elsewhere
    *(
        values(name, **{name: value})
        for name in ("checkpoint", "vae", "motion")
        for value in ESCAPES
    ),
    *(values("lora", loras=[value]) for value in ESCAPES),
    *(values("lora", motion_loras=[value]) for value in ESCAPES[:4]),
    *(values("User id", user_id=value) for value in ESCAPES[:-1]),
    # addresses
    address(404, "POST", "/text2opera", "POST /easyphoto-video/text2video"),
    address(404, "POST", "/", "is missing"),
    address(404, "POST", "/text2video/", "is missing"),
    address(404, "GET", "/text2video/x", "is missing"),
    address(404, "POST", "/%2e%2e/sdapi", "is missing"),
    address(404, "GET", "/jobs/none", "last 50 jobs"),
    address(404, "GET", "/jobs/none/file", "last 50 jobs"),
    address(404, "POST", "/jobs/none/cancel", "last 50 jobs"),
    address(404, "DELETE", "/jobs/none", "last 50 jobs"),
    address(404, "GET", "/jobs/..%2f..%2fetc%2fpasswd/file", "is missing"),
    address(404, "GET", "/jobs/%00/file", "last 50 jobs"),
    address(404, "GET", f"/jobs/{'x' * 5000}", "last 50 jobs"),
    address(404, "GET", "/user-ids/Bob/reference", "Ada"),
    address(404, "GET", "/user-ids/..%2f..%2fetc/reference", "is missing"),
    address(422, "GET", "/user-ids/%2e%2e/reference", "is no name"),
    address(422, "GET", "/user-ids/..%5c..%5cx/reference", "is no name"),
    address(422, "GET", "/user-ids/a%00b/reference", "is no name"),
    address(405, "GET", "/text2video", "Use POST."),
    address(405, "PUT", "/text2video", "Use POST."),
    address(405, "POST", "/jobs", "Use GET or HEAD."),
    address(405, "DELETE", "/jobs", "Use GET or HEAD."),
    address(405, "PATCH", "/jobs/none", "Use DELETE or GET or HEAD."),
    address(405, "GET", "/jobs/none/cancel", "Use POST."),
    address(405, "POST", "/schema", "Use GET or HEAD."),
    address(405, "OPTIONS", "/user-ids", "Use GET or HEAD or POST."),
    address(422, "POST", "/text2video?wait=maybe", "wait=true"),
]


@dataclass(frozen=True)
class Stand:
    """An API whose jobs stay in the queue until `good` lets one run."""

    host: FakeHost
    jobs: Jobs
    client: TestClient

    def good(self) -> None:
        """A good call, from the request to the file."""
        body = {"frames": 1, "format": "png"}
        job = self.client.post(f"{POST}?wait=true", json=body).json()
        assert job["state"] == "done"
        assert self.client.get(job["url"]).status_code == 200


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    host = FakeHost(tmp_path_factory.mktemp("data"))
    add_person(host.data_dir, "Ada")
    patch = pytest.MonkeyPatch()
    patch.setattr(routes, "POLL", 0.002)
    jobs = Jobs(host)
    app = FastAPI()
    app.include_router(router(host, jobs))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Stand(host, jobs, client)
    patch.undo()
    jobs.stop(waiting=True)


def label(call: Call) -> str:
    return f"{call.method} {call.path} {call.content[:40]!r}"


def test_there_are_a_hundred() -> None:
    assert len(CALLS) >= 100


@pytest.mark.parametrize("call", CALLS, ids=label)
def test_a_malformed_call_is_refused_and_the_next_good_one_works(
    stand: Stand, call: Call, capfd: pytest.CaptureFixture[str]
) -> None:
    before = stand.jobs.all()
    answer = stand.client.request(
        call.method, call.path, content=call.content, headers=call.headers
    )
    check_refusal(answer)
    assert answer.status_code == call.status, answer.text
    assert call.words.lower() in answer.text.lower()
    assert stand.jobs.all() == before
    assert capfd.readouterr().err == ""
    stand.good()


def check_refusal(answer: Any) -> None:
    """A refusal is ours: a sentence, its kind and field, and no more."""
    assert 400 <= answer.status_code < 500, answer.text
    said = answer.json()
    assert set(said) == {"error", "kind", "field"}
    assert said["kind"] in {"BadRequest", "BadFile", "Missing"}
    assert said["error"].endswith((".", "fetch"))
    assert len(said["error"]) < 1100
    assert "Traceback" not in answer.text
    assert ".py" not in said["error"]


NAMES = [field.name for field, _ in declarations(MODES["text2video"].request)]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([*ESCAPES, "film:1", "mp4", "DDIM", "30/1", 64, 2**63, 1e308])
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
OBJECTS = st.dictionaries(st.sampled_from([*NAMES, "mode"]) | st.text(), ANYTHING, max_size=5)


def answered(stand: Stand, send: Callable[[], Any]) -> None:
    """The answer is a job or a refusal. The models are kept, so that no large clip is made."""
    with stand.host.models:
        answer = send()
        if answer.status_code == 202:
            assert answer.json()["state"] == "queued"
        else:
            check_refusal(answer)
        stand.jobs.stop(waiting=True)


@settings(max_examples=150)
@given(values=OBJECTS)
def test_any_object_is_a_job_or_refused(stand: Stand, values: dict[str, Any]) -> None:
    body = json.dumps(values).encode()
    answered(stand, lambda: stand.client.post(POST, content=body, headers=JSON))


@settings(max_examples=100)
@given(name=st.sampled_from(NAMES), value=SCALARS | st.lists(SCALARS, max_size=3))
def test_any_value_of_a_field_is_a_job_or_refused(stand: Stand, name: str, value: Any) -> None:
    body = json.dumps({name: value}).encode()
    answered(stand, lambda: stand.client.post(POST, content=body, headers=JSON))


@settings(max_examples=60)
@given(body=st.binary(max_size=60), kind=st.sampled_from(["application/json", "text/plain"]))
def test_any_bytes_are_refused(stand: Stand, body: bytes, kind: str) -> None:
    answered(stand, lambda: stand.client.post(POST, content=body, headers={"content-type": kind}))


SEGMENT = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=12)
"""A line break matches no route at all; the app itself says 404 then."""


@settings(
    max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    segments=st.lists(
        st.sampled_from(["jobs", "user-ids", "text2video", "file", "reference", "cancel"])
        | SEGMENT,
        max_size=4,
    ),
)
def test_any_address_is_known_or_refused(stand: Stand, method: str, segments: list[str]) -> None:
    path = "/".join(quote(segment, safe="") for segment in segments)
    answer = stand.client.request(method, f"{API}/{path}", follow_redirects=False)
    assert answer.status_code == 200 or 400 <= answer.status_code < 500
    if answer.status_code != 200 and method != "HEAD":
        check_refusal(answer)
