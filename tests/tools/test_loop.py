"""The training loop: a run is the same in one process or two, stopped or not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from tools.train.fleet import Fleet
from tools.train.loop import Budget, Course, Draw, state_path, train

_BUDGET = Budget("line", 24, 1e-2, 7)


def _course() -> Course:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)

    def loss(draw: Draw) -> torch.Tensor:
        return (model(draw.normal(2, 3)) - draw.progress).square().mean()

    return Course(budget=_BUDGET, model=model, loss=loss, score=lambda _: "", batch=2)


def _one_of_two(rank: int, out: Path) -> None:
    torch.set_num_threads(1)
    address = f"file://{out / 'meeting'}"
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    train(_course(), Fleet(out=out, rank=rank, workers=2))
    dist.destroy_process_group()


def _weights(out: Path) -> list[torch.Tensor]:
    state = torch.load(state_path(Fleet(out=out), _BUDGET))
    return [*state["model"].values(), *state["average"].values()]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone")
    train(_course(), Fleet(out=out))
    return out


def _same(one: Path, other: Path) -> bool:
    return all(torch.equal(a, b) for a, b in zip(_weights(one), _weights(other), strict=True))


@pytest.mark.slow(reason="starts two processes that train; the recipe rarely changes")
def test_two_processes_come_to_the_same_weights_as_one(alone: Path, tmp_path: Path) -> None:
    mp.spawn(_one_of_two, (tmp_path,), nprocs=2)
    assert _same(alone, tmp_path)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course, steps = _course(), 0

    def stop(draw: Draw) -> torch.Tensor:
        nonlocal steps
        steps += 1
        if steps > 6:
            raise KeyboardInterrupt
        return course.loss(draw)

    stopping = Course(**{**vars(course), "loss": stop})
    monkeypatch.setattr("tools.train.loop._SAVE_SECONDS", -1.0)
    with pytest.raises(KeyboardInterrupt):
        train(stopping, Fleet(out=tmp_path))
    assert not _same(alone, tmp_path)
    train(_course(), Fleet(out=tmp_path))
    assert _same(alone, tmp_path)


def test_a_finished_stage_trains_no_further(alone: Path) -> None:
    before = _weights(alone)
    train(_course(), Fleet(out=alone))
    assert all(torch.equal(a, b) for a, b in zip(before, _weights(alone), strict=True))
