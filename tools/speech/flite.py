"""flite's voices, some of which model real people (a tool of the recipe alone)."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from easyphoto_video.errors import Missing
from tools.speech.espeak import Sound
from tools.speech.mouth import ARPABET

INSTALL = "Install flite 2.2 or newer (Debian: `apt install flite`)."


def say(text: str, voice: str, stretch: float) -> tuple[NDArray[np.int16], list[Sound], int]:
    """Samples (n,) of an English text, its phonemes in IPA, and samples a second.

    Raises Missing where the program is not installed.
    """
    program = shutil.which("flite")
    if program is None:
        raise Missing("flite", INSTALL)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        told = subprocess.run(
            [program, "-voice", voice, "-psdur", "--setf", f"duration_stretch={stretch:.2f}",
             "-t", text, "-o", str(path)],
            capture_output=True, check=True, text=True,
        ).stdout.split()  # fmt: skip
        with wave.open(str(path)) as file:
            rate = file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    pairs = [item.split(":") for item in told]
    starts = [0.0, *(float(end) for _, end in pairs[:-1])]
    names = ("" if name == "pau" else ARPABET.get(name, name) for name, _ in pairs)
    return samples, [(int(s * rate), n) for s, n in zip(starts, names, strict=True)], rate
