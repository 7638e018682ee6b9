"""What video2video promises of a film, on the embedded model and in whole runs.

    python -m tools.films rates FILM [--rates 8 12 23.976 25 29.97 30 60]
    python -m tools.films outside FILM [--frames 48]
    python -m tools.films memory FILM [--frames 256 2048]
    python -m tools.films killed FILM [--frames 200]

`rates`: the packets of the sound are the film's own, and the duration is the film's within a frame.
`outside`: frames with the face redrawn differ from the film's inside of the blend mask alone.
`memory`: the peak of a run over a short and a long stretch of the film, looped (Linux).
`killed`: SIGKILL in the third span of the face pass, then --resume; the frames are those of a run
that nobody disturbed. Exit code 1 when something does not hold. One step at CFG 1 redraws the
face: what is asked here does not depend on how well.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.face_pass import with_faces
from easyphoto_video.faces.blend import spread
from easyphoto_video.faces.cutout import Place
from easyphoto_video.host.jobs import tools_of
from easyphoto_video.host.standalone.host import StandaloneHost
from easyphoto_video.modes.source_film import source_film
from easyphoto_video.modes.video2video import Video2Video
from easyphoto_video.video.ffmpeg import find
from easyphoto_video.video.read import open_video
from easyphoto_video.watch import unwatched

USER = "demo"
QUICK = ("--user-id", USER, "--steps", "1", "--cfg", "1", "--seed", "5", "--json")
RATES = ("8", "12", "23.976", "25", "29.97", "30", "60")
MORE = 1.1
"""How much more memory the longest run may take than the shortest."""
SPANS_DONE = 2
"""When this many lie on disk, the third is being made."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table and returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.films",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("rates", "outside", "memory", "killed"))
    parser.add_argument("film", type=Path)
    parser.add_argument("--rates", nargs="+", default=RATES)
    parser.add_argument("--frames", type=int, nargs="+")
    options = parser.parse_args(arguments)
    film = options.film.resolve()
    checks: dict[str, Callable[[Path], bool]] = {
        "rates": lambda scratch: rates(film, options.rates, scratch),
        "outside": lambda scratch: outside(film, (options.frames or [48])[0], scratch),
        "memory": lambda scratch: memory(film, options.frames or [256, 2048], scratch),
        "killed": lambda scratch: killed(film, (options.frames or [200])[0], scratch),
    }
    with tempfile.TemporaryDirectory() as scratch:
        return 0 if checks[options.what](Path(scratch)) else 1


def rates(film: Path, asked: Sequence[str], scratch: Path) -> bool:
    """Whether sound and duration hold at every rate."""
    good, packets = True, sound_packets(film)
    seconds, _ = _lasts(film)
    print(f"{'asked fps':>10}{'frames':>8}{'seconds':>9}{'off by frames':>15}{'sound':>10}")
    for rate in asked:
        made = Path(_made(film, scratch, "--fps", rate)["path"])
        length, fps = _lasts(made)
        off = abs(length - seconds) * fps
        same = sound_packets(made) == packets
        good = good and same and off <= 1
        told = "same" if same else "OTHER"
        print(
            f"{rate:>10}{open_video(made).count:>8}{length:>9.3f}{off:>15.2f}{told:>10}", flush=True
        )
    return good


def _lasts(film: Path) -> tuple[float, float]:
    """Seconds and frames in a second of a film."""
    video = open_video(film)
    assert video.fps is not None
    return float(video.count / video.fps), float(video.fps)


def sound_packets(film: Path) -> list[str]:
    """The checksums of the first sound's packets; none without sound."""
    command = [find(), "-v", "error", "-i", film, "-map", "0:a:0?", "-c", "copy"]
    told = subprocess.run(
        [*map(str, command), "-f", "framemd5", "-"], check=True, capture_output=True, text=True
    ).stdout
    return re.findall(r"[0-9a-f]{32}$", told, re.MULTILINE)


