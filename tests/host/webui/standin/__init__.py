"""A small WebUI for tests: its modules, its order of events and its traps, with a tiny real UNet.

Written after what v1.10.1 does, not after its code. `installed` puts it into sys.modules.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from easyphoto_video.host import webui
from tests.host.standalone.small import SIZES
from tools.tiny_checkpoint import write_lora

FOLDER = Path(__file__).parent
OURS = "easyphoto_video.host.webui"
FREE = ("clip_folder", "embedded")
"""Modules of ours that know no host, and so need not be imported anew."""


@contextmanager
def installed(data_dir: Path) -> Iterator[None]:
    """While it lasts, `import modules` is the stand-in with this data folder; ours are fresh."""
    gone = _taken_out()
    sys.path.insert(0, str(FOLDER))
    try:
        from modules import extra_networks, paths_internal, sd_models, sd_vae, shared

        paths_internal.data_path = str(data_dir)
        models = data_dir / "models"
        shared.cmd_opts.lora_dir = str(models / "Lora")
        write_lora(models / "Lora" / "film.safetensors", SIZES)
        sd_vae.vae_path = str(models / "VAE")
        (models / "VAE" / "warm.safetensors").touch()  # nobody opens it here
        sd_models.model_path = str(models / "Stable-diffusion")
        sd_models.list_models()
        sd_vae.refresh_vae_list()
        extra_networks.list_available_networks()
        assert shared.sd_model is not None
        yield
    finally:
        sys.path.remove(str(FOLDER))
        _taken_out()
        for name, module in gone.items():
            sys.modules[name] = module
            _, _, part = name.rpartition(".")
            if name.startswith(f"{OURS}."):
                setattr(webui, part, module)


def _taken_out() -> dict[str, ModuleType]:
    """The host's modules and ours that hold on to them, out of sys.modules and our package."""
    names = [name for name in sys.modules if _is_hosts(name)]
    for name in names:
        _, _, part = name.rpartition(".")
        if name.startswith(f"{OURS}.") and hasattr(webui, part):
            delattr(webui, part)
    return {name: sys.modules.pop(name) for name in names}


def _is_hosts(name: str) -> bool:
    top, _, part = name.removeprefix(OURS).rpartition(".")
    is_ours = name.startswith(f"{OURS}.") and not top and part not in FREE
    return is_ours or name.split(".")[0] in ("modules", "k_diffusion")
