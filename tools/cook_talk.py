"""Make what the embedded model talks with: `python -m tools.cook_talk --out DIR`.

It goes on where it stopped. Needs espeak-ng and flite, which make the speech that is learnt from.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from easyphoto_video.sound.listener import SPEC, Listener
from tools.train.fleet import Fleet
from tools.train.loop import Budget
from tools.train.voice import new_listener, train_listener

LISTENER = Budget("listener", 96_000, 1.5e-3, 106)
FILE = "listener.safetensors"


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run the recipe."""
    parser = argparse.ArgumentParser(prog="python -m tools.cook_talk", description=__doc__)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for speech, checkpoints and results"
    )
    parser.add_argument(
        "--now", action="store_true", help="write the files of what is learnt so far, and stop"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full budget")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    fleet = Fleet(**vars(options))
    listener = train_listener(new_listener(), fleet, LISTENER)
    export(listener, fleet.out / "embedded")


def export(listener: Listener, folder: Path) -> None:
    """Write the listener in fp16, by openai's key names, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    halves = {
        name: x.detach().half().cpu().contiguous() for name, x in listener.state_dict().items()
    }
    part = (folder / FILE).with_suffix(".part")
    save_file(halves, part, {"format": "pt", "heads": str(SPEC.heads)})
    part.replace(folder / FILE)


if __name__ == "__main__":
    main()
