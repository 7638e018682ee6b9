"""A course learns what it is shown, and goes on after a stop as if there had been none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.host.library import CHECKPOINTS, Library
from easyphoto_video.host.standalone.device import target
from easyphoto_video.host.standalone.model.load import Models, load_models
from easyphoto_video.host.standalone.train.course import LAST_RATE, Course, Plan, averaged

TARGET = pytest.mark.slow(reason="learns the same once more; only the target is another")


def plan(steps: int = 30, rank: int = 8) -> Plan:
    return Plan(
        steps=steps,
        rank=rank,
        alpha=8.0,
        learning_rate=1e-2,
        batch=2,
        caption="easyphoto_face",
        seed=3,
    )


def models_of(library: Library, name: str) -> Models:
    return load_models(library.find(CHECKPOINTS, name), None, target("cpu", "fp32"))


@pytest.fixture
def latents() -> Tensor:
    return torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", params=["tiny", pytest.param("tiny_v", marks=TARGET)])
def models(request: pytest.FixtureRequest, library: Library) -> Models:
    """A checkpoint that predicts noise, and one of velocity."""
    return models_of(library, request.param)


def test_it_learns(models: Models, latents: Tensor) -> None:
    course = Course(models, latents, plan(40))
    losses = [course.step() for _ in range(40)]
    assert sum(losses[-16:]) < 0.85 * sum(losses[:16])
    assert course.done == 40


def test_it_goes_on_as_if_it_had_not_stopped(
    models: Models, latents: Tensor, tmp_path: Path
) -> None:
    whole = Course(models, latents, plan(4))
    losses = [whole.step() for _ in range(4)]
    first = Course(models, latents, plan(4))
    for _ in range(2):
        first.step()
    first.save(tmp_path / "training.pt")
    second = Course(models, latents, plan(4))
    second.load(tmp_path / "training.pt")
    assert second.done == 2
    assert [second.step() for _ in range(2)] == losses[2:]
    pairs = zip(whole.adapters.parameters(), second.adapters.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert [path.name for path in tmp_path.iterdir()] == ["training.pt"]


def test_computing_activations_again_learns_the_same(
    library: Library, latents: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Course(models_of(library, "tiny"), latents, plan())
    monkeypatch.setattr("easyphoto_video.host.standalone.train.course.LARGE", 8)
    frugal = Course(models_of(library, "tiny"), latents, plan())
    for _ in range(2):
        assert frugal.step() == pytest.approx(plain.step(), rel=1e-4)


def test_the_rate_rises_and_falls(library: Library, latents: Tensor) -> None:
    course = Course(models_of(library, "tiny"), latents, plan(100))
    rates = []
    for course.done in (0, 25, 99):
        course.step()
        rates.append(course.rates[0])
    assert rates[0] < rates[1]
    assert rates[2] == pytest.approx(LAST_RATE * 1e-2, rel=0.1)


def test_the_networks_themselves_learn_nothing(models: Models, latents: Tensor) -> None:
    before = {key: t.clone() for key, t in models.unet.state_dict().items()}
    course = Course(models, latents, plan())
    course.step()
    after = models.unet.state_dict()
    assert all(torch.equal(t, after[key]) for key, t in before.items())
    assert not any(parameter.requires_grad for parameter in models.unet.parameters())


@pytest.mark.parametrize("content", [b"", b"not a state"])
def test_a_broken_state_is_refused(
    library: Library, latents: Tensor, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "training.pt"
    path.write_bytes(content)
    course = Course(models_of(library, "tiny"), latents, plan())
    with pytest.raises(BadFile, match="--restart"):
        course.load(path)


def test_a_state_of_another_rank_is_refused(
    library: Library, latents: Tensor, tmp_path: Path
) -> None:
    models = models_of(library, "tiny")
    Course(models, latents, plan(rank=2)).save(tmp_path / "training.pt")
    with pytest.raises(BadFile, match="--restart"):
        Course(models, latents, plan(rank=4)).load(tmp_path / "training.pt")


def test_an_average_is_the_mean() -> None:
    states = [{"a": torch.tensor([0.0, 2.0]).half()}, {"a": torch.tensor([1.0, 4.0]).half()}]
    assert torch.equal(averaged(states)["a"], torch.tensor([0.5, 3.0]).half())
