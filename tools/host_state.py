"""What a WebUI is like, to be compared before and after: all that we may touch, and a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

SIDE, STEPS = 64, 4
TEXT = "a photo of a cat"


def plain(seed: int = 5) -> list[bytes]:
    """Two pictures of the host's own txt2img, as their bytes."""
    from modules import processing, shared

    shared.state.begin(job="plain")
    p = processing.StableDiffusionProcessingTxt2Img(
        sd_model=shared.sd_model,
        prompt=TEXT,
        negative_prompt="",
        seed=seed,
        sampler_name="Euler a",
        steps=STEPS,
        cfg_scale=5.0,
        width=SIDE,
        height=SIDE,
        batch_size=2,
        n_iter=1,
        do_not_save_samples=True,
        do_not_save_grid=True,
    )
    done = processing.process_images(p)
    shared.state.end()
    return [np.asarray(picture).tobytes() for picture in getattr(done, "images", done)]


def state() -> dict[str, Any]:
    """Everything of the host that we may touch, as plain values to compare."""
    import k_diffusion.sampling
    from modules import devices, processing, sd_models, sd_samplers, shared

    model = shared.sd_model
    return {
        "options": dict(shared.opts.data),
        "hooks": hooks(model),
        "betas": [model.alphas_cumprod.tolist(), model.alphas_cumprod_original.tolist()],
        "betas are buffers": sorted(name for name, _ in model.named_buffers(recurse=False)),
        "checkpoint": model.sd_checkpoint_info.filename,
        "lists": [sorted(sd_models.checkpoints_list), sorted(sd_models.checkpoint_aliases)],
        "job": [shared.state.job, shared.state.interrupted, shared.state.skipped],
        "types": [str(devices.dtype_unet), str(devices.dtype_vae)],
        "functions": [id(processing.process_images), id(sd_samplers.create_sampler)],
        "run": id(processing.StableDiffusionProcessingTxt2Img.sample),
        "randomness": type(k_diffusion.sampling.torch).__name__,
    }


def hooks(model: Any) -> list[tuple[str, int, int, bool]]:
    """For each module: its name, how many hooks it has, and whether somebody replaced forward."""
    return [
        (name, len(m._forward_hooks), len(m._forward_pre_hooks), "forward" in m.__dict__)
        for name, m in model.named_modules()
    ]
