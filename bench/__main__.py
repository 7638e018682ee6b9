"""The benchmark's command line: `python3 launch.py bench`, see docs/speed.md.

Prints a table: ours, what it is measured against, and ours / theirs, each the median of calls taken
in turn. Smaller is better but for frames/s.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

# Before torch, which reads it once: with waiting threads that spin, times are chance.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from bench import approximate, clips, faces, roofline, steps
from bench.measure import CLOCKS, Row, plain, table
from bench.models import EMBEDDED, FULL, TINY
from bench.plan import Plan
from easyphoto_video.errors import EasyPhotoError

Typed = Callable[[Plan, str], Iterator[Row]]
PER_DTYPE: dict[str, Typed] = {
    "step": steps.step,
    "temporal": steps.temporal,
    "vae": clips.vae,
    "roofline": roofline.roofline,
}
ONCE: dict[str, Callable[[Plan], Iterator[Row]]] = {
    "length": clips.length,
    "face": faces.face,
    "start": clips.start,
    "approximate": approximate.approximate,
}
QUICK: dict[str, Any] = {
    "subjects": (EMBEDDED,),
    "dtypes": ("fp32",),
    "px": 64,
    "lengths": (16, 32),
    "face_frames": 16,
}


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: 0, or 2 when something cannot be measured."""
    args = _parser().parse_args(arguments)
    plan = plan_of(args)
    rows: list[Row] = []
    try:
        for row in measured(plan, args.only or [*PER_DTYPE, *ONCE]):
            rows.append(row)
            print(table([row]).splitlines()[1], file=sys.stderr, flush=True)
    except EasyPhotoError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(table(rows))
    if args.json:
        found = {"machine": machine(plan), "rows": [plain(row) for row in rows]}
        args.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


def measured(plan: Plan, names: Sequence[str]) -> Iterator[Row]:
    """The rows of these cases."""
    for name in names:
        if name in ONCE:
            yield from ONCE[name](plan)
        for dtype in plan.dtypes if name in PER_DTYPE else ():
            yield from PER_DTYPE[name](plan, dtype)


def plan_of(args: argparse.Namespace) -> Plan:
    """What the options ask for; on CUDA fp16 at 512x512 px."""
    has_cuda = torch.cuda.is_available()
    plan = Plan(device="cuda", dtypes=("fp16",), px=512) if has_cuda else Plan()
    if args.quick:
        plan = dataclasses.replace(plan, **QUICK)
    given = {"px": args.size, "dtypes": args.dtype, "subjects": args.subject, "video": args.video}
    given |= {"lengths": args.lengths, "repeats": args.repeats, "clock": args.clock}
    given |= {"face_frames": args.face_frames}
    chosen = {name: value for name, value in given.items() if value is not None}
    chosen |= {name: tuple(v) for name, v in chosen.items() if isinstance(v, list)}
    return dataclasses.replace(plan, **chosen)


def machine(plan: Plan) -> dict[str, Any]:
    """What was measured on."""
    return {
        "device": torch.cuda.get_device_name() if plan.device == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "plan": {name: str(value) for name, value in vars(plan).items()},
    }


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 launch.py bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cases, dtypes = [*PER_DTYPE, *ONCE], ["fp32", "fp16", "bf16"]
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all there too")
    parser.add_argument("--only", nargs="+", choices=cases, help="these cases")
    parser.add_argument("--quick", action="store_true", help="the embedded model alone, and small")
    parser.add_argument("--size", type=int, metavar="PX", help="sides of the pictures")
    parser.add_argument("--dtype", nargs="+", choices=dtypes, help="of the networks")
    parser.add_argument("--subject", nargs="+", choices=[FULL, EMBEDDED, TINY], help="which models")
    parser.add_argument("--lengths", nargs="+", type=int, metavar="N", help="frames of the clips")
    parser.add_argument("--repeats", type=int, metavar="N", help="calls for each median")
    parser.add_argument("--clock", choices=CLOCKS, help="wall, or cpu on a busy machine")
    parser.add_argument("--face-frames", type=int, metavar="N", help="the most frames of the film")
    parser.add_argument("--video", type=Path, metavar="FILM", help="to follow a face in")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
