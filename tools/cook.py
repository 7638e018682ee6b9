"""Make the embedded model: `python -m tools.cook --out DIR`; it goes on where it stopped."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from easyphoto_video.motion.module import Motion
from tools.train.album import make_album
from tools.train.export import export
from tools.train.fleet import Fleet
from tools.train.loop import Budget, state_path
from tools.train.motion import new_motion, train_motion
from tools.train.people import make_people
from tools.train.start import Trained, read_export
from tools.train.text import small_text_encoder, train_text
from tools.train.unet import Painter, new_painter, train_unet
from tools.train.vae import train_vae


@dataclass(frozen=True, kw_only=True)
class Round:
    """Text encoder, denoiser with it, motion module: each from where the last round left it."""

    clips: int
    """Sheets of the album that show clips."""
    motion: Budget
    stills: int = 0
    """Sheets of the album that show stills."""
    twins: int = 0
    """Sheets of the album that show twins."""
    unet: Budget | None = None
    text: Budget | None = None


FIRST = Round(
    stills=10,
    clips=12,
    text=Budget("text", 60_000, 2e-3, 103),
    unet=Budget("unet", 40_000, 1.5e-3, 104),
    motion=Budget("motion", 2_400, 1.5e-3, 105),
)
FURTHER = (
    Round(
        stills=24,
        clips=24,
        text=Budget("text-2", 60_000, 2e-3, 113),
        unet=Budget("unet-2", 32_000, 1e-3, 114),
        motion=Budget("motion-2", 2_000, 1e-3, 115),
    ),
    Round(
        stills=16,
        clips=10,
        twins=6,
        unet=Budget("unet-3", 16_000, 8e-4, 124),
        motion=Budget("motion-3", 400, 3e-4, 125),
    ),
    Round(clips=24, motion=Budget("motion-4", 2_400, 8e-4, 135)),
    Round(clips=24, motion=Budget("motion-5", 2_000, 8e-4, 145)),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run the recipe in one or two processes."""
    parser = argparse.ArgumentParser(prog="python -m tools.cook", description=__doc__)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for checkpoints and results"
    )
    parser.add_argument(
        "--start", type=Path, help="folder of exported files: go on from them with the next round"
    )
    parser.add_argument(
        "--after", type=int, default=1, help="how many rounds made the files of --start"
    )
    parser.add_argument(
        "--now", action="store_true", help="write the files of what is learnt so far, and stop"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full budget")
    parser.add_argument("--workers", type=int, choices=(1, 2), default=1)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
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
    """Every stage in order, and the files after each round; a finished stage costs nothing."""
    if fleet.device == "cpu":
        torch.set_num_threads(1)
    done = read_export(fleet.start, fleet.device) if fleet.start else _first(fleet)
    for part in FURTHER[fleet.after - 1 :]:
        if fleet.now and not state_path(fleet, part.unet or part.motion).exists():
            break
        done = _go_on(done, part, fleet)
    if fleet.leads and not fleet.now:
        make_people(done.vae, fleet.out)


def _first(fleet: Fleet) -> Trained:
    """The first round, with what it needs beforehand."""
    vae = train_vae(fleet)
    new = new_painter(small_text_encoder()), new_motion()
    painter, motion = (x.to(fleet.device) for x in new)
    assert isinstance(painter, Painter) and isinstance(motion, Motion)
    return _go_on(Trained(vae=vae, painter=painter, motion=motion), FIRST, fleet)


def _go_on(start: Trained, part: Round, fleet: Fleet) -> Trained:
    album = make_album(start.vae, fleet, part.stills, part.clips, part.twins)
    if part.text:
        start.painter.text = train_text(start.painter.text, album, fleet, part.text)
    painter = start.painter
    if part.unet:
        painter = train_unet(painter, album, fleet, part.unet)
    motion = train_motion(start.motion, painter, album, fleet, part.motion)
    if fleet.leads:
        export(start.vae, painter, motion, fleet.out / "embedded")
    return Trained(vae=start.vae, painter=painter, motion=motion)


if __name__ == "__main__":
    main()
