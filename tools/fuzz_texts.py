"""Schedules and prompts over frames, put together from what they are made of, and worse."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np

from easyphoto_video.curve import parse_curve
from easyphoto_video.request import Text2Video
from easyphoto_video.schedule import check_text, parse_text
from tests.printing import print_text

CURVES = (
    "7",
    "0:(0.75)",
    "0:(0), 8:(0.8)",
    "0:(0.4), 16:(0.4+0.2*sin(2*pi*t/max_f)), 48:(0.4)",
    '0:(s%2), "max_f/2":(1), "max_f-1":(0)',
    "cubic: 0:(0.2), 5:(0.9), 12:(0.5), 15:(0.2)",
    "0:(where(t<5, 1, arctan2(t, max_f)**0.5)), 3:(-1e-3)",
)
PROMPTS = (
    "a cat",
    "a cat\n0: sits\n8: runs\n--neg dog",
    "head\n0: a\n16: (b:1.2) <lora:film:0.5>\ntail",
    '{"0": "a", "max_f/2": "b [c:d:0.5]", "max_f": "e --neg f"}',
    '"0": "a", "8": "b"',
)
WORDS = "0 1 8 15 16 99 -1 0.5 .5 1. 1e9 1e999 9**9 t s e pi max_f sin( abs( where( min( ** << >> "
WORDS += "( ) (( )) [ ] { } : , ; \" ' \\ / // % ^ & | ! != <= == + - * @ # $ _ __class__ lambda "
WORDS += (
    "import and or not if else cubic: step: linear: --neg <lora:a:1> BREAK AND max_f/0 0x10 1_0 "
)

WORDS += "\u0663 \u00b2 \u2028 \x85 \0 \ud800 \ufeff \u202e \U0001f600 nan inf True None"
PIECES = (*WORDS.split(" "), "\n", "\r\n", "\t", " ", "\x0b")


def case(rng: random.Random, samples: Path, folder: Path) -> None:
    """See tools/fuzz_case.py: a text, and somebody who reads it."""
    text = _text(rng)
    frames = rng.choice((1, 2, 16, 33, 4096))
    use = rng.randrange(4)
    if use == 0:
        found = parse_curve(text).values(range(min(frames, 64)), frames, rng.randrange(2**32))
        assert np.isfinite(found).all()
    elif use == 1:
        schedule = parse_text(text, frames)
        assert all(frame < frames for frame, _ in schedule.keys) or schedule.is_constant
        printed = print_text(schedule) if "--neg" not in text else text
        assert parse_text(printed, frames) == schedule
    elif use == 2:
        check_text(text)
        Text2Video(prompt=text, negative=text, frames=frames)
    else:
        request = Text2Video(frames=frames, cfg_schedule=text)
        values = request.over_frames("cfg_schedule", range(min(frames, 64)))
        assert all(1 <= value <= 30 for value in values)


def _text(rng: random.Random) -> str:
    kind = rng.randrange(6)
    if kind == 0:
        return "".join(rng.choice(PIECES) for _ in range(rng.choice((0, 1, 3, 10, 40, 400))))
    if kind == 1:
        piece = rng.choice(PIECES) + rng.choice(PIECES)
        return piece * rng.choice((10, 1000, 20_000))
    if kind == 2:
        keys = {str(rng.randrange(-2, 20)): rng.choice(PIECES) for _ in range(rng.randrange(9))}
        return json.dumps(keys, ensure_ascii=rng.random() < 0.5)
    text = rng.choice(CURVES + PROMPTS)
    for _ in range(rng.choice((0, 1, 2, 5, 20))):
        place, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        way = rng.randrange(4)
        if way == 0:
            text = text[:place] + rng.choice(PIECES) + text[place:]
        elif way == 1:
            text = text[:place] + text[min(end, place + 5) :]
        elif way == 2:
            text = text[:end] + text[place:][:5000]
        else:
            text = text[:place] + chr(rng.randrange(1, 0x3000)) + text[place + 1 :]
    return text
