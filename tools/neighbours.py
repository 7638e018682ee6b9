"""Runs of ControlNet that fail in a real WebUI, and what our clips are after them.

    python -m tools.neighbours --webui DIR --python EXE --controlnet DIR [--extension DIR]

DIR of --controlnet is a checkout of sd-webui-controlnet whose own needs EXE has. It is copied into
a data folder beside a tiny checkpoint and a tiny ControlNet. One line comes into the copy: the
original reads how wide a ControlNet is from no file, and takes it to be 320 channels. --extension
is the tree of ours that is tried, by default this one. WEBUI_DIR, WEBUI_PYTHON and CONTROLNET_DIR
stand for the first three options. Everything goes over HTTP; the exit code is 0 when all is well.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tools.tiny_checkpoint import Sizes, write_controlnet
from tools.webui import LEFT_OUT, ROOT, prepare, running

SIDE, FRAMES = 64, 4
SECONDS = 600
NAMES = ("tiny_canny", "tiny_narrow")
"""A ControlNet that fits the checkpoint, and one whose words are of another width."""
GUESS = Path("scripts") / "controlnet_model_guess.py"
KNOWN = "            config['context_dim'] = "
WIDTH = "            config['model_channels'] = len(state_dict['input_blocks.0.0.bias'])\n"
PICTURE = {"prompt": "a cat", "seed": 7, "steps": 3, "width": SIDE, "height": SIDE}
CLIP = {
    "prompt": "a photo of a cat",
    "seed": 7,
    "steps": 3,
    "cfg": 5,
    "frames": FRAMES,
    "width": SIDE,
    "height": SIDE,
    "sampler": "Euler a",
    "user_id": "none",
    "format": "png",
}


def lay_out(data_dir: Path, controlnet: Path, extension: Path) -> Path:
    """Fills a data folder with both extensions and models for them."""
    prepare(data_dir, extension)
    there = data_dir / "extensions" / "sd-webui-controlnet"
    shutil.rmtree(there, ignore_errors=True)
    shutil.copytree(controlnet, there, ignore=LEFT_OUT)
    text = (there / GUESS).read_text(encoding="utf-8")
    if text.count(KNOWN) != 1:
        raise SystemExit(f"{GUESS} of {controlnet} is not as this check knows it.")
    (there / GUESS).write_text(text.replace(KNOWN, WIDTH + KNOWN), encoding="utf-8")
    models = data_dir / "models" / "ControlNet"
    for name, context in zip(NAMES, (Sizes().context, 32), strict=True):
        write_controlnet(models / f"{name}.safetensors", replace(Sizes(), context=context))
    return data_dir


@dataclass(frozen=True)
class Host:
    """A WebUI over HTTP."""

    url: str

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        """What it answers. Raises HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
            return answer.read()

    def picture(self, *units: Mapping[str, Any], **more: Any) -> bytes:
        """txt2img with these units of ControlNet, as pixels. Raises HTTPError when it fails."""
        scripts = {"alwayson_scripts": {"ControlNet": {"args": list(units)}}} if units else {}
        done = json.loads(self.call("/sdapi/v1/txt2img", {**PICTURE, **scripts, **more}))
        return _pixels(base64.b64decode(done["images"][0]))

    def fails(self, *units: Mapping[str, Any], **more: Any) -> bool:
        """Whether a picture fails as it should."""
        try:
            self.picture(*units, **more)
        except urllib.error.HTTPError as error:
            return error.code == 500
        return False

    def clip(self, **more: Any) -> bytes | str:
        """A clip of ours as pixels, or its error."""
        done = json.loads(self.call("/easyphoto-video/text2video?wait=true", {**CLIP, **more}))
        if done["state"] != "done":
            return str(done["error"])
        packed = self.call(f"/easyphoto-video/jobs/{done['id']}/file")
        with zipfile.ZipFile(io.BytesIO(packed)) as pictures:
            names = sorted(name for name in pictures.namelist() if name.endswith(".png"))
            return b"".join(_pixels(pictures.read(name)) for name in names)


