"""The benchmark measures what it says, and what is measured agrees. No time is judged here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import bench.__main__ as program
from bench import clips, faces, roofline, steps
from bench.measure import Row, alone, in_turn, peak_mb, table
from bench.models import TINY, autoencoder, subject
from bench.plan import Plan
from bench.theirs import norms_per_frame, their_unet
from easyphoto_video.faces.face import FaceTrack

PLAN = Plan(subjects=(TINY,), dtypes=("fp32",), frames=4, px=128, repeats=1)
CLOSE = 1e-4


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases run in this process, which is sooner."""

    def call(function: Callable[..., object], *args: object) -> object:
        return function(*args)

    for case in (steps, clips, faces, roofline):
        monkeypatch.setattr(case, "alone", call)


def test_a_step_is_theirs() -> None:
    (row,) = steps.step(PLAN, "fp32")
    assert row.error is not None and row.error < CLOSE
    assert row.ratio is not None and row.ratio > 0


def test_the_temporal_layers_are_theirs_and_their_memory_is_seen() -> None:
    time, memory = steps.temporal(PLAN, "fp32")
    assert time.error is not None and time.error < CLOSE
    assert (time.unit, memory.unit) == ("s", "MB")


def test_decoding_is_theirs_to_one_of_255() -> None:
    (row,) = clips.vae(PLAN, "fp32")
    assert row.error is not None and row.error <= 1


def test_our_network_and_theirs_hold_the_same_tensors() -> None:
    model = subject(TINY, "fp32", "cpu")
    theirs = their_unet(model)
    places = {p.data_ptr() for net in (model.unet, model.motion) for p in net.parameters()}
    assert {p.data_ptr() for p in theirs.parameters()} <= places


def test_their_norms_come_back_and_matter() -> None:
    model = subject(TINY, "fp32", "cpu")
    theirs = their_unet(model)
    before = dict(theirs.named_modules())
    noise, _, words = model.inputs(4, 64)
    given = (noise.transpose(0, 1)[None], 500, words.expand(4, -1, -1))

    @torch.no_grad()
    def said() -> torch.Tensor:
        return theirs(*given).sample

    plain = said()
    with norms_per_frame(theirs):
        framed = said()
    assert not torch.allclose(plain, framed, rtol=CLOSE)
    assert torch.equal(plain, said())
    assert all(before[name] is module for name, module in theirs.named_modules())


def test_the_roofline_counts_what_a_step_computes() -> None:
    short, long = (
        {row.what.split(", ")[-1]: row for row in roofline.roofline(plan, "fp32")}
        for plan in (PLAN, Plan(**{**vars(PLAN), "frames": 8}))
    )
    assert short["computed"].ours * 1.9 < long["computed"].ours < short["computed"].ours * 2.1
    assert short["moved"].ours < long["moved"].ours < short["moved"].ours * 2.1
    assert short["step"].theirs is not None


def test_traffic_is_what_is_read_and_written() -> None:
    x = torch.zeros(8, 16)
    with roofline.Traffic() as traffic:
        _ = x.view(16, 8) + 1
    assert traffic.bytes == 2 * x.numel() * 4


def test_the_same_track_is_nowhere_apart() -> None:
    boxes = np.arange(12, dtype=np.float32).reshape(3, 4)
    points = np.zeros((3, 5, 2), np.float32)

    def track(boxes: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> FaceTrack:
        there = np.ones(3, bool)
        return FaceTrack(
            boxes=boxes,
            points=points,
            dense=None,
            seen=there,
            scores=np.ones(3, np.float32),
            cuts=~there,
            embeddings=None,
            embedding=None,
        )

    assert not any(part.any() for part in faces.distances(track(boxes), track(boxes)))
    moved = faces.distances(track(boxes), track(boxes + np.array([3, 4, 3, 4], np.float32)))
    assert np.allclose(moved[0], 0) and np.allclose(moved[1], 5)


def test_calls_are_measured_in_turn() -> None:
    seen: list[str] = []
    calls = {name: (lambda name=name: seen.append(name)) for name in ("a", "b")}
    assert set(in_turn(calls, 3)) == {"a", "b"}
    assert seen == ["a", "b"] * 3


def test_a_process_of_its_own_has_its_own_memory() -> None:
    peak = alone(peak_mb)
    assert peak is None or 0 < peak < 4096


def test_the_command_prints_a_table_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Row(case="step", what="x", unit="s", ours=1.0, theirs=2.0, against="y")
    monkeypatch.setattr(program, "measured", lambda plan, names: iter([row]))
    file = tmp_path / "bench.json"
    assert program.main(["--json", str(file), "--quick", "--only", "step"]) == 0
    assert table([row]) in capsys.readouterr().out
    told = json.loads(file.read_text())
    assert told["rows"][0]["ratio"] == 0.5
    assert told["machine"]["torch"] == torch.__version__


def test_random_networks_are_the_same_each_time() -> None:
    first, second = (subject(TINY, "fp32", "cpu") for _ in range(2))
    assert _equal(first.unet, second.unet) and _equal(first.motion, second.motion)
    assert _equal(autoencoder(TINY, "fp32", "cpu"), autoencoder(TINY, "fp32", "cpu"))


def _equal(one: nn.Module, other: nn.Module) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in mine.items())
