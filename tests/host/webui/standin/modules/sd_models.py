"""Checkpoints by name, and the one model that is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from modules import modelloader, shared
from safetensors.torch import load_file
from torch import Tensor, nn

from tools.ldm_unet import UNetModel, UNetShape

model_path = ""
checkpoints_list: dict[str, Any] = {}
checkpoint_aliases: dict[str, Any] = {}
UNET = "model.diffusion_model."


class CheckpointInfo:
    """A file; its title changes once its hash is known."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        folder, path = Path(model_path), Path(filename)
        inside = path.is_relative_to(folder)
        self.name = path.relative_to(folder).as_posix() if inside else path.name
        self.title = self.short_title = self.name
        self.sha256: str | None = None

    def register(self) -> None:
        """Into the lists."""
        checkpoints_list[self.title] = self
        for name in (self.title, self.name, Path(self.name).stem):
            checkpoint_aliases[name] = self

    def calculate_shorthash(self) -> None:
        """The title with the hash takes the place of the one without."""
        if self.sha256 is None:
            self.sha256 = f"{Path(self.filename).stat().st_size:08x}"
            checkpoints_list.pop(self.title, None)
            self.title = self.short_title = f"{self.name} [{self.sha256}]"
            self.register()


def list_models() -> None:
    """Every file of the folder."""
    checkpoints_list.clear()
    checkpoint_aliases.clear()
    for file in modelloader.load_models(model_path, ext_filter=[".safetensors"]):
        CheckpointInfo(file).register()


def select_checkpoint() -> CheckpointInfo:
    """By the options, else the first."""
    wanted = getattr(shared.opts, "data", {}).get("sd_model_checkpoint")
    if wanted in checkpoint_aliases:
        return checkpoint_aliases[wanted]
    if not checkpoints_list:
        raise FileNotFoundError("No checkpoints found.")
    return next(iter(checkpoints_list.values()))


class Posterior:
    """What the VAE says of a picture."""

    def __init__(self, mean: Tensor) -> None:
        self._mean = mean

    def mode(self) -> Tensor:
        """Its mean."""
        return self._mean

    def sample(self) -> Tensor:
        """Not the mean."""
        return self._mean + torch.randn_like(self._mean)


class Model(nn.Module):
    """Shaped as the host's: `.model.diffusion_model`, betas as a buffer and beside it."""

    is_sd1, is_sd2, is_sdxl, is_sd3, is_ssd = True, False, False, False, False
    lowvram = False
    scale_factor = 0.5
    colour = 1.0
    parameterization = "eps"

    def __init__(self, tensors: dict[str, Tensor], info: CheckpointInfo) -> None:
        super().__init__()
        own = {k.removeprefix(UNET): t.float() for k, t in tensors.items() if k.startswith(UNET)}
        self.shape = UNetShape.of(own, heads=2)
        self.model: Any = nn.Module()
        self.model.diffusion_model = UNetModel(self.shape)
        self.model.diffusion_model.load_state_dict(own)
        betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
        self.alphas_cumprod: Tensor
        self.register_buffer("alphas_cumprod", torch.cumprod(1 - betas, 0).float())
        self.alphas_cumprod_original = self.alphas_cumprod
        self.sd_checkpoint_info = info
        self.cond_stage_model_empty_prompt = self.get_learned_conditioning([""])
        generator = torch.Generator().manual_seed(1)
        self.to_rgb: Tensor
        self.register_buffer("to_rgb", torch.randn(3, 4, generator=generator) / 2)
        self.eval()

    def apply_model(self, x: Tensor, t: Tensor, cond: dict[str, list[Tensor]]) -> Tensor:
        """What the UNet says."""
        return self.model.diffusion_model(x, t, torch.cat(cond["c_crossattn"], 1))

    def get_learned_conditioning(self, texts: list[str]) -> Tensor:
        """(n, 77 k, width): noise seeded by the text's letters, 77 for each 75 words."""
        chunks = max(1 + (len(text.split()) - 1) // 75 for text in texts)
        rows = []
        for text in texts:
            generator = torch.Generator().manual_seed(sum(text.strip().encode()) + 7)
            size = (77 * max(chunks, 1), self.shape.context)
            rows.append(torch.randn(size, generator=generator))
        return torch.stack(rows)

    def encode_first_stage(self, x: Tensor) -> Posterior:
        """(1, 3, H, W) -> (1, 4, H/8, W/8)."""
        small = nn.functional.avg_pool2d(x, 8)
        back = torch.linalg.pinv(self.to_rgb)
        return Posterior(torch.einsum("lc,bchw->blhw", back, small) / self.scale_factor)

    def decode_first_stage(self, z: Tensor) -> Tensor:
        """(1, 4, h, w) -> (1, 3, 8h, 8w)."""
        small = torch.einsum("cl,blhw->bchw", self.to_rgb, z) * self.colour
        return nn.functional.interpolate(small, scale_factor=8)


class ModelData:
    """What is loaded."""

    sd_model: Any = None

    def get_sd_model(self) -> Any:
        """Loads when nothing is."""
        if self.sd_model is None:
            reload_model_weights()
        return self.sd_model


model_data = ModelData()


def read_state_dict(path: str, map_location: str) -> dict[str, Tensor]:
    """The host's own reading of pickles."""
    return torch.load(path, map_location=map_location, weights_only=True)


def reload_model_weights(sd_model: Any = None, info: CheckpointInfo | None = None) -> Any:
    """Loads unless it is there; writes options as the host does."""
    info = info or select_checkpoint()
    loaded = model_data.sd_model
    if loaded is not None and loaded.sd_checkpoint_info.filename == info.filename:
        return loaded
    model_data.sd_model = None
    info.calculate_shorthash()
    shared.opts.data["sd_model_checkpoint"] = info.title
    shared.opts.data["sd_checkpoint_hash"] = info.sha256
    model_data.sd_model = Model(load_file(info.filename), info)
    return model_data.sd_model


def apply_alpha_schedule_override(sd_model: Any) -> None:
    """Takes the table beside the buffer, before every run."""
    sd_model.alphas_cumprod = sd_model.alphas_cumprod_original
