"""A full-size render without anybody's weights: SD1.5 and AnimateDiff v2 in size, random inside.

    python -m tools.full_size [--folder FOLDER] [OPTION ...]

Writes the two files (3 GB, fp16) unless FOLDER has them, then runs the command line in a process of
its own: 4 frames of 64x64 px in 2 steps, unless other options of text2video are given. Prints what
the command line prints: seconds by stage, and the most memory that the process held.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.tiny_checkpoint import SD15, fitting_spec, write_checkpoint, write_motion

USUAL = "--frames 4 --size 64x64 --steps 2 --seed 1"


def main() -> int:
    """Returns the exit code of the render."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="where the files are, or shall stay")
    args, options = parser.parse_known_args()
    if args.folder:
        return render(args.folder, options)
    with tempfile.TemporaryDirectory() as folder:
        return render(Path(folder), options)


def render(folder: Path, options: list[str]) -> int:
    """Render in another process, so that its memory is measured alone."""
    checkpoint = folder / "models" / "Stable-diffusion" / "random_sd15.safetensors"
    motion = folder / "models" / "AnimateDiff" / "random_v2.safetensors"
    began = time.perf_counter()
    if not checkpoint.exists():
        write_checkpoint(checkpoint, SD15)
    if not motion.exists():
        write_motion(motion, fitting_spec(SD15))
    sizes = " and ".join(f"{path.stat().st_size / 1e9:.2f} GB" for path in (checkpoint, motion))
    print(f"{sizes} in {folder}, {time.perf_counter() - began:.0f} s", flush=True)
    what = ["--data-dir", folder, "--checkpoint", checkpoint.stem, "--motion", motion.stem]
    command = [sys.executable, "-m", "easyphoto_video", "text2video", "--json", *what]
    return subprocess.run([*command, *USUAL.split(), *options], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
