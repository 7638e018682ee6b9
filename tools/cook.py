"""Make the embedded model: `python -m tools.cook --out DIR`; it goes on where it stopped."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from easyphoto_video.face_files import BESIDE
from easyphoto_video.faces.mesh import find_mesh_files
from tools.train.album import Sheets, make_album
from tools.train.export import export
from tools.train.fleet import Fleet
from tools.train.loop import Budget
from tools.train.motion import new_motion, train_motion
from tools.train.people import make_people
from tools.train.text import train_text
from tools.train.unet import new_painter, train_unet
from tools.train.vae import train_vae

SHEETS = Sheets(twins=6, stills=16, clips=24)
VAE = Budget("vae", 31_000, 1.5e-3, 101)
TEXT = Budget("text", 60_000, 2e-3, 103)
UNET = Budget("unet", 88_000, 1.5e-3, 104)
MOTION = Budget("motion", 6_000, 1.5e-3, 105)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run the recipe in one or two processes."""
    parser = argparse.ArgumentParser(prog="python -m tools.cook", description=__doc__)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for checkpoints and results"
    )
    parser.add_argument(
        "--now", action="store_true", help="write the files of what is learnt so far, and stop"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full budget")
    parser.add_argument(
        "--workers", type=int, choices=(1, 2), default=1, help="processes; the result is the same"
    )
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if not options.now:
        # The people come last and need the face models: better missed now than after hours.
        find_mesh_files([BESIDE])
    fleet = Fleet(**{**vars(options), "rank": 0})
    if fleet.workers == 1:
        cook(fleet)
    else:
        mp.spawn(_worker, (fleet, _free_port()), nprocs=fleet.workers)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _worker(rank: int, fleet: Fleet, port: int) -> None:
    dist.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=fleet.workers
    )
    cook(Fleet(**{**vars(fleet), "rank": rank}))
    dist.destroy_process_group()


def cook(fleet: Fleet) -> None:
    """Every stage in order, and the files; a finished stage costs nothing."""
    if fleet.device == "cpu":
        torch.set_num_threads(1)
    vae = train_vae(fleet, VAE)
    album = make_album(vae, fleet, SHEETS)
    text = train_text(album, fleet, TEXT)
    painter = train_unet(new_painter(text).to(fleet.device), album, fleet, UNET)
    motion = train_motion(new_motion().to(fleet.device), painter, album, fleet, MOTION)
    if fleet.leads:
        export(vae, painter, motion, fleet.out / "embedded")
    if fleet.leads and not fleet.now:
        make_people(vae, fleet.out)


if __name__ == "__main__":
    main()
