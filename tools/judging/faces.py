"""Whether the face models know the portraits for faces, and a person for herself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from easyphoto_video.clip import Frames
from easyphoto_video.faces.face import Detector, Floats
from easyphoto_video.faces.insight import PackRecogniser
from tools.judging.line import Line
from tools.likeness import PACK, embedding_of
from tools.photos import photos
from tools.world import Person, person_tags, place_tags, random_person

FOUND_BAR = 99.0
UNSEEN = (9_500_001, 9_500_002, 9_500_003)
"""Persons whom neither the model nor the recogniser has learnt."""
PHOTOS = 12
PERSON_BAR = 0.7
SEEDS = (11, 12)
DOES = ("blinking", "turning head")


def found_line(clips: Iterable[Frames], detector: Detector) -> Line:
    """In how many of all frames a face is found, each looked at by itself."""
    found = [bool(detector.detect(frame)) for frames in clips for frame in frames]
    return Line(
        name="face found",
        value=100 * float(np.mean(found)),
        unit="%",
        low=FOUND_BAR,
        note=f"{len(found)} sampled frames",
    )


def person_lines(detector: Detector, persons: Sequence[int] = UNSEEN) -> list[Line]:
    """A LoRA of 12 photos: how like the person her clips are, over how like her own photos are.

    Trained and drawn by the program itself, as a user would: hair, eyes and skin by the prompt, the
    face by the user id.
    """
    recogniser = PackRecogniser(PACK)
    found = []
    for seed in persons:
        person = random_person(np.random.default_rng(seed))
        own = photos(person, seed, PHOTOS)
        known = _known(own, detector, recogniser)
        cosines = known @ known.T
        among = float(cosines[~np.eye(len(known), dtype=bool)].mean())
        reached = float(np.mean(_reached(person, own)))
        found.append((reached, among))
    ratios = [reached / among for reached, among in found]
    note = ", ".join(f"{reached:.2f} / {among:.2f}" for reached, among in found)
    return [
        Line(
            name="likeness to an unseen person",
            value=float(np.mean(ratios)),
            unit="x photos'",
            low=PERSON_BAR,
            note=f"{len(found)} persons, 12 photos each; clip / among photos: {note}",
        )
    ]


def _known(own: Sequence[Frames], detector: Detector, recogniser: PackRecogniser) -> Floats:
    seen = [embedding_of(picture, detector, recogniser) for picture in own]
    return np.stack([embedding for embedding in seen if embedding is not None])


def _reached(person: Person, own: Sequence[Frames]) -> list[float]:
    """The likeness that the program reports for clips of a person trained on these photos."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "photos").mkdir()
        for number, picture in enumerate(own):
            Image.fromarray(picture).save(folder / "photos" / f"{number:02}.png")
        data = ["--data-dir", str(folder / "data")]
        _run("train", "--user-id", "unseen", "--photos", str(folder / "photos"), *data)
        words = ", ".join(("1girl", *person_tags(person), *DOES, *place_tags(person)))
        asked = ["--user-id", "unseen", "--prompt", words, "--json", *data]
        told = [_run("text2video", *asked, "--seed", str(seed)) for seed in SEEDS]
    return [_likeness(json.loads(text.splitlines()[-1])) for text in told]


def _likeness(result: dict[str, Any]) -> float:
    return float(result["scores"]["identity"]["mean"])


def _run(*words: str) -> str:
    command = [sys.executable, "-m", "easyphoto_video", *words]
    # As the launcher sets it: threads that wait in a loop cost many times the work beside others.
    quiet = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=quiet)
    return done.stdout
