"""The samplers step as the WebUI's, by the formulas of k-diffusion written out for a toy model."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from easyphoto_video.host.standalone.samplers import Noising, Sampler
from easyphoto_video.motion.noise import alphas_cumprod, betas
from easyphoto_video.request import SAMPLERS

STOCK = Noising(betas=("scaled_linear", 0.00085, 0.012), prediction="epsilon")
V = Noising(betas=("scaled_linear", 0.00085, 0.012), prediction="v_prediction")
STEPS = 9
SPREAD = 0.5
"""The toy's pictures: normal, with this standard deviation."""


def clean(x: Tensor, sigma: float) -> Tensor:
    """The toy's exact denoiser: the mean of the pictures that x = picture + noise can be."""
    return x * SPREAD**2 / (SPREAD**2 + sigma**2)


def toy(seen: Tensor, time: float, noising: Noising) -> Tensor:
    """The same as a UNet: seen is x / sqrt(1 + sigma^2) at diffusion time `time`."""
    logs = log_sigmas(noising)
    sigma = math.exp(np.interp(time, np.arange(len(logs)), logs))
    scale = math.sqrt(1 + sigma**2)
    picture = clean(seen.double() * scale, sigma)
    noise = (seen * scale - picture) / sigma
    if noising.prediction == "epsilon":
        return noise.float()
    return ((noise - sigma * picture) / scale).float()


def log_sigmas(noising: Noising) -> np.ndarray:
    shares = alphas_cumprod(betas(*noising.betas)).numpy()
    return np.log((1 - shares) / shares) / 2


def run(name: str, noise: Tensor, noising: Noising = STOCK, steps: int = STEPS) -> Tensor:
    sampler = Sampler(name, steps, noising)
    generators = [torch.Generator().manual_seed(i) for i in range(len(noise))]
    x = sampler.pure(noise)
    for step in range(steps):
        seen = sampler.seen(x, step)
        x = sampler.stepped(x, toy(seen, float(sampler.times[step]), noising), step, generators)
    return x


def sigmas(spacing: str) -> list[float]:
    """The WebUI's, by its formulas, and 0."""
    logs = log_sigmas(STOCK)
    if spacing != " Karras":
        times = np.linspace(999, 0, STEPS)
        if spacing:
            times = np.linspace(999, 0, STEPS + 1)[:-1]
        return [*np.exp(np.interp(times, np.arange(1000), logs)), 0.0]
    low, high = math.exp(logs[0]), math.exp(logs[-1])
    share = np.linspace(0, 1, STEPS)
    return [*(high ** (1 / 7) + share * (low ** (1 / 7) - high ** (1 / 7))) ** 7, 0.0]


def euler(x: Tensor, steps: list[float]) -> Tensor:
    for now, then in itertools.pairwise(steps):
        x = x + (then - now) * (x - clean(x, now)) / now
    return x


def dpmpp_2m(x: Tensor, steps: list[float]) -> Tensor:
    before: tuple[Tensor, float] | None = None
    for now, then in itertools.pairwise(steps):
        picture = clean(x, now)
        h = math.inf if then == 0 else math.log(now / then)
        mixed = picture
        if before is not None and then > 0:
            ratio = before[1] / h
            mixed = (1 + 1 / (2 * ratio)) * picture - before[0] / (2 * ratio)
        x = then / now * x - math.expm1(-h) * mixed
        before = picture, h
    return x


@pytest.mark.parametrize("spacing", ["", " Karras", " SGM Uniform"])
@pytest.mark.parametrize(("name", "formula"), [("Euler", euler), ("DPM++ 2M", dpmpp_2m)])
@pytest.mark.parametrize("noising", [STOCK, V], ids=["eps", "v"])
def test_steps_are_those_of_the_webui(
    name: str, formula: Callable[[Tensor, list[float]], Tensor], spacing: str, noising: Noising
) -> None:
    noise = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    levels = sigmas(spacing)
    expected = formula(noise.double() * levels[0], levels)
    found = run(name + spacing, noise, noising)
    assert torch.allclose(found.double(), expected, atol=2e-5)


