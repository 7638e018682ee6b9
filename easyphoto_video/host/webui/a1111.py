"""The facade of stable-diffusion-webui (AUTOMATIC1111, v1.10): see Body.

All that a clip touches of the host's own modules is here, and what its relatives have alike is in
common.py. Each part is looked up when it is used (`host`), so that a host that lacks one is refused
by the part's name, and not before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadRequest, Missing
from easyphoto_video.host.webui import common
from easyphoto_video.host.webui.common import CHOSEN, host
from easyphoto_video.host.webui.denoiser import WindowedDenoiser
from easyphoto_video.host.webui.networks import changes
from easyphoto_video.host.webui.windowed import ClipPlan
from easyphoto_video.motion.fading import Change

LOADING = (CHOSEN, "sd_checkpoint_hash")
"""Options that the host itself writes when it loads weights."""
BETAS = ("alphas_cumprod", "alphas_cumprod_original")
INSIDE = "None"
"""The host's name for the VAE inside the checkpoint."""


class A1111:
    """See Body."""

    @property
    def run_class(self) -> Any:
        """See Body."""
        return host.processing.StableDiffusionProcessingTxt2Img

    def look(self, most: int) -> Frames | None:
        """See Body."""
        latents = host.shared.state.current_latent
        if latents is None or not host.shared.opts.live_previews_enable:
            return None
        some = latents[:: max(1, len(latents) // most)][:most]
        draw = host.sd_samplers_common.single_sample_to_image
        return np.stack([np.asarray(draw(one)) for one in some])

    @property
    def folders(self) -> Mapping[str, str]:
        """See Body."""
        return {"checkpoint": host.sd_models.model_path, "vae": host.sd_vae.vae_path}

    def checkpoint_files(self) -> list[str]:
        """See Body."""
        return host.modelloader.load_models(
            model_path=host.sd_models.model_path,
            command_path=common.flag("ckpt_dir"),
            ext_filter=[".ckpt", ".safetensors"],
            ext_blacklist=[".vae.ckpt", ".vae.safetensors"],
        )

    def listed_checkpoints(self) -> list[Any]:
        """See Body."""
        return list(host.sd_models.checkpoints_list.values())

    def checkpoint_entry(self, file: str) -> Any:
        """See Body."""
        return host.sd_models.CheckpointInfo(file)

    def selected(self) -> Any:
        """See Body."""
        return host.sd_models.select_checkpoint()

    def pickled(self, path: Path) -> Mapping[str, Any]:
        """See Body."""
        return host.sd_models.read_state_dict(str(path), map_location="cpu")

    def lora_networks(self) -> Any:
        """See Body."""
        lora = host.extra_networks.extra_network_registry.get("lora")
        networks = getattr(sys.modules.get(type(lora).__module__), "networks", None)
        if networks is None:
            raise Missing(
                "The WebUI's built-in extension Lora", "Switch it on in the Extensions tab."
            )
        return networks

    def loaded_loras(self) -> list[str]:
        """See Body."""
        return [network.name for network in self.lora_networks().loaded_networks]

    def lora_changes(self, unet: nn.Module, name: str, weight: float) -> dict[nn.Module, Change]:
        """See Body."""
        loaded = {network.name: network for network in self.lora_networks().loaded_networks}
        return changes(unet, loaded[name], weight)

    # The model

    def networks(self, model: Any) -> nn.Module:
        """See Body."""
        return model

    def loaded(self) -> Any:
        """See Body."""
        return host.sd_models.model_data.sd_model

    def model(self) -> Any:
        """See Body."""
        return host.shared.sd_model

    def unet(self, model: Any) -> nn.Module:
        """See Body."""
        return model.model.diffusion_model

    def check_unet(self) -> None:
        """See Body."""
        active = host.sd_unet.current_unet
        if active is None and self.loaded() is not None:
            active = host.sd_unet.get_unet_option()  # which asks the model
        if active is not None:
            label = getattr(active, "label", None) or getattr(active.option, "label", "another")
            raise BadRequest(
                "SD Unet",
                label,
                "replaces the WebUI's own UNet, and motion cannot go into it",
                "Choose None in Settings, Stable Diffusion, SD Unet.",
            )

    def is_chosen(self) -> bool:
        """See Body."""
        return common.option_data().get(CHOSEN) == self.model().sd_checkpoint_info.title

    @contextmanager
    def checkpoint(self, info: Any) -> Iterator[Any]:
        """See Body."""
        before = getattr(self.model(), "sd_checkpoint_info", None)
        load = host.sd_models.reload_model_weights
        if before is not None and before.filename == info.filename:
            with _listed(before), common.remembered(*LOADING) as kept, self._chosen(before, kept):
                # A changed setting such as fp8 reloads the weights: now, not after ours is inside.
                load()
                yield self.model()
            return
        with _listed(info), common.remembered(*LOADING) as kept:
            try:
                with self._chosen(info, kept):
                    load(info=info)
                    yield self.model()
            finally:
                if before is not None:
                    common.option_data()[CHOSEN] = before.title
                    host.sd_models.reload_model_weights(info=before)

    @contextmanager
    def _chosen(self, info: Any, kept: dict[str, Any]) -> Iterator[None]:
        """This checkpoint is the host's chosen one, unless somebody chooses another meanwhile.

        That one stays chosen: the host, which waits for our turn to end, loads it by the option.
        """
        common.option_data()[CHOSEN] = info.title
        try:
            yield
        finally:
            if common.option_data().get(CHOSEN) != info.title:
                kept[CHOSEN] = common.option_data()[CHOSEN]

    def list_again(self, model: Any) -> None:
        """See Body."""
        info = model.sd_checkpoint_info
        is_chosen = common.option_data().get(CHOSEN) == info.title
        if is_chosen and info.title not in host.sd_models.checkpoints_list:
            info.register()

    @contextmanager
    def vae(self, name: str | None) -> Iterator[None]:
        """See Body."""
        if name is not None and name not in host.sd_vae.vae_dict:
            host.sd_vae.refresh_vae_list()  # it is newer than the host's list
            if name not in host.sd_vae.vae_dict:
                raise Missing(f"VAE {name!r}", "It is not there any more; choose another.")
        try:
            with common.remembered("sd_vae"):
                common.option_data()["sd_vae"] = INSIDE if name is None else name
                host.sd_vae.reload_vae_weights()
                yield
        finally:
            host.sd_vae.reload_vae_weights()  # by the option that is back now

    def encode(self, model: Any, frame: Frames) -> Tensor:
        """See Body."""
        devices = host.devices
        pixels = torch.from_numpy(frame).to(devices.device, devices.dtype_vae)
        picture = (pixels / 127.5 - 1).permute(2, 0, 1)[None]  # (1, 3, H, W), -1..1
        with devices.autocast():
            told = model.encode_first_stage(picture)
            # The mean, not a sample: the same frames give the same latents.
            return told.mode() * model.scale_factor

    def decode(self, model: Any, latent: Tensor) -> Tensor:
        """See Body."""
        return host.processing.decode_latent_batch(
            model, latent, target_device=host.devices.cpu, check_for_nans=True
        )[0]

    def shares(self, model: Any) -> Tensor:
        """See Body."""
        return model.alphas_cumprod

    @contextmanager
    def schedule(self, model: Any, shares: Tensor) -> Iterator[None]:
        """See Body."""
        before = {name: getattr(model, name) for name in BETAS}
        for name, old in before.items():
            setattr(model, name, shares.to(old.device, old.dtype))
        try:
            yield
        finally:
            for name, old in before.items():
                setattr(model, name, old)

    @property
    def device(self) -> torch.device:
        """See Body."""
        return host.devices.device

    @property
    def unet_type(self) -> torch.dtype:
        """See Body."""
        return host.devices.dtype_unet

    # Prompts

    def parse(self, prompt: str) -> tuple[str, Mapping[str, Sequence[Any]]]:
        """See Body."""
        return host.extra_networks.parse_prompt(prompt)

    def parts(self, text: str) -> int:
        """See Body."""
        return len(host.prompt_parser.re_AND.split(text))

    @property
    def conditions(self) -> Any:
        """See Body."""
        return host.prompt_parser

    def empty(self, model: Any) -> Tensor:
        """See Body."""
        return model.cond_stage_model_empty_prompt

    # The run

    def samplers(self) -> Mapping[str, Any]:
        """See Body."""
        return host.sd_samplers.all_samplers_map

    def shown_samplers(self) -> list[str]:
        """See Body."""
        return host.sd_samplers.visible_sampler_names()

    def schedules(self) -> Sequence[Any]:
        """See Body."""
        return host.sd_schedulers.schedulers

    def process(self, run: Any) -> None:
        """See Body."""
        host.processing.process_images(run)

    def activate(self, run: Any, networks: Mapping[str, Any]) -> None:
        """See Body."""
        host.extra_networks.activate(run, networks)

    def sampler(self, run: Any, plan: Callable[[Any], ClipPlan]) -> Any:
        """See Body."""
        sampler = host.sd_samplers.create_sampler(run.sampler_name, run.sd_model)
        guided = sampler.model_wrap_cfg
        guided.model_wrap = WindowedDenoiser(guided.inner_model, plan(sampler))
        return sampler

    def foretells_noise(self, sampler: Any) -> bool:
        """See Body."""
        return hasattr(sampler, "get_timesteps")

    def specks(self, frames: int) -> Any:
        """See Body."""
        return host.processing.DecodedSamples(torch.zeros(frames, 3, 1, 1))

    @contextmanager
    def randomness(self) -> Iterator[None]:
        """See Body."""
        import k_diffusion.sampling

        before = k_diffusion.sampling.torch
        try:
            yield
        finally:
            k_diffusion.sampling.torch = before


@contextmanager
def _listed(info: Any) -> Iterator[None]:
    """The host finds a checkpoint by its title, which changes once its hash is known."""
    tables = (host.sd_models.checkpoints_list, host.sd_models.checkpoint_aliases)
    if info.title in tables[0]:
        yield
        return
    before = [dict(table) for table in tables]
    info.register()
    try:
        yield
    finally:
        for table, old in zip(tables, before, strict=True):
            gone = [key for key, one in list(table.items()) if one.filename == info.filename]
            for name in gone:
                table.pop(name, None)
            table.update({name: old[name] for name in gone if name in old})
