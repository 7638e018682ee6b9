"""The measure of parity, on the official tensors where they are and on small ones of our own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from easyphoto_video.motion.attach import attached
from easyphoto_video.motion.lora import motion_lora_from, with_lora
from easyphoto_video.motion.spec import V1, V2
from tests.motion.files import motion_lora
from tests.motion.small import CONTEXT, ldm, lively, spec
from tools.golden import Golden, read_golden
from tools.parity import FINAL_LIMIT, LIMIT, errors, main

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"
FRAMES = 3


def official(name: str, *tensors: str) -> Golden:
    """Some tensors of a folder of the official ones; the test is skipped where it is missing."""
    folder = GOLDEN / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing")
    golden = read_golden(folder)
    return replace(golden, expected={tensor: golden.expected[tensor] for tensor in tensors})


@pytest.mark.parametrize("name", ["v1", "v2", "v2_lora", "v3"])
def test_motion_is_the_official_one(name: str) -> None:
    """One prediction; `python -m tools.parity` checks them all."""
    found = list(errors(official(name, "eps_cond_t501")))
    assert [host for host, _, _ in found] == ["diffusers", "ldm"]
    assert all(error <= LIMIT / 5 for _, _, error in found), found


def test_the_norm_of_v1_is_the_official_one_without_motion_too() -> None:
    golden = official("v1", "eps_cond_t501_no_motion", "eps_pair_t501")
    found = list(errors(golden, ["ldm"]))
    assert len(found) == 2
    assert all(error <= LIMIT / 2 for _, _, error in found), found


def test_a_clip_is_the_official_one() -> None:
    [(_, _, error)] = errors(official("v2_lora", "ddim_final"), ["ldm"])
    assert error <= FINAL_LIMIT / 5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the golden form from our own LDM-shaped UNet: other sizes, frames and steps."""
    made = tmp_path_factory.mktemp("own")
    motion, lora = lively(spec(V2)), motion_lora()
    meta = {
        "betas": "linear 0.00085..0.012, 1000 steps",
        "guidance": 3.0,
        "steps": 2,
        "timesteps": [501, 1],
        "motion_lora_strength": 0.5,
    }
    unet = ldm().unet
    save_file({f"model.diffusion_model.{k}": t for k, t in unet.state_dict().items()},
              made / "unet_ldm.safetensors")  # fmt: skip
    save_file(motion.state_dict(), made / "motion_module.safetensors")
    save_file(lora, made / "motion_lora.safetensors")
    (made / "meta.json").write_text(json.dumps(meta), "utf-8")
    moved = with_lora(motion, motion_lora_from(lora, "lora"), 0.5)
    torch.manual_seed(4)
    latents, cond = torch.randn(1, 4, FRAMES, 8, 16), torch.randn(1, 7, CONTEXT)
    with torch.no_grad(), attached(unet, moved) as handle, handle.frames(FRAMES):
        rows = latents[0].transpose(0, 1)
        eps = unet(rows, torch.full((FRAMES,), 77), cond.expand(FRAMES, -1, -1))
    tensors = {
        "latents": latents,
        "cond": cond,
        "eps_cond_t77": eps.transpose(0, 1)[None].contiguous(),
    }
    save_file(tensors, made / "tensors.safetensors")
    return made


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(made, tmp_path / "own")


def spoil(folder: Path, **changes: Tensor) -> None:
    tensors = load_file(folder / "tensors.safetensors")
    save_file({**tensors, **changes}, folder / "tensors.safetensors")


def test_a_right_folder_passes_through_both_unets(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] + line.split()[4:] for line in lines] == [
        ["own", "diffusers", "eps_cond_t77", "ok"],
        ["own", "ldm", "eps_cond_t77", "ok"],
    ]


def test_an_error_above_the_limit_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    eps = load_file(folder / "tensors.safetensors")["eps_cond_t77"]
    spoil(folder, eps_cond_t77=eps * (1 + 2e-5))
    assert main([str(folder)]) == 1
    assert capsys.readouterr().out.count("2.0e-05  ABOVE 1e-05") == 2
    spoil(folder, eps_cond_t77=eps * torch.nan)
    assert main([str(folder)]) == 1


def test_another_motion_fails(folder: Path) -> None:
    save_file(lively(spec(V1), seed=8).state_dict(), folder / "motion_module.safetensors")
    assert main([str(folder)]) == 1


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no meta": (lambda folder: (folder / "meta.json").unlink(), "meta.json is missing"),
    "no entry": (lambda folder: (folder / "meta.json").write_text("{}"), "no entry 'betas'"),
    "no JSON": (lambda folder: (folder / "meta.json").write_text("{"), "this cannot be used"),
    "no UNet": (
        lambda folder: save_file(
            {"input_blocks.0.0.weight": torch.zeros(1)}, folder / "unet_ldm.safetensors"
        ),
        "no whole SD1.x UNet",
    ),
    "cut off": (
        lambda folder: (folder / "motion_module.safetensors").write_bytes(
            (folder / "motion_module.safetensors").read_bytes()[:-9]
        ),
        "this is cut off",
    ),
    "no text": (
        lambda folder: spoil(folder, eps_pair_t5=torch.zeros(2, 4, FRAMES, 8, 16)),
        "has no uncond",
    ),
    "strange tensor": (lambda folder: spoil(folder, eps=torch.zeros(1)), "no telling what eps is"),
    "odd sides": (
        lambda folder: spoil(folder, latents=torch.zeros(1, 4, 3, 9, 8)),
        "multiples of 8",
    ),
    "other frames": (
        lambda folder: spoil(folder, latents=torch.zeros(1, 4, 5, 8, 16)),
        "a tensor has the shape",
    ),
}


@pytest.mark.parametrize(("breaking", "told"), BAD.values(), ids=BAD.keys())
def test_a_folder_that_cannot_be_used_says_why(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    breaking: Callable[[Path], object],
    told: str,
) -> None:
    breaking(folder)
    assert main([str(folder)]) == 2
    assert told in capsys.readouterr().err


def test_without_a_folder_it_says_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["--help"]) == main(["nowhere"]) == 2
    told = capsys.readouterr().err
    assert "usage: python -m tools.parity DIR..." in told
    assert "the folder nowhere is missing" in told
