"""Beta schedules as in diffusers, and noise that stays with its frame."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from easyphoto_video.motion.noise import alphas_cumprod, betas, initial_noise, shuffled
from easyphoto_video.motion.spec import SDXL_BETA, V2

SIZE = (4, 2, 3)


@pytest.mark.parametrize("name", ["linear", "scaled_linear"])
def test_names_mean_what_they_mean_in_diffusers(name: str) -> None:
    from diffusers import DDIMScheduler

    theirs = DDIMScheduler(beta_schedule=name, beta_start=0.00085, beta_end=0.02)
    ours = alphas_cumprod(betas(name, 0.00085, 0.02))
    assert torch.allclose(ours.float(), theirs.alphas_cumprod, rtol=1e-4)


def test_ldm_calls_the_plain_schedule_by_another_name() -> None:
    assert torch.equal(betas("sqrt_linear", 0.1, 0.2), betas("linear", 0.1, 0.2))
    with pytest.raises(ValueError, match="there are linear, scaled_linear, sqrt_linear"):
        betas("cosine", 0.1, 0.2)


@pytest.mark.parametrize(
    ("schedule", "most"),
    [(V2.betas, 25.15), (("scaled_linear", 0.00085, 0.012), 14.61), (SDXL_BETA.betas, 65.93)],
)
def test_the_largest_noise_is_the_known_one(
    schedule: tuple[str, float, float], most: float
) -> None:
    left = alphas_cumprod(betas(*schedule))[-1].item()
    assert ((1 - left) / left) ** 0.5 == pytest.approx(most, abs=0.01)


@given(st.integers(0, 2**32), st.integers(1, 24), st.integers(0, 400))
@settings(max_examples=30, deadline=None)
def test_a_frame_has_its_noise_whatever_is_around_it(seed: int, count: int, first: int) -> None:
    noise = initial_noise(range(first, first + count), SIZE, seed)
    assert noise.shape == (count, *SIZE)
    assert noise.dtype == torch.float32
    assert torch.equal(noise[-1:], initial_noise([first + count - 1], SIZE, seed))


def test_frame_i_is_drawn_from_seed_plus_i() -> None:
    noise = initial_noise(range(4), SIZE, 7)
    assert torch.equal(noise[3], initial_noise([0], SIZE, 10)[0])
    torch.manual_seed(9)
    assert torch.equal(noise[2], torch.randn(SIZE))


def test_noise_is_normal_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    noise = initial_noise(range(16), (4, 64, 64), 0)
    assert noise.mean().item() == pytest.approx(0, abs=0.01)
    assert noise.std().item() == pytest.approx(1, abs=0.01)
    assert torch.equal(torch.get_rng_state(), before)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 8), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_free_noise_gives_every_hop_the_noise_of_a_window_earlier_in_another_order(
    seed: int, hop: int, more: int, groups: int
) -> None:
    window = hop + more
    numbers = shuffled(range(window + hop * (groups % 5)), seed, window, hop)
    assert numbers[:window] == tuple(range(window))
    for start in range(window, len(numbers), hop):
        earlier = numbers[start - window : start - window + hop]
        assert sorted(numbers[start : start + hop]) == sorted(earlier)


@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_free_noise_of_a_frame_does_not_know_how_long_the_clip_is(
    seed: int, first: int, count: int
) -> None:
    whole = shuffled(range(first + count), seed)
    assert shuffled(range(first, first + count), seed) == whole[first:]


def test_free_noise_is_in_another_order_and_its_windows_hold_the_same_noise() -> None:
    numbers = shuffled(range(64), 7, window=16, hop=4)
    assert numbers[16:32] != numbers[:16]
    assert all(sorted(numbers[i : i + 16]) == list(range(16)) for i in range(0, 49, 4))
    assert shuffled(range(64), 8) != numbers
    noise = initial_noise(numbers, SIZE, 7)
    assert torch.equal(noise[40], initial_noise([numbers[40]], SIZE, 7)[0])
