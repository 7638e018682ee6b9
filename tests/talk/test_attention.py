"""Reference and voice enter any UNet by hooks, tell who is told alone, and leave it as it was."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from easyphoto_video.errors import BadRequest
from easyphoto_video.talk.attention import blocks, recorded, referring, voiced
from easyphoto_video.talk.call import Telling
from easyphoto_video.talk.locator import located
from tests.motion.small import Host, clip, near
from tests.motion.test_attach import state

pytestmark = pytest.mark.slow(reason="checks networks that rarely change against official code")

FRAMES = (0, 1)


def bank_of(host: Host, seed: int = 5) -> dict[str, Tensor]:
    with recorded(host.unet) as bank:
        host(clip(1, seed, side=16))
    return bank


def test_sixteen_blocks_have_the_official_names(host: Host) -> None:
    names = list(blocks(host.unet))
    assert len(names) == 16
    assert "mid_block.attentions.0.transformer_blocks.0" in names
    assert "up_blocks.3.attentions.2.transformer_blocks.0" in names
    assert not any(name.startswith("down_blocks.3") for name in names)


def test_recording_changes_nothing_and_leaves_nothing(host: Host) -> None:
    x, before = clip(1), state(host.unet)
    plain = host(x)
    with recorded(host.unet) as bank:
        assert torch.equal(host(x), plain)
    assert state(host.unet) == before
    assert bank.keys() == blocks(host.unet).keys()
    assert bank["down_blocks.1.attentions.0.transformer_blocks.0"].shape == (1, 16, 32)


def test_only_those_who_are_told_see_the_reference(host: Host) -> None:
    x, telling, bank = clip(4, side=16), Telling(), bank_of(host)
    plain = host(x)
    with referring(host.unet, bank, telling):
        assert torch.equal(host(x), plain)  # not our call
        with telling.of(FRAMES, (False, False)):
            assert torch.equal(host(x), plain)
        with telling.of(FRAMES, (False, True)):
            mixed = host(x)
        with telling.of(FRAMES, (True,)):
            told = host(x[2:])
    assert near(mixed[:2], plain[:2])
    assert near(mixed[2:], told)
    assert not near(told, plain[2:], 1e-3)


def test_the_own_picture_as_reference_changes_nothing(host: Host) -> None:
    """Keys that come twice are the same as once."""
    x, telling = clip(1, side=16), Telling()
    with recorded(host.unet) as bank:
        plain = host(x)
    with referring(host.unet, bank, telling), telling.of((0,)):
        assert near(host(x), plain)


def test_the_voice_counts_as_often_as_it_is_told(host: Host) -> None:
    x, telling = clip(2), Telling()
    plain = host(x)
    with voiced(host.unet, telling, 3.0):
        assert torch.equal(host(x), plain)
        with telling.of(FRAMES):
            louder = host(x)
    with voiced(host.unet, telling, 1.0), telling.of(FRAMES):
        assert torch.equal(host(x), plain)
    assert not near(louder, plain, 1e-3)


def test_the_face_is_added_for_its_own_frames(host: Host) -> None:
    x, telling = clip(4, side=16), Telling()
    feature = torch.randn(5, 32, 16, 16)
    plain, unlocated = host(x), host(x[:2])
    with located(host.unet, feature, telling):
        assert torch.equal(host(x), plain)
        with telling.of((3, 1), (False, True)):
            both = host(x)
    assert near(both[:2], plain[:2])
    with located(host.unet, feature[[3, 1]], telling), telling.of(FRAMES):
        assert near(both[2:], host(x[2:]))
    with located(host.unet, torch.zeros(1, 32, 16, 16), telling), telling.of(FRAMES):
        assert torch.equal(host(x[:2]), unlocated)


def test_everything_goes_when_something_goes_wrong(host: Host) -> None:
    before, telling, bank = state(host.unet), Telling(), bank_of(host)
    with (
        pytest.raises(ZeroDivisionError),
        referring(host.unet, bank, telling),
        voiced(host.unet, telling),
        located(host.unet, torch.zeros(1, 32, 16, 16), telling),
        telling.of(FRAMES),
    ):
        host(clip(2, side=16))
        raise ZeroDivisionError
    assert state(host.unet) == before
    assert telling.call is None


def test_what_does_not_fit_is_refused_before_anything_is_touched(host: Host) -> None:
    before, telling = state(host.unet), Telling()
    bank = bank_of(host)
    bank.popitem()
    with pytest.raises(BadRequest, match="does not fit"), referring(host.unet, bank, telling):
        pass
    assert state(host.unet) == before
    with (
        pytest.raises(BadRequest, match="3 rows"),
        referring(host.unet, bank_of(host), telling),
        telling.of(FRAMES),
    ):
        host(clip(3, side=16))
    assert state(host.unet) == before
