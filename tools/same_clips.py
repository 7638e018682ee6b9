"""Whether a change of the house changes a clip: twelve clips, kept and compared bit for bit.

    python -m tools.same_clips make FOLDER [--only NAME,NAME]    renders them stand-alone
    python -m tools.same_clips hosted FOLDER --url URL           four of them in a WebUI that runs
    python -m tools.same_clips compare BEFORE AFTER              1 when a frame differs

They go through the command line and the API, which stay what they are whatever lies beneath. All
are drawn by the embedded model, so frames are compared between two states of one machine: another
processor adds in another order.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import time
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from easyphoto_video.host.standalone.cli import main as command_line

TRAVEL = "0: 1girl, smile, red hair, blue eyes\n7: 1girl, open mouth, red hair, blue eyes"
FEW = {"steps": 4, "seed": 7, "frames": 8}
ALONE = {**FEW, "face_pass": False}

CLIPS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("text2video", {**ALONE, "sampler": "DPM++ 2M Karras"}),
    "ddim": ("text2video", {**ALONE, "sampler": "DDIM", "seed": 11, "cfg": 5}),
    "lora over frames": (
        "text2video",
        {
            **ALONE,
            "user_id": "demo",
            "scene_weight": 0.8,
            "lora_schedule": "0:(0), 7:(1)",
            "sampler": "Euler a",
        },
    ),
    "windows": ("text2video", {**ALONE, "frames": 20, "context": 8, "windows": "uniform"}),
    "spans": ("text2video", {**ALONE, "frames": 24, "span": 12, "span_overlap": 4}),
    "closed loop": ("text2video", {**ALONE, "frames": 18, "context": 8, "closed_loop": True}),
    "prompt travel": ("text2video", {**ALONE, "prompt": TRAVEL, "cfg_schedule": "0:(7), 7:(4)"}),
    "face pass": ("text2video", {**FEW, "user_id": "demo"}),
    "step cache": ("text2video", {**ALONE, "steps": 6, "step_cache": 2, "motion_amount": 0.7}),
    "picture": ("image2video", {**ALONE, "image": "{picture}"}),
    "two pictures": (
        "image2video",
        {**FEW, "image": "{picture}", "last_image": "{other}", "user_id": "demo"},
    ),
    "film": ("video2video", {**FEW, "video": "{film}", "fps": 8, "user_id": "demo", "redraw": 0.4}),
}
"""Three modes, by name: the mode and the fields of its request. In braces stand files that are
made of the first clips."""
HOSTED = ("plain", "windows", "picture", "face pass")
"""Those that are made in a WebUI, too; its own samplers draw them."""
SECONDS = 1200
"""After which a clip of a WebUI is taken for lost."""


def made(folder: Path, names: Sequence[str]) -> None:
    """Render clips into folders of PNG files by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        mode, fields = CLIPS[name]
        target = folder / f"{name}.png"
        began = time.monotonic()
        _command([mode, *_options(_filled(fields, folder)), "--format", "png", "--out", target])
        print(f"{name:18} {time.monotonic() - began:6.1f} s", flush=True)


def hosted(folder: Path, url: str, names: Sequence[str]) -> None:
    """The same of a WebUI's API at `url`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        mode, fields = CLIPS[name]
        body = {**_filled(fields, folder), "format": "png", "checkpoint": "embedded"}
        for field in ("image", "last_image", "video"):
            if field in body:
                body[field] = _uploaded(url, Path(body[field]))
        job = _asked(f"{url}/easyphoto-video/{mode}?wait=true", json.dumps(body).encode())
        if job["state"] != "done":
            raise SystemExit(f"{name}: {job['error']}")
        with urllib.request.urlopen(url + job["file"], timeout=SECONDS) as answer:
            pack = zipfile.ZipFile(io.BytesIO(answer.read()))
        pack.extractall(folder / name)
        print(f"{name:18} {sum(job['seconds'].values()):6.1f} s", flush=True)


def compared(before: Path, after: Path) -> int:
    """How many clips differ, with a line for each."""
    different = 0
    for name in sorted(path.name for path in before.iterdir() if path.is_dir()):
        old, new = _frames(before / name), _frames(after / name)
        if old.shape != new.shape:
            told = f"{old.shape} against {new.shape}"
        elif (old != new).any():
            apart = np.abs(old.astype(np.int16) - new)
            told = f"differs: mean {apart.mean():.3f}, at most {apart.max()} levels"
        else:
            told = "equal"
        different += told != "equal"
        print(f"{name:18} {len(old):3} frames  {told}")
    return different


def _filled(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    files = {
        "picture": folder / "plain" / "00001.png",
        "other": folder / "windows" / "00009.png",
        "film": folder / "closed loop",
    }
    return {
        name: value.format(**files) if isinstance(value, str) else value
        for name, value in fields.items()
    }


def _options(fields: dict[str, Any]) -> list[str]:
    words = []
    for name, value in fields.items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words.append(option if value else option.replace("--", "--no-", 1))
        else:
            words.append(f"{option}={value}")
    return words


def _command(words: Sequence[object]) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = command_line([str(word) for word in words])
    if code:
        raise SystemExit(f"{' '.join(map(str, words))}: exit code {code}")


def _frames(folder: Path) -> Any:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))])


def _uploaded(url: str, path: Path) -> str:
    body = path.read_bytes()
    address = f"{url}/easyphoto-video/files?name={path.name}"
    return _asked(address, body, "application/octet-stream")["name"]


def _asked(url: str, body: bytes, kind: str = "application/json") -> Any:
    request = urllib.request.Request(url, body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.load(answer)


def main(argv: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.same_clips", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make")
    make.add_argument("folder", type=Path)
    make.add_argument("--only", default=",".join(CLIPS))
    host = commands.add_parser("hosted")
    host.add_argument("folder", type=Path)
    host.add_argument("--url", required=True)
    compare = commands.add_parser("compare")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    args = parser.parse_args(argv)
    if args.command == "make":
        made(args.folder, args.only.split(","))
    elif args.command == "hosted":
        hosted(args.folder, args.url, HOSTED)
    else:
        return int(compared(args.before, args.after) > 0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
