"""A denoising step of a clip under guidance, against their pipeline's; and the temporal layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from bench.measure import Row, added_mb, alone, error_of, in_turn, peak_mb
from bench.models import Subject, subject
from bench.plan import Plan
from bench.theirs import (
    norms_per_frame,
    their_latents,
    their_pipeline,
    their_transformers,
    their_unet,
)
from easyphoto_video.engine import Shot
from easyphoto_video.host.calls import Calls
from easyphoto_video.host.standalone.conditions import scripts
from easyphoto_video.host.standalone.denoise import Guide, Noise, Predictor, denoised
from easyphoto_video.host.standalone.model.swift import Kernels, SwiftAttachment
from easyphoto_video.host.standalone.samplers import Noising, Sampler
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.motion.attach import MotionAttachment
from easyphoto_video.motion.recall import StepCache
from easyphoto_video.unet.attachment import Attachment, entered
from easyphoto_video.watch import unwatched

CFG = 7.5
WANTED, FREE = "wanted", "free"
PIPELINE, LAYERS = "AnimateDiffPipeline", "AnimateDiffTransformer3D"
Inputs = tuple[Tensor, Tensor, Tensor]


def step(plan: Plan, dtype: str) -> Iterator[Row]:
    """The step of each subject."""
    for name in plan.subjects:
        yield from alone(_step, plan, name, dtype)


def temporal(plan: Plan, dtype: str) -> Iterator[Row]:
    """The temporal layers alone, in time and in memory, each side in a process of its own."""
    for name in plan.subjects:
        yield alone(_temporal, plan, name, dtype)
        ours, theirs = (alone(_memory, plan, name, dtype, side) for side in ("ours", "theirs"))
        what = f"{name} {dtype}, memory above the weights"
        yield Row(case="temporal", what=what, unit="MB", ours=ours, theirs=theirs, against=LAYERS)


@torch.no_grad()
def our_latents(
    subject: Subject,
    inputs: Inputs,
    steps: int,
    cfg: float = CFG,
    kernels: Kernels | None = None,
    step_cache: int = 1,
) -> Tensor:
    """What our loop makes of noise (F, 4, h, w) by DDIM: latents of the same shape.

    `kernels` are those that a studio keeps from step to step.
    """
    noise, free, wanted = inputs
    shot = Shot.of(
        Text2Video(
            prompt=WANTED,
            negative=FREE,
            frames=len(noise),
            width=noise.shape[3] * 8,
            height=noise.shape[2] * 8,
            steps=steps,
            cfg=cfg,
            seed=0,
            sampler="DDIM",
            step_cache=step_cache,
        )
    )
    prompt, negative = scripts(shot.prompt, shot.negative, steps)
    guide = Guide(
        prompt=prompt,
        negative=negative,
        encoded={WANTED: wanted[0], FREE: free[0]},
        cfgs=(cfg,) * shot.frames,
    )
    sampler = Sampler("DDIM", steps, Noising(betas=subject.motion.spec.betas, prediction="epsilon"))
    inside: list[Attachment] = [
        SwiftAttachment(kernels or Kernels()),
        MotionAttachment(subject.motion),
        *([StepCache(step_cache)] if step_cache > 1 else []),
    ]
    with entered(subject.unet, inside) as guests:
        predictor = Predictor(
            unet=subject.unet,
            calls=Calls.of(shot, guests),
            guide=guide,
            pixels_at_once=subject.target.latent_pixels_at_once,
        )
        size = (4, noise.shape[2], noise.shape[3])
        given = Noise(size=size, numbers=shot.numbers, seed=0, given=noise)
        return denoised(predictor, sampler, given, None, unwatched, lambda latents: None)


def _step(plan: Plan, name: str, dtype: str) -> list[Row]:
    model = subject(name, dtype, plan.device)
    inputs = model.inputs(plan.frames, plan.px)
    pipeline = their_pipeline(model)
    ours = partial(our_latents, model, inputs, 1, kernels=Kernels())
    theirs = partial(their_latents, pipeline, inputs, 1, CFG)
    with norms_per_frame(pipeline.unet):
        made = our_latents(model, inputs, 2), their_latents(pipeline, inputs, 2, CFG)
        error = error_of(*made)
    spent = in_turn({"ours": ours, "theirs": theirs}, plan.repeats, model.target.device, plan.clock)
    size = f"{plan.frames} frames {plan.px}x{plan.px}"
    return [
        Row(
            case="step",
            what=f"{name} {dtype}, {size}",
            unit="s",
            ours=spent["ours"],
            theirs=spent["theirs"],
            against=PIPELINE,
            error=error,
            peak_mb=peak_mb(),
            samples=plan.repeats,
        )
    ]


def _temporal(plan: Plan, name: str, dtype: str) -> Row:
    model = subject(name, dtype, plan.device)
    passes = {side: _passes(plan, model, side) for side in ("ours", "theirs")}
    with norms_per_frame(passes["theirs"][1]):
        pairs = zip(passes["ours"][0](), passes["theirs"][0](), strict=True)
        error = max(error_of(*pair) for pair in pairs)
    calls = {side: call for side, (call, _) in passes.items()}
    spent = in_turn(calls, plan.repeats, model.target.device, plan.clock)
    return Row(
        case="temporal",
        what=f"{name} {dtype}, all of a step of 2x{plan.frames} frames {plan.px}x{plan.px}",
        unit="s",
        ours=spent["ours"],
        theirs=spent["theirs"],
        against=LAYERS,
        error=error,
        peak_mb=peak_mb(),
        samples=plan.repeats,
    )


def _memory(plan: Plan, name: str, dtype: str, side: str) -> float:
    model = subject(name, dtype, plan.device)
    call, _ = _passes(plan, model, side)
    return added_mb(call, model.target.device)


def _passes(
    plan: Plan, model: Subject, side: str
) -> tuple[Callable[[], list[Tensor]], torch.nn.Module]:
    """What runs every temporal layer once for both prompts, and the network they lie in."""
    if side == "ours":
        network: torch.nn.Module = model.motion
        layers: dict[str, torch.nn.Module] = dict(model.motion.transformers())
    else:
        network = their_unet(model)
        layers = their_transformers(network)
    names = [name for name, _ in model.motion.transformers()]
    inputs = {name: _input(plan, model, name) for name in names}
    frames = {"frames" if side == "ours" else "num_frames": plan.frames}

    @torch.no_grad()
    def run() -> list[Tensor]:
        # A frame of each prompt is enough to compare, and keeps no layer's whole output alive.
        some = slice(None, None, plan.frames + 1)
        return [layers[name](inputs[name], **frames)[some].clone() for name in names]

    return run, network


def _input(plan: Plan, model: Subject, name: str) -> Tensor:
    """Random features (2F, C, h, w) as they are at that place of the UNet, the same each time."""
    channels = model.motion.spec.channels
    inner = len(channels) - 1
    part, number = name.split(".")[:2]
    level = inner  # of what lies in the middle
    if part != "mid_block":
        level = int(number) if part == "down_blocks" else inner - int(number)
    side = max(1, plan.px // 8 >> level)
    generator = torch.Generator().manual_seed(level)
    x = torch.randn(2 * plan.frames, channels[level], side, side, generator=generator)
    return x.to(model.target.device, model.target.dtype)
