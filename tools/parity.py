"""How far our networks are from the official ones, tensor by tensor.

    python -m tools.parity DIR...

Each folder holds what the official code made of small random weights; `kind` in its meta.json says
whose. Without one it is AnimateDiff: meta.json, unet_ldm.safetensors, motion_module.safetensors,
tensors.safetensors and maybe motion_lora.safetensors. Every tensor is computed anew in float32,
through diffusers' UNet and through an LDM-shaped one. EchoMimic's kinds are computed in float64, as
the folders were (tools/talk_parity.py), and warp networks in float64 and float32; they are measured
by the tolerances that they give. Exit code 1 when an error is above its limit, 2 when a folder
cannot be used.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from easyphoto_video.errors import BadFile, EasyPhotoError, Missing
from easyphoto_video.motion.attach import attached
from easyphoto_video.motion.module import Motion
from easyphoto_video.motion.noise import alphas_cumprod
from tools import golden_fomm, golden_liveportrait
from tools.golden import Golden, read_golden
from tools.golden_warp import (
    ONE_LEVEL,
    ROUNDING,
    Folder,
    largest_error,
    largest_step,
    read_meta,
)
from tools.ldm_unet import UNetModel, UNetShape
from tools.talk_parity import KINDS, findings

LIMIT, FINAL_LIMIT = 1e-5, 5e-5
"""Largest relative L2 error of one prediction, and of a clip after all steps."""

EPS = re.compile(r"eps_(cond|uncond|pair)_t(\d+)(_no_motion)?")

UNetCall = Callable[[Tensor, Tensor, Tensor], Tensor]
"""x (N, 4, h, w), timesteps (N,), context (N, tokens, C) -> noise (N, 4, h, w)."""

Compute = Callable[[Folder, torch.dtype], Iterator[tuple[str, Tensor, Tensor]]]
"""Name, ours and the stored one, of each tensor of a folder."""

WARPS: dict[str, Compute] = {
    "fomm": golden_fomm.computed,
    "liveportrait": golden_liveportrait.computed,
}
LEFT_OUT: dict[str, Callable[[Folder], list[str]]] = {"liveportrait": golden_liveportrait.left_out}
"""What a folder stores and nothing here computes yet; it fails the check, so that it shows."""

Predict = Callable[[Tensor, int, Tensor], Tensor]
"""latents (B, 4, F, h, w), timestep, context (B, tokens, C) -> noise (B, 4, F, h, w)."""


def main(folders: list[str]) -> int:
    """Prints an error for each tensor of each folder and returns the exit code."""
    if not folders or any(name.startswith("-") for name in folders):
        print("usage: python -m tools.parity DIR...", file=sys.stderr)
        return 2
    code = 0
    for name in folders:
        try:
            code = max(code, *_report(Path(name)))
        except EasyPhotoError as error:
            print(error, file=sys.stderr)
            code = 2
    return code


def _report(folder: Path) -> Iterator[int]:
    for host, tensor, error, limit in _compared(folder):
        fine = error <= limit  # false for NaN
        verdict = "ok" if fine else f"ABOVE {limit:g}"
        print(f"{folder.name:12} {host:10} {tensor:26} {error:.1e}  {verdict}", flush=True)
        yield 0 if fine else 1


def _compared(folder: Path) -> Iterator[tuple[str, str, float, float]]:
    """Host or dtype, name, error and its limit of each tensor."""
    if not folder.is_dir():
        raise Missing(f"the folder {folder}", "Give a folder of golden tensors.")
    kind = read_meta(folder).get("kind")
    if kind is None:
        for host, tensor, error in errors(read_golden(folder)):
            yield host, tensor, error, FINAL_LIMIT if tensor == "ddim_final" else LIMIT
    elif kind in KINDS:
        for tensor, error, limit in findings(kind, folder):
            yield "float64", tensor, error, limit
    elif kind in WARPS:
        stored = Folder.read(folder)
        for dtype in (torch.float64, torch.float32):
            yield from warp_errors(stored, WARPS[kind], dtype)
        for name in LEFT_OUT[kind](stored) if kind in LEFT_OUT else ():
            yield "not yet", name, float("nan"), 0.0
    else:
        raise BadFile(folder, f"this is a {kind} folder, which has no check here", "Leave it out.")


@torch.no_grad()
def warp_errors(
    folder: Folder, compute: Compute, dtype: torch.dtype
) -> Iterator[tuple[str, str, float, float]]:
    """Dtype, name, error and its limit of each tensor of a warp network. Raises BadFile."""
    slack = 1.0 if dtype == torch.float64 else ROUNDING
    for name, found, expected in compute(folder, dtype):
        told = str(dtype).removeprefix("torch.")
        if expected.dtype == torch.uint8:
            yield told, name, largest_step(found, expected), ONE_LEVEL
        else:
            yield told, name, largest_error(found, expected), slack * folder.tolerance(name)


@torch.no_grad()
def errors(
    golden: Golden, hosts: Iterable[str] = ("diffusers", "ldm")
) -> Iterator[tuple[str, str, float]]:
    """Host, name and relative L2 error of each tensor in a folder. Raises BadFile."""
    for host in hosts:
        unet, call = _built(HOSTS[host], golden)
        for name, expected in golden.expected.items():
            yield host, name, _relative_error(_computed(name, unet, call, golden), expected, golden)


def _relative_error(result: Tensor, expected: Tensor, golden: Golden) -> float:
    if result.shape != expected.shape:
        reason = f"a tensor has the shape {tuple(expected.shape)}, not {tuple(result.shape)}"
        raise BadFile(golden.folder, reason, "Make the folder again.")
    return float((result - expected).norm() / expected.norm())


def _computed(name: str, unet: nn.Module, call: UNetCall, golden: Golden) -> Tensor:
    eps = EPS.fullmatch(name)
    if eps is None and name != "ddim_final":
        raise BadFile(golden.folder, f"there is no telling what {name} is", "Leave it out.")
    motion = Motion(golden.motion.spec) if eps and eps[3] else golden.motion
    latents = golden.input("latents")
    frames = latents.shape[2]
    with attached(unet, motion) as handle, handle.frames(frames):
        predict = _over_clips(call)
        if eps is None:
            return ddim(predict, golden)
        both = ("uncond", "cond") if eps[1] == "pair" else (eps[1],)
        context = torch.cat([golden.input(which) for which in both])
        return predict(latents.expand(len(both), -1, -1, -1, -1), int(eps[2]), context)


def _over_clips(call: UNetCall) -> Predict:
    def predict(latents: Tensor, timestep: int, context: Tensor) -> Tensor:
        clips, frames = latents.shape[0], latents.shape[2]
        rows = latents.transpose(1, 2).flatten(0, 1)  # (B*F, 4, h, w)
        timesteps = torch.full((clips * frames,), timestep)
        noise = call(rows, timesteps, context.repeat_interleave(frames, dim=0))
        return noise.unflatten(0, (clips, frames)).transpose(1, 2)

    return predict


def ddim(predict: Predict, golden: Golden) -> Tensor:
    """DDIM without noise of its own (arXiv 2010.02502, eq. 12), with classifier-free guidance."""
    meta = golden.meta
    left = alphas_cumprod(meta.betas).tolist()
    x, context = golden.input("latents"), torch.cat([golden.input("uncond"), golden.input("cond")])
    for t in meta.timesteps:
        uncond, cond = predict(torch.cat([x, x]), t, context).chunk(2)
        noise = uncond + meta.guidance * (cond - uncond)
        before = t - len(left) // meta.steps
        now, then = left[t], left[before] if before >= 0 else (1.0 if meta.end_at_one else left[0])
        clean = (x - (1 - now) ** 0.5 * noise) / now**0.5
        if meta.clip_sample:
            clean = clean.clamp(-1, 1)
        x = then**0.5 * clean + (1 - then) ** 0.5 * noise
    return x


Build = Callable[[dict[str, Tensor], UNetShape], tuple[nn.Module, UNetCall]]


def _built(build: Build, golden: Golden) -> tuple[nn.Module, UNetCall]:
    try:
        return build(golden.unet, UNetShape.of(golden.unet, golden.meta.heads))
    except (RuntimeError, LookupError, ValueError) as error:
        reason = f"unet_ldm.safetensors is no whole SD1.x UNet ({error})"
        raise BadFile(golden.folder, reason, "Make the folder again.") from error


def _ldm(tensors: dict[str, Tensor], shape: UNetShape) -> tuple[nn.Module, UNetCall]:
    unet = UNetModel(shape)
    unet.load_state_dict(tensors)
    return unet, unet


def _diffusers(tensors: dict[str, Tensor], shape: UNetShape) -> tuple[nn.Module, UNetCall]:
    # Here, because inside a WebUI there is no diffusers, and its own UNet is checked there.
    from diffusers import UNet2DConditionModel
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    down = ["CrossAttnDownBlock2D" if attends else "DownBlock2D" for attends in shape.attention]
    up = ["CrossAttnUpBlock2D" if attends else "UpBlock2D" for attends in shape.attention[::-1]]
    unet = UNet2DConditionModel(
        in_channels=shape.latent,
        out_channels=shape.latent,
        block_out_channels=shape.channels,
        down_block_types=tuple(down),
        up_block_types=tuple(up),
        layers_per_block=shape.layers,
        cross_attention_dim=shape.context,
        attention_head_dim=shape.heads,  # in diffusers, the number of heads by an old mistake
    )
    prefixed = {f"model.diffusion_model.{name}": tensor for name, tensor in tensors.items()}
    unet.load_state_dict(convert_ldm_unet_checkpoint(prefixed, dict(unet.config)))
    return unet, lambda x, timesteps, context: unet(x, timesteps, context).sample


HOSTS: dict[str, Build] = {"diffusers": _diffusers, "ldm": _ldm}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
