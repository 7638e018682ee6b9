"""What the WebUI answers when a request is settled: see host/settling.py."""

from __future__ import annotations

from pathlib import Path

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.checkpoint.facts import facts_beside
from easyphoto_video.host.checkpoint.kinds import check_checkpoint
from easyphoto_video.host.checkpoint.shapes import clip_layers, unet_config
from easyphoto_video.host.library import EMBEDDED, Library
from easyphoto_video.host.motions import UnetFacts
from easyphoto_video.host.settling import Base, LibraryAnswers
from easyphoto_video.host.webui.checks import check_model
from easyphoto_video.host.webui.conditions import parsed, parts_of
from easyphoto_video.host.webui.facade import here
from easyphoto_video.host.webui.files import (
    checkpoint_info,
    checkpoint_name,
    checkpoint_tensors,
    lora_name,
    vae_name,
)
from easyphoto_video.host.webui.restore import restorer
from easyphoto_video.host.webui.samplers import sampler_of
from easyphoto_video.identity import LORA_PREFIX
from easyphoto_video.request import AUTO, NONE, Sampled


class WebuiAnswers(LibraryAnswers):
    """See Answers. Files are named as the host lists them; motion modules and user ids come from
    the library. Loads nothing."""

    def check(self, job: Sampled) -> None:
        """See Answers."""
        here().check_unet()
        sampler_of(job.sampler)
        _check_prompts(job, self.library)
        restorer(job.restore)

    def base(self, name: str) -> Base:
        """See Answers."""
        info = checkpoint_info(name)
        loaded = here().loaded()
        if loaded is not None and loaded.sd_checkpoint_info.filename == info.filename:
            check_model(loaded)
        path = Path(info.filename)
        tensors = checkpoint_tensors(info)
        check_checkpoint(path, tensors)
        facts = facts_beside(path, tensors)
        unet = unet_config(tensors, facts, path)
        listed = checkpoint_name(info)
        body = UnetFacts(
            name=path.name,
            channels=tuple(unet["block_out_channels"]),
            text_width=unet["cross_attention_dim"],
            is_embedded=listed == EMBEDDED,
        )
        return Base(listed=listed, body=body, text_layers=clip_layers(tensors), facts=facts)

    def vae(self, name: str) -> str:
        """See Answers."""
        return name if name in (AUTO, NONE) else vae_name(name)

    def lora(self, name: str) -> str:
        """See Answers."""
        return lora_name(name)


def _check_prompts(request: Sampled, library: Library) -> None:
    prompts, networks = parsed(request.prompts)
    parts_of(prompts)
    for use in networks.get("lora", []):
        name = use.items[0]
        if name.startswith(LORA_PREFIX):
            library.people.lora(name.removeprefix(LORA_PREFIX))
        else:
            lora_name(name)
    _, free = parsed(request.negatives)
    if free.get("lora"):
        name = free["lora"][0].items[0]
        raise BadRequest("Negative prompt", name, "is a LoRA", "Name it in the prompt.")
