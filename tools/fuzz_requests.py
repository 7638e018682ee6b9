"""Requests as JSON: fields of every mode with values that were never meant for them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from easyphoto_video.host.api.body import parsed, request_of
from easyphoto_video.host.api.uploads import Uploads
from easyphoto_video.host.jobs import Jobs
from easyphoto_video.infotext import to_infotext, values_of
from easyphoto_video.modes.registry import MODES, request_from
from easyphoto_video.request import Request, Sampled
from easyphoto_video.setting import CurveOverFrames, settings
from easyphoto_video.setting.number import WHOLE
from tools.fuzz_host import FuzzHost

NUMBERS = (0, -1, 1, 2, 7, 8, 64, 512, 2048, 8192, 10**6, 2**31, 2**63, 2**64, 10**400, 0.5, -0.0)
NUMBERS += (1e-300, 1e308, float("nan"), float("inf"), -float("inf"))
TEXTS = ("", " ", "8", "30000/1001", "1/0", "nan", "1e400", "9" * 5000, "0:(1), 8:(0.5)", "a\0b")
TEXTS += ("auto", "none", "film:1", "film:nan", ":", "\ud800", "x" * 30_000, "../../etc/passwd")
TEXTS += (
    "/etc/passwd",
    "upload:" + "0" * 32,
    "data:image/png;base64,AAAA",
    "~",
    "C:\\x",
    "0: a\n0: b",
)
OTHERS = (None, True, False, [], {}, [[]], [None], {"": {}}, ["a"] * 65, [1, "a"], {"0": "a"})


def case(rng: random.Random, samples: Path, folder: Path) -> None:
    """See tools/fuzz_case.py: a request as the API, a resumed job or a program gives it."""
    mode = rng.choice(list(MODES))
    values = _values(rng, mode)
    at_once = rng.randrange(3) == 0
    request = request_from(values) if at_once else _over_http(rng, mode, values, folder)
    assert request_from(json.loads(json.dumps(request.to_json()))) == request
    for field, setting in settings(request):
        if isinstance(setting.kind, CurveOverFrames):
            request.over_frames(field.name, range(min(request.frames, 40)))
    if request.frames and isinstance(request, Sampled):
        assert request.prompts.keys
    assert values_of(to_infotext(request))


def _over_http(rng: random.Random, mode: str, values: dict[str, Any], folder: Path) -> Request:
    """Through the body of a call, some of whose bytes are others."""
    host = FuzzHost(folder)
    body = bytearray(json.dumps(values, ensure_ascii=rng.random() < 0.5).encode("utf-8", "replace"))
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        place = rng.randrange(len(body))
        body[place : place + rng.randrange(3)] = rng.choice(
            (b'"', b"{", b"]", b"\\", b"9", b"\xff")
        )
    given = parsed(bytes(body))
    if not isinstance(given, dict):
        given = {"prompt": given}
    return request_of(mode, given, host, Uploads(host, Jobs(host)).path)


def _values(rng: random.Random, mode: str) -> dict[str, Any]:
    kind = MODES[mode].request
    values: dict[str, Any] = kind().to_json() if rng.random() < 0.5 else {"mode": mode}
    if rng.random() < 0.05:
        values["mode"] = _value(rng)
    for field, setting in rng.choices(list(settings(kind)), k=rng.choice((0, 1, 2, 4))):
        if rng.random() < 0.5 and setting.low is not None and setting.high is not None:
            number = rng.uniform(setting.low, setting.high)
            values[field.name] = round(number) if setting.kind is WHOLE else number
        elif rng.random() < 0.5 and setting.kind.choices:
            values[field.name] = rng.choice(setting.kind.choices)
        else:
            values[field.name] = _value(rng)
    if rng.random() < 0.05:
        values[str(rng.choice(TEXTS))] = _value(rng)
    return values


def _value(rng: random.Random) -> Any:
    value = rng.choice(rng.choice((NUMBERS, TEXTS, OTHERS)))
    for _ in range(rng.choice((0, 0, 0, 0, 1, 9, 900))):
        value = [value] if rng.random() < 0.5 else {"a": value}
    return value
