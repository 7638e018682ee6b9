"""The choice of device and precision."""

from __future__ import annotations

import pytest
import torch

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.device import Target, target


def test_a_cpu_computes_in_fp32_unless_told() -> None:
    assert target("cpu") == Target(torch.device("cpu"), torch.float32)
    assert target("cpu", "bf16").dtype == torch.bfloat16


def test_auto_is_the_best_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert target() == Target(torch.device("cuda"), torch.float16)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert target().device.type == "cpu"


def test_what_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(BadRequest, match="Choose auto or cpu"):
        target("cuda")
    with pytest.raises(BadRequest, match="fp32, fp16, bf16"):
        target("cpu", "fp8")
