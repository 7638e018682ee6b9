"""What surrounds the steps: the VAE, clips of different lengths, and how soon the first step is."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.measure import Row, alone, in_turn, peak_mb
from bench.models import TINY, autoencoder, subject
from bench.plan import Plan
from bench.theirs import their_pipeline
from easyphoto_video.host.standalone.pictures import decoded
from easyphoto_video.watch import unwatched

LAUNCH = Path(__file__).parents[1] / "launch.py"
LENGTH_STEPS = 2
LENGTH_REPEATS = 3
"""A long clip takes minutes."""
DRAWN = ("denoising", "decoding", "writing")
"""Stages whose time grows with the clip."""
BASE = 16
"""Frames that longer clips are measured against."""
PROMPT = "a woman, smile"


def vae(plan: Plan, dtype: str) -> Iterator[Row]:
    """Decoding a clip, against their pipeline's."""
    for name in plan.subjects:
        yield alone(_vae, plan, name, dtype)


@torch.no_grad()
def _vae(plan: Plan, name: str, dtype: str) -> Row:
    model, network = subject(TINY, dtype, plan.device), autoencoder(name, dtype, plan.device)
    latents = model.inputs(plan.frames, plan.px)[0]
    pipeline = their_pipeline(model, network)
    video = latents.transpose(0, 1)[None].to(model.target.dtype)
    ours = partial(decoded, network, latents, unwatched)
    theirs = partial(pipeline.decode_latents, video, plan.frames)
    drawn = (theirs()[0].clamp(-1, 1) + 1) * 127.5  # (3, F, H, W)
    away = np.abs(ours().astype(float) - drawn.round().permute(1, 2, 3, 0).cpu().numpy())
    spent = in_turn({"ours": ours, "theirs": theirs}, plan.repeats, model.target.device, plan.clock)
    return Row(
        case="vae",
        what=f"{name} {dtype}, decode {plan.frames} frames {plan.px}x{plan.px}, error of 255",
        unit="s",
        ours=spent["ours"],
        theirs=spent["theirs"],
        against="AnimateDiffPipeline",
        error=float(away.max()),
        peak_mb=peak_mb(),
        samples=plan.repeats,
    )


def length(plan: Plan) -> Iterator[Row]:
    """Clips of the embedded model by the command line, each in a process of its own, in turn.

    Time per frame against that of the first length; the peak stands beside.
    """
    base: float | None = None
    repeats = min(plan.repeats, LENGTH_REPEATS)
    with tempfile.TemporaryDirectory() as folder:
        made = [
            {frames: _made(plan, frames, Path(folder)) for frames in plan.lengths}
            for _ in range(repeats)
        ]
    for frames in plan.lengths:
        clips = [each[frames] for each in made]
        drawn = [sum(clip["seconds"].get(stage, 0.0) for stage in DRAWN) for clip in clips]
        per_frame = statistics.median(drawn) / frames
        yield Row(
            case="length",
            what=f"embedded, {frames} frames {plan.px}x{plan.px}, {LENGTH_STEPS} steps",
            unit="s/frame",
            ours=per_frame,
            theirs=base,
            against=f"{plan.lengths[0]} frames" if base else "",
            peak_mb=max(clip["peak_rss_mb"] for clip in clips),
            samples=repeats,
        )
        base = base or per_frame


def start(plan: Plan) -> Iterator[Row]:
    """From the start of launch.py: help, imports, and the end of the first denoising step."""
    python = [sys.executable]
    ours = "import easyphoto_video.host.standalone.studio"
    theirs = "from diffusers import AnimateDiffPipeline"
    yield _start(plan, "--help of launch.py", [*python, str(LAUNCH), "--help"])
    imports = {"ours": [*python, "-c", ours], "theirs": [*python, "-c", theirs]}
    for command in imports.values():
        _run(command)
    spent = in_turn(
        {name: partial(_run, command) for name, command in imports.items()},
        plan.repeats,
    )
    yield Row(
        case="start",
        what="import",
        unit="s",
        ours=spent["ours"],
        theirs=spent["theirs"],
        against="AnimateDiffPipeline",
        samples=plan.repeats,
    )
    found = [_first_step(plan) for _ in range(plan.repeats + 1)][1:]
    for place, what in enumerate(("models of the embedded model loaded", "first denoising step")):
        median = statistics.median(times[place] for times in found)
        yield Row(case="start", what=what, unit="s", ours=median, samples=plan.repeats)


def _start(plan: Plan, what: str, command: list[str]) -> Row:
    _run(command)
    spent = in_turn({"ours": partial(_run, command)}, plan.repeats)
    return Row(case="start", what=what, unit="s", ours=spent["ours"], samples=plan.repeats)


def _run(command: list[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=_environment())


def _environment() -> dict[str, str]:
    """As launch.py sets it, also for what does not go through it."""
    paths = [str(LAUNCH.parent), os.environ.get("PYTHONPATH", "")]
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }


def _text2video(plan: Plan, frames: int, out: Path) -> list[str]:
    options = [
        *("--prompt", PROMPT, "--frames", str(frames), "--size", f"{plan.px}x{plan.px}"),
        *("--steps", str(LENGTH_STEPS), "--seed", "1", "--out", str(out)),
        *("--device", plan.device, "--user-id", "none", "--data-dir", str(out.parent)),
    ]
    return [sys.executable, str(LAUNCH), "text2video", *options]


def _made(plan: Plan, frames: int, folder: Path) -> dict[str, Any]:
    command = [*_text2video(plan, frames, folder / f"{frames}.mp4"), "--json"]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=_environment()
    )
    return json.loads(done.stdout)


def _first_step(plan: Plan) -> tuple[float, float]:
    """Seconds until the models are loaded, and until the first step is done."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = _text2video(plan, BASE, Path(folder) / "clip.mp4")
        process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env=_environment(),
        )
        with process:
            times = list(islice(_denoising(process), 2))
            process.terminate()
    if len(times) < 2:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode} before a step")
    return times[0] - began, times[1] - began


def _denoising(process: subprocess.Popen[str]) -> Iterator[float]:
    """The times at which it is told: at 0 when it begins, then when its first step is done."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("denoising"):
            yield time.perf_counter()
