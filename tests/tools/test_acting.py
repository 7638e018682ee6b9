"""Who says something opens the mouth by what is said, and shuts it in every p."""

from __future__ import annotations

import numpy as np
import pytest

from tools.speech.acting import FPS, LEAST, acted, blinks, mouths
from tools.speech.mouth import Mouth, mouth, segments
from tools.world import YAW_LIMIT, random_person

pytestmark = pytest.mark.slow(reason="recipes of the small networks, which rarely change")

SOUNDS = [(0.0, "")] + [(0.5 + 0.13 * i, name) for i, name in enumerate("bapamuwiba")] + [(1.8, "")]


def said(count: int = 125) -> Mouth:
    return mouth(segments(SOUNDS, count / 50), count)


def test_every_closure_is_seen_however_frames_fall() -> None:
    for start in range(6):
        true = said()
        late = Mouth(true.opening[start:], true.width[start:], true.closed[start:],
                     true.shape[start:])  # fmt: skip
        opening, _ = mouths(late, len(late.opening) // 2)
        edges = np.diff(np.concatenate([[0], late.closed]))
        for first in np.flatnonzero(edges > 0):
            assert opening[first // 2] == 0


def test_the_mouth_follows_and_rests() -> None:
    true = said()
    opening, width = mouths(true, 62)
    assert not opening[:10].any()
    assert not opening[55:].any()
    spoken = opening > 0
    assert opening[spoken].min() >= LEAST
    halves = true.opening[:124].reshape(-1, 2).mean(1)
    assert np.corrcoef(opening, halves)[0, 1] > 0.95
    assert width.min() < -0.6


def test_frames_of_a_person() -> None:
    rng = np.random.default_rng(0)
    person = random_person(rng)
    acts = acted(rng, person, said())
    assert len(acts) == 125 * FPS // 50
    assert max(abs(act.pose.yaw) for act in acts) < YAW_LIMIT
    widths = {act.person.mouth_width for act in acts}
    assert min(widths) < person.mouth_width < max(widths) * 1.01
    assert len({act.person.hair for act in acts}) == 1


def test_lids_shut_now_and_then() -> None:
    shut = blinks(np.random.default_rng(1), 40 * FPS)
    assert 8 <= int((np.diff((shut > 0.99).astype(int)) > 0).sum()) <= 40
    assert (shut < 0.01).mean() > 0.7