def outside(film: Path, count: int, scratch: Path) -> bool:
    """Whether every pixel outside of the blend masks is the film's own, before encoding."""
    host = StandaloneHost(scratch, "cpu", "fp32")
    asked = Video2Video(video=str(film), frames=count, user_id=USER, steps=1, cfg=1.0, seed=5)
    job = host.settle(asked)
    assert isinstance(job, Video2Video)
    tools = tools_of(host, unwatched)
    cast = tools.cast(job)
    assert cast is not None
    with tools.open(job, unwatched) as making:
        source = source_film(job)
        redrawn, found, _ = with_faces(source, job, cast, making)
        place = Place.of(found[0].track, job)
        shares = [_differing(*trio) for trio in _trios(source.frames(), redrawn.frames(), place)]
    inside, beyond = np.array(shares).T
    print(f"{len(shares)} frames; pixels that differ inside of the mask {inside.mean():.1%}, ")
    print(f"outside of it {int(beyond.sum())}")
    return bool(inside.min() > 0 and not beyond.any())


def _trios(
    before: Iterator[Frames], after: Iterator[Frames], place: Place
) -> Iterator[tuple[Frames, Frames, np.ndarray]]:
    """Old frame, new frame and where the mask reaches, of frames with the face."""
    present = place.track.present
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        if present[number]:
            (mask,) = place.masks(number, number + 1)
            yield old, new, spread(mask, place.path[number], old.shape[1::-1]) > 0
        else:
            yield old, new, np.zeros(old.shape[:2], bool)


def _differing(old: Frames, new: Frames, reach: np.ndarray) -> tuple[float, int]:
    """The share of pixels that differ within reach, and their number beyond."""
    differs = (old != new).any(axis=2)
    return float(differs[reach].mean()) if reach.any() else 1.0, int(differs[~reach].sum())


def memory(film: Path, counts: Sequence[int], scratch: Path) -> bool:
    """Whether a long stretch takes no more memory than a short one."""
    whole = open_video(film)
    looped = _looped(film, -(-max(counts) // whole.count), scratch)
    peaks = []
    for count in counts:
        made = _made(looped, scratch, "--frames", str(count))
        peaks.append(made["peak_rss_mb"])
        print(f"{open_video(Path(made['path'])).count} frames: at most {peaks[-1]} MB", flush=True)
    return peaks[-1] <= MORE * peaks[0]


def killed(film: Path, count: int, scratch: Path) -> bool:
    """Whether a run that was killed and went on gives the same frames."""
    looped = _looped(film, -(-count // open_video(film).count), scratch)
    words = ("--frames", str(count))
    undisturbed = Path(_made(looped, scratch, *words)["path"])
    process = subprocess.Popen(
        _command(looped, scratch, *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while len(_spans(scratch)) < SPANS_DONE and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    print(f"killed with {len(_spans(scratch))} spans on disk: {', '.join(_spans(scratch))}")
    resumed = Path(_made(looped, scratch, *words, "--resume")["path"])
    pairs = zip(open_video(undisturbed).frames(), open_video(resumed).frames(), strict=True)
    same = [bool((a == b).all()) for a, b in pairs]
    print(
        f"{sum(same)} of {len(same)} frames the same; left on disk: {_spans(scratch) or 'nothing'}"
    )
    return all(same) and len(same) == count and not _spans(scratch)


def _spans(scratch: Path) -> list[str]:
    """The spans of the face pass that are done, by file name."""
    done = scratch.rglob("face0-[0-9]*.zip")
    return sorted(file.name for file in done)


def _looped(film: Path, times: int, scratch: Path) -> Path:
    """The film over and over, without sound."""
    target = scratch / f"looped{film.suffix}"
    loop = ["-stream_loop", str(times - 1), "-i", str(film), "-map", "0:v:0", "-c", "copy"]
    subprocess.run([find(), "-v", "error", "-y", *loop, str(target)], check=True)
    return target


def _command(film: Path, scratch: Path, *words: str) -> list[str]:
    own = ["video2video", "--video", str(film), "--data-dir", str(scratch), *QUICK, *words]
    return [sys.executable, "-m", "easyphoto_video", *own]


def _made(film: Path, scratch: Path, *words: str) -> dict[str, Any]:
    """The result of a whole run of the program."""
    done = subprocess.run(
        _command(film, scratch, *words), check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
