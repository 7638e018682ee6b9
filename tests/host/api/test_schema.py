"""The schema says what the API takes, no more and no less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.api.body import request_of
from easyphoto_video.host.api.schema import DIALECT, schema
from easyphoto_video.modes.registry import MODES
from easyphoto_video.setting import Setting
from easyphoto_video.setting import settings as declarations
from easyphoto_video.setting.number import Number
from tests.host.api.validator import is_valid
from tests.host.fake import FakeHost, add_person

NUMBERS = [
    field.name
    for field, setting in declarations(MODES["text2video"].request)
    if isinstance(setting.kind, Number)
]
ROOM = {
    "context": {"overlap": 0},
    "overlap": {"context": 64},
    "span": {"span_overlap": 0},
    "span_overlap": {"span": 1024},
}
"""What else must be given so that a field alone decides."""


def unnamed(setting: Setting, name: str) -> str:
    """No file of these requests is named."""
    assert not name
    return name


def fields(host: FakeHost) -> dict[str, Any]:
    return schema(host)["$defs"]["text2video"]["properties"]


def test_it_is_json_of_the_dialect_that_it_names(client: TestClient, host: FakeHost) -> None:
    answer = client.get("/easyphoto-video/schema")
    assert answer.status_code == 200
    assert answer.json() == json.loads(json.dumps(schema(host)))
    assert answer.json()["$schema"] == DIALECT
    assert set(answer.json()["$defs"]) == set(MODES)


def test_every_declaration_is_there(host: FakeHost) -> None:
    for field, setting in declarations(MODES["text2video"].request):
        shown = fields(host)[field.name]
        assert shown["title"] == setting.label
        assert shown["description"] == setting.help
        assert shown.get("unit", "") == setting.unit
        assert shown.get("auto") == setting.auto
        limits = shown if setting.auto is None else shown["anyOf"][1]
        assert limits.get("minimum") == setting.low
        assert limits.get("maximum") == setting.high
        assert limits.get("multipleOf", 1) == (setting.step or 1)


def test_what_can_be_chosen_is_looked_up_anew(host: FakeHost) -> None:
    assert fields(host)["checkpoint"]["enum"] == host.names["checkpoint"]
    assert fields(host)["user_id"]["enum"] == ["auto", "none", "demo"]
    add_person(host.data_dir, "Ada")
    host.names["checkpoint"] = ["auto", "new.safetensors"]
    assert fields(host)["user_id"]["enum"] == ["auto", "none", "Ada", "demo"]
    assert fields(host)["checkpoint"]["enum"] == ["auto", "new.safetensors"]
    assert fields(host)["loras"]["items"]["examples"] == host.names["loras"]
    assert fields(host)["format"]["enum"] == ["mp4", "gif", "webp", "webm", "png"]


def test_defaults_are_the_hosts_and_hold_for_what_is_left_out(
    client: TestClient, host: FakeHost
) -> None:
    host.own_defaults = {"format": "gif", "steps": 7, "fps": 12, "of_another_mode": 1}
    shown = fields(host)
    assert [shown[name]["default"] for name in ("format", "steps", "fps")] == ["gif", 7, "12"]
    job = client.post("/easyphoto-video/text2video", json={"steps": 3}).json()
    assert [job["request"][name] for name in ("format", "steps", "fps")] == ["gif", 3, "12"]


def test_defaults_and_settled_requests_are_valid(client: TestClient, host: FakeHost) -> None:
    whole = schema(host)
    defaults = {name: field["default"] for name, field in fields(host).items() if name != "mode"}
    assert is_valid(defaults, whole)
    job = client.post("/easyphoto-video/text2video", json={"loras": ["film:0.5"]}).json()
    assert is_valid(job["request"], whole)
    assert not is_valid({**defaults, "extra": 1}, whole)
    assert not is_valid({**defaults, "mode": "text2opera"}, whole)
    assert not is_valid([], whole)


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    max_examples=300,
)
@given(name=st.sampled_from(NUMBERS), data=st.data())
def test_a_number_is_taken_exactly_when_it_is_valid(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    host = FakeHost(tmp_path)
    shown = fields(host)[name]
    limits = shown.get("anyOf", [0, shown])[1]
    edges = [limits["minimum"] - 1, limits["minimum"], limits["maximum"], limits["maximum"] + 1]
    value = data.draw(
        st.sampled_from([*edges, shown.get("auto", 0)])
        | st.integers(-3, 200)
        | st.integers(0, 300).map(lambda n: 8 * n)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.booleans()
        | st.none()
    )
    try:
        request_of("text2video", {**ROOM.get(name, {}), name: value}, host, unnamed)
    except BadRequest as error:
        assert error.field == shown["title"]
        assert not is_valid(value, shown)
    else:
        assert is_valid(value, shown)


@pytest.mark.parametrize(
    ("value", "taken"),
    [("8", True), ("30000/1001", True), ("23.976", True), ("1e3", False), ("a", False)],
)
def test_a_rate_may_be_a_fraction(host: FakeHost, value: str, taken: bool) -> None:
    assert is_valid(value, fields(host)["fps"]) is taken
    if taken:
        assert request_of("text2video", {"fps": value}, host, unnamed).fps > 0
    else:
        with pytest.raises(BadRequest, match="Frames per second"):
            request_of("text2video", {"fps": value}, host, unnamed)