def findings(host: Host, log: Callable[[], str]) -> Iterator[tuple[str, bool]]:
    """What is tried, and whether it went as it should; `log` gives what the WebUI printed."""
    models = json.loads(host.call("/controlnet/model_list?update=true"))["model_list"]
    fitting, narrow = (next(m for m in models if m.startswith(name)) for name in NAMES)
    image = base64.b64encode(_png(np.random.default_rng(0))).decode()
    unit = {"enabled": True, "image": image, "weight": 1.0, "processor_res": SIDE}
    canny = {**unit, "module": "canny", "model": fitting}
    reference = {**unit, "module": "reference_only", "model": "None"}
    usual, plain = host.clip(), host.picture()
    yield "a clip is made", isinstance(usual, bytes)
    for name, works, breaks, more in (
        ("canny", canny, canny, {"cfg_scale": 1e30}),
        ("reference_only", reference, reference, {"cfg_scale": 1e30}),
        ("a ControlNet of another width", canny, {**canny, "model": narrow}, {}),
    ):
        right = host.picture(works)
        yield f"{name}: ControlNet does something", right != plain
        yield f"{name}: a clip after it is the usual one", host.clip() == usual
        yield f"{name}: its run fails", host.fails(breaks, **more)
        yield f"{name}: a clip after that is the usual one", _is(host.clip(), usual)
        yield f"{name}: and the next", _is(host.clip(), usual)
        yield f"{name}: ControlNet works again", host.picture(works) == right
        yield f"{name}: its run fails", host.fails(breaks, **more)
        faster = _is(host.clip(step_cache=2), None)
        yield f"{name}: a clip with the step cache is made", faster
        yield f"{name}: a picture without it is the usual one", host.picture() == plain
    told = host.clip(prompt=f"{CLIP['prompt']} <lora:strong:1e30>")
    yield "a clip that comes to no numbers fails", isinstance(told, str)
    traced = [
        part for part in log().split("Traceback (most recent call last)")[1:] if str(told) in part
    ]
    yield "its traceback is in the console", any("easyphoto_video" in part for part in traced)
    yield "a clip after it is the usual one", _is(host.clip(), usual)


def _is(clip: bytes | str, usual: bytes | str | None) -> bool:
    if isinstance(clip, str):
        print(f"> the clip failed: {clip}", flush=True)
    return isinstance(clip, bytes) and usual in (None, clip)


def _png(random: np.random.Generator) -> bytes:
    """A picture with edges."""
    blocks = random.integers(0, 2, (8, 8), np.uint8) * 255
    out = io.BytesIO()
    Image.fromarray(np.kron(blocks, np.ones((SIDE // 8, SIDE // 8), np.uint8))).save(out, "PNG")
    return out.getvalue()


def _pixels(png: bytes) -> bytes:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).tobytes()


def main(arguments: Sequence[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description="Our clips after runs of ControlNet that fail.")
    parser.add_argument("--webui", type=Path, default=os.environ.get("WEBUI_DIR"))
    parser.add_argument("--python", type=Path, default=os.environ.get("WEBUI_PYTHON"))
    parser.add_argument("--controlnet", type=Path, default=os.environ.get("CONTROLNET_DIR"))
    parser.add_argument("--extension", type=Path, default=ROOT)
    parser.add_argument("--data-dir", type=Path)
    given = parser.parse_args(arguments)
    if not (given.webui and given.python and given.controlnet):
        parser.error("give --webui, --python and --controlnet, or their variables")
    bad = 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = (given.data_dir or Path(scratch)).resolve()
        data_dir = lay_out(folder, Path(given.controlnet), given.extension)
        with running(Path(given.webui), Path(given.python), data_dir) as webui:
            for name, is_well in findings(Host(webui.url), lambda host=webui: host.text):
                bad += not is_well
                print(f"> {name:58} {'ok' if is_well else 'NOT SO'}", flush=True)
    print(f"> {bad} not as they should be")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