def euler_a(x: Tensor, steps: list[float]) -> Tensor:
    draw = torch.Generator().manual_seed(9)
    for now, then in itertools.pairwise(steps):
        up = min(then, math.sqrt(then**2 * (now**2 - then**2) / now**2))
        down = math.sqrt(then**2 - up**2)
        x = x + (down - now) * (x - clean(x, now)) / now
        x = x + up * torch.randn(x.shape, generator=draw)
    return x


def dpmpp_2m_sde(x: Tensor, steps: list[float]) -> Tensor:
    draw = torch.Generator().manual_seed(9)
    before: tuple[Tensor, float] | None = None
    for now, then in itertools.pairwise(steps[:-1]):
        picture, h = clean(x, now), math.log(now / then)
        share = -math.expm1(-2 * h)
        x = then / now * math.exp(-h) * x + share * picture
        if before is not None:
            x = x + 0.5 * share * h / before[1] * (picture - before[0])
        x = x + then * math.sqrt(share) * torch.randn(x.shape, generator=draw)
        before = picture, h
    return clean(x, steps[-2])


@pytest.mark.parametrize("spacing", ["", " Karras"])
@pytest.mark.parametrize(
    ("name", "formula"), [("Euler a", euler_a), ("DPM++ 2M SDE", dpmpp_2m_sde)]
)
def test_samplers_that_draw_noise_spread_as_those_of_the_webui(
    name: str, formula: Callable[[Tensor, list[float]], Tensor], spacing: str
) -> None:
    noise = torch.randn(400, 4, 4, 4, generator=torch.Generator().manual_seed(1))
    levels = sigmas(spacing)
    expected = formula(noise.double() * levels[0], levels).std().item()
    assert run(name + spacing, noise).std().item() == pytest.approx(expected, rel=0.02)


def lcm(x: Tensor, steps: list[float]) -> Tensor:
    draw = torch.Generator().manual_seed(9)
    for now, then in itertools.pairwise(steps):
        x = clean(x, now) + then * torch.randn(x.shape, generator=draw)
    return x


def test_lcm_guesses_the_picture_and_adds_the_noise_of_the_next_step() -> None:
    noise = torch.randn(400, 4, 4, 4, generator=torch.Generator().manual_seed(1))
    times = Sampler("LCM", STEPS, STOCK).times
    levels = [*np.exp(log_sigmas(STOCK)[times]), 0.0]
    expected = lcm(noise.double() * levels[0], levels).std().item()
    assert run("LCM", noise).std().item() == pytest.approx(expected, rel=0.02)


def test_ddim_ends_at_the_pictures() -> None:
    noise = torch.randn(400, 4, 4, 4, generator=torch.Generator().manual_seed(1))
    assert run("DDIM", noise, steps=45).std().item() == pytest.approx(SPREAD, rel=0.05)


@pytest.mark.parametrize("name", SAMPLERS)
def test_noised_is_the_picture_with_the_noise_of_that_step(name: str) -> None:
    sampler = Sampler(name, STEPS, STOCK, begin=4)
    zeros, ones = torch.zeros(1, 4, 2, 2), torch.ones(1, 4, 2, 2)
    noise = sampler.noised(zeros, ones, 4).mean().item()
    picture = sampler.noised(ones, zeros, 4).mean().item()
    sigma = math.exp(np.interp(float(sampler.times[4]), np.arange(1000), log_sigmas(STOCK)))
    assert noise / picture == pytest.approx(sigma, rel=1e-4)
    assert torch.equal(sampler.noised(ones, ones, STEPS), ones)


def test_ddim_steps_over_the_times_of_the_official_animatediff() -> None:
    assert Sampler("DDIM", 5, STOCK).times.tolist() == [801, 601, 401, 201, 1]


def test_a_zero_snr_schedule_ends_in_noise_alone() -> None:
    zero = Noising(betas=STOCK.betas, prediction="v_prediction", zero_snr=True)
    shares = np.cumprod(1 - np.array(zero.trained_betas()))
    assert shares[-1] == pytest.approx(4.8973451890853435e-08)
    assert shares[0] == pytest.approx(np.cumprod(1 - np.array(STOCK.trained_betas()))[0])
    noise = torch.randn(50, 4, 4, 4, generator=torch.Generator().manual_seed(1))
    assert run("Euler", noise, zero).isfinite().all()
