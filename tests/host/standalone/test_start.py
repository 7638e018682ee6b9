"""Beginning from pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Start, render
from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.engine import StandaloneEngine
from tests.host.standalone.small import shot


@pytest.fixture(scope="session")
def pictures() -> Frames:
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)
    frame = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], np.uint8(90)), axis=-1)
    return np.stack([frame, frame[::-1], frame[:, ::-1]])


@pytest.fixture(scope="session")
def kept(engine: StandaloneEngine, pictures: Frames) -> Frames:
    """The pictures through the VAE and back."""
    return render(engine, shot(Start(frames=pictures, strength=0)))


@pytest.mark.parametrize("sampler", ["DDIM", "DPM++ 2M Karras", "Euler a", "LCM"])
def test_more_strength_is_further_away(
    engine: StandaloneEngine, pictures: Frames, kept: Frames, sampler: str
) -> None:
    def away(strength: float) -> float:
        start = Start(frames=pictures, strength=strength)
        clip = render(engine, shot(start, sampler=sampler, steps=8))
        return float(np.abs(clip.astype(float) - kept).mean())

    assert 0 < away(0.25) < away(0.75)


def test_at_full_strength_the_pictures_do_not_matter(
    engine: StandaloneEngine, pictures: Frames
) -> None:
    full = render(engine, shot(Start(frames=pictures, strength=1)))
    assert np.array_equal(full, render(engine, shot()))


@pytest.mark.parametrize("sampler", ["DDIM", "DPM++ 2M Karras", "Euler a", "LCM"])
def test_a_mask_of_nothing_keeps_all(
    engine: StandaloneEngine, pictures: Frames, kept: Frames, sampler: str
) -> None:
    nothing = np.zeros((3, 64, 64), np.float32)
    start = Start(frames=pictures, strength=0.7, mask=nothing)
    assert np.array_equal(render(engine, shot(start, sampler=sampler)), kept)


def test_a_mask_of_everything_is_no_mask(engine: StandaloneEngine, pictures: Frames) -> None:
    everything = np.ones((3, 64, 64), np.float32)
    masked = render(engine, shot(Start(frames=pictures, strength=0.7, mask=everything)))
    assert np.array_equal(masked, render(engine, shot(Start(frames=pictures, strength=0.7))))


def test_a_mask_of_one_frame_keeps_the_others(
    engine: StandaloneEngine, pictures: Frames, kept: Frames
) -> None:
    mask = np.zeros((3, 64, 64), np.float32)
    mask[1] = 1
    clip = render(engine, shot(Start(frames=pictures, strength=0.7, mask=mask), motion="mm_v2"))
    assert np.array_equal(clip[[0, 2]], kept[[0, 2]])
    assert np.abs(clip[1].astype(float) - kept[1]).mean() > 1


def test_pictures_of_another_size_are_refused(engine: StandaloneEngine, pictures: Frames) -> None:
    with pytest.raises(BadRequest, match="3 frames of 72x64 px"):
        render(engine, shot(Start(frames=pictures, strength=0.5), width=72))


@pytest.mark.parametrize(
    ("changes", "touched"),
    [
        ({"motion": "none"}, [False, False, False, True]),
        ({"motion": "mm_v2"}, [True, True, True, True]),
        (
            {"motion": "mm_v2", "context": 2, "overlap": 0, "windows": "standard_static"},
            [False, False, True, True],
        ),
    ],
    ids=str,
)
def test_only_motion_ties_frames_together_and_only_within_a_window(
    engine: StandaloneEngine, changes: dict[str, Any], touched: list[bool]
) -> None:
    """What each frame becomes when the picture of the last is another."""
    black = np.zeros((4, 64, 64, 3), np.uint8)
    white = black.copy()
    white[3] = 255
    first, second = (
        render(engine, shot(Start(frames=frames, strength=0.7), frames=4, **changes))
        for frames in (black, white)
    )
    assert [not np.array_equal(a, b) for a, b in zip(first, second, strict=True)] == touched
