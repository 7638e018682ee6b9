"""Runs inside a real WebUI's Python, in the WebUI's process but without its server.

`python -m tools.hosted` starts it, and tells it what to do; the commands are those of COMMANDS.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
ON_CPU = ("--skip-torch-cuda-test", "--no-half", "--precision", "full", "--use-cpu", "all")


def boot(webui: Path, data_dir: Path, flags: Sequence[str]) -> None:
    """Everything that the WebUI does at its start, up to the loaded model."""
    os.chdir(webui)
    sys.path[:] = [str(webui), *(path for path in sys.path if path not in ("", str(ROOT)))]
    sys.path.append(str(ROOT))
    sys.argv = ["webui.py", *ON_CPU, "--data-dir", str(data_dir), "--no-download-sd-model", *flags]
    from modules import initialize

    initialize.imports()
    initialize.initialize()
    from modules import script_callbacks, sd_hijack, shared

    script_callbacks.before_ui_callback()  # where the built-in Lora extension registers itself
    assert shared.sd_model is not None, "the WebUI has loaded no model"
    if sd_hijack.current_optimizer is None:
        sd_hijack.apply_optimizations()


def webui_host() -> Any:
    """Our host, as the tab and the API have it."""
    from easyphoto_video.host.webui.host import WebuiHost

    return WebuiHost()


def faults(_: Sequence[str]) -> int:
    """Every place of tools.faults in turn."""
    from tools import faults as places

    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for finding in places.check_all(webui_host(), Path(folder)):
            bad += bool(finding.wrong)
            verdict = ", ".join(finding.wrong) or "ok"
            say(f"{finding.place:34} {finding.ended:18} {verdict}")
    say(f"{len(places.PLACES)} places, {bad} leave something behind")
    return 1 if bad else 0


def parity(folders: Sequence[str]) -> int:
    """The host's own UNet with our motion, against the tensors of the official code."""
    from tools import parity as official

    official.HOSTS.clear()
    official.HOSTS["webui"] = _own_unet
    code = 0
    for folder in folders:
        for host, tensor, error in official.errors(official.read_golden(Path(folder)), ["webui"]):
            limit = official.FINAL_LIMIT if tensor == "ddim_final" else official.LIMIT
            code = code if error <= limit else 1
            say(f"{Path(folder).name:12} {host:10} {tensor:26} {error:.1e}")
    return code


def _own_unet(tensors: Any, shape: Any) -> Any:
    import torch
    from ldm.modules.diffusionmodules.openaimodel import UNetModel

    widths = shape.channels
    levels = [2**i for i, attends in enumerate(shape.attention) if attends]
    unet = UNetModel(
        image_size=32,
        in_channels=shape.latent,
        out_channels=shape.latent,
        model_channels=widths[0],
        attention_resolutions=levels,
        num_res_blocks=shape.layers,
        channel_mult=[width // widths[0] for width in widths],
        num_heads=shape.heads,
        use_spatial_transformer=True,
        transformer_depth=1,
        context_dim=shape.context,
        use_checkpoint=False,
        legacy=False,
    )
    unet.load_state_dict(tensors)
    unet.to(torch.float32).eval()
    return unet, lambda x, timesteps, context: unet(x, timesteps, context=context)


def variants(arguments: Sequence[str]) -> int:
    """How a clip moves under the host's ways of batching; see tools.variants."""
    from tools.variants import report

    return report(webui_host(), arguments, say)


def fades(_: Sequence[str]) -> int:
    """LoRAs whose weight goes from frame to frame; see tools.fades."""
    from tools.fades import report

    return report(webui_host(), say)


def serve(arguments: Sequence[str]) -> int:
    """Renders the shots that come through the socket, until it closes. Trusts who is there."""
    from multiprocessing.connection import Client

    from tools.toys import registered

    host = webui_host()
    with registered(), Client(arguments[0], "AF_UNIX") as pipe:
        while (asked := pipe.recv()) is not None:
            pipe.send(_rendered(host, pipe, asked))
    return 0


def _rendered(host: Any, pipe: Any, asked: dict[str, Any]) -> tuple[str, Any]:
    """("done", (bytes, shape)) or ("failed", message); progress goes through the pipe meanwhile."""
    from easyphoto_video.engine import render
    from easyphoto_video.errors import EasyPhotoError, Stopped

    def watch(stage: str, fraction: float) -> None:
        pipe.send(("told", (stage, fraction)))
        if pipe.recv() == "stop":
            raise Stopped("Stopped by the other side.")

    try:
        with host.turn("served"):
            controls = tuple(_control(packed) for packed in asked["controls"])
            shot = replace(asked["shot"], start=_start(asked["start"]), controls=controls)
            done = render(host.engine, shot, watch)
    except EasyPhotoError as error:
        return "failed", f"{type(error).__name__}: {error}"
    return "done", (done.tobytes(), done.shape)


def _start(packed: dict[str, Any] | None) -> Any:
    """A Start from what came through the pipe."""
    from easyphoto_video.engine import Start

    if packed is None:
        return None
    frames = np.frombuffer(packed["frames"], np.uint8).reshape(packed["shape"])
    mask = None
    if packed["mask"] is not None:
        mask = np.frombuffer(packed["mask"], np.float32).reshape(frames.shape[:3])
    return Start(frames=frames, strength=packed["strength"], mask=mask)


def _control(packed: dict[str, Any]) -> Any:
    """A Control from what came through the pipe."""
    from easyphoto_video.engine import Control

    shape = packed.pop("shape")
    pictures = np.frombuffer(packed.pop("pictures"), np.uint8).reshape(shape)
    return Control(pictures=pictures, weights=np.array(packed.pop("weights")), **packed)


def say(text: str) -> None:
    """A line that can be told from the host's own."""
    print(f"> {text}", flush=True)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "fades": fades,
    "faults": faults,
    "parity": parity,
    "variants": variants,
    "serve": serve,
}


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--webui", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--arg", action="append", default=[])
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    rest = [str(Path(word).resolve()) if Path(word).exists() else word for word in given.rest]
    boot(given.webui.resolve(), given.data_dir.resolve(), given.arg)
    return COMMANDS[given.command](rest)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # the host's threads need not be waited for
