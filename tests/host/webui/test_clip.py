"""Clips through the small WebUI: whatever the prompt and the host's options, frames stay frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot, render
from easyphoto_video.errors import BadFile, BadRequest, Missing
from easyphoto_video.identity import BEST, PEOPLE, lora_of
from easyphoto_video.modes.text2video import Text2Video
from tests.host.fake import add_person
from tests.host.standalone.small import SIZES, save, write_library
from tests.host.webui import standin
from tools.tiny_checkpoint import write_lora
from tools.variants import movement

CAT = "a photo of a cat"
NEAR = 0.05
WIDE: dict[str, Any] = {"width": 128, "height": 128}
"""With less, the deepest norms see one pixel, and what is summed in another order drifts apart."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    data_dir = write_library(tmp_path_factory.mktemp("webui"))
    add_person(data_dir, "film")
    write_lora(data_dir / PEOPLE / "film" / BEST / "film.safetensors", SIZES)
    with standin.installed(data_dir):
        from easyphoto_video.host.webui.host import WebuiHost

        yield WebuiHost()


def asked(**changes: Any) -> Text2Video:
    usual: dict[str, Any] = {
        "prompt": CAT,
        "negative": "blurry",
        "checkpoint": "tiny",
        "motion": "mm_v2",
        "seed": 3,
        "width": 64,
        "height": 64,
        "frames": 5,
        "steps": 3,
        "cfg": 4,
        "sampler": "Euler a",
    }
    return Text2Video(**{**usual, **changes})


def clip(host: Any, options: dict[str, Any] | None = None, **changes: Any) -> Frames:
    from easyphoto_video.host.webui import common

    with common.options(**(options or {})):
        settled = host.settle(asked(**changes))
        with host.turn("test"):
            return render(host.engine, Shot.of(settled))


@pytest.fixture(scope="module")
def wide(host: Any) -> Frames:
    """The usual clip in the size of WIDE."""
    return clip(host, **WIDE)


def near(one: Frames, other: Frames) -> bool:
    return bool(np.abs(one.astype(int) - other).max() <= 2)


@pytest.mark.parametrize(
    ("options", "prompt"),
    [
        ({"batch_cond_uncond": False}, CAT),
        ({}, f"{CAT} :0.5 AND {CAT} :0.5"),
        ({"batch_cond_uncond": False}, f"{CAT} :0.5 AND {CAT} :0.5"),
        ({}, f"0: {CAT}\n4: {CAT}"),
    ],
)
def test_however_it_is_cut_it_is_the_same_clip(
    host: Any, wide: Frames, options: dict[str, Any], prompt: str
) -> None:
    assert near(clip(host, options, prompt=prompt, **WIDE), wide)


def test_fewer_calls_where_the_host_leaves_out_the_negative(host: Any) -> None:
    usual = movement(clip(host))
    assert abs(movement(clip(host, {"s_min_uncond": 1.0})) / usual - 1) < NEAR


def test_a_prompt_of_several_chunks_beside_a_short_negative(host: Any) -> None:
    long = " ".join(f"word{i}" for i in range(160))
    both = (
        clip(host, options, prompt=long, **WIDE) for options in ({}, {"batch_cond_uncond": False})
    )
    assert near(*both)
    travel = f"0: {CAT}\n4: {long}"
    assert clip(host, prompt=travel, negative=travel).shape == (5, 64, 64, 3)


def test_motion_moves_and_none_leaves_frames_alone(host: Any) -> None:
    alone, first = clip(host, motion="none"), clip(host, motion="none", frames=1)
    assert near(alone[:1], first)
    assert not near(clip(host)[:1], first)


def test_new_motion_changes_nothing_but_the_betas(host: Any) -> None:
    plain = clip(host, checkpoint="plain", motion="none")
    assert not near(clip(host, checkpoint="plain", motion="mm_v2"), plain)


def test_between_keys_frames_blend(host: Any) -> None:
    travel = clip(host, prompt=f"0: {CAT}\n4: a dog", motion="none")
    cat, dog = clip(host, motion="none"), clip(host, prompt="a dog", motion="none")
    assert near(travel[:1], cat[:1])
    assert near(travel[4:], dog[4:])
    assert not near(travel[2:3], cat[2:3])
    assert not near(travel[2:3], dog[2:3])


def test_prompt_editing_goes_on_between_keys(host: Any) -> None:
    edited = clip(host, prompt="0: a [cat:dog:0]\n4: a [cat:dog:0]")
    assert near(edited, clip(host, prompt="a [cat:dog:0]"))
    assert not near(edited, clip(host, prompt="a cat"))


def test_a_lora_of_any_key_counts_once(host: Any) -> None:
    plain = clip(host)
    tagged = clip(host, prompt=f"0: {CAT}\n4: {CAT} <lora:film:1>")
    assert near(tagged, clip(host, loras=("film:1",)))
    assert near(tagged, clip(host, user_id="film", scene_weight=1))
    assert not near(tagged, plain)
    assert np.array_equal(clip(host), plain)


def test_a_persons_lora_is_lent_to_the_host(host: Any) -> None:
    from modules.extra_networks import networks  # type: ignore[import-not-found]

    tables = (networks.available_networks, networks.available_network_aliases)
    tables = (*tables, networks.available_network_hash_lookup)
    before = [list(table.items()) for table in tables]
    drawn = clip(host, user_id="film", scene_weight=0.5)
    assert near(drawn, clip(host, loras=("film:0.5",)))
    assert near(drawn, clip(host, prompt=f"{CAT} <lora:{lora_of('film')}:0.5>"))
    assert [list(table.items()) for table in tables] == before
    assert lora_of("film") not in networks.networks_in_memory
    with pytest.raises(Missing, match="User id 'nobody'"):
        host.settle(asked(prompt=f"<lora:{lora_of('nobody')}:1>"))


def test_a_person_of_another_base_model_is_refused(host: Any) -> None:
    add_person(host.data_dir, "grand")
    sdxl = {"lora_unet_x_attn2_to_k.lora_down.weight": torch.zeros(4, 2048)}
    save(host.data_dir / PEOPLE / "grand" / BEST / "grand.safetensors", sdxl)
    words = r"User id: 'grand' was trained on SDXL, and the checkpoint tiny.* Choose a checkpoint"
    with pytest.raises(BadRequest, match=words):
        host.settle(asked(user_id="grand"))
    without = host.settle(asked(user_id="grand", user_weight=0))
    assert without.user_id == "grand"


def test_a_vae_and_a_checkpoint_are_used_and_given_back(host: Any) -> None:
    from modules import shared

    before = shared.sd_model.sd_checkpoint_info.filename
    usual = clip(host)
    assert not near(clip(host, vae="warm"), usual)
    assert not near(clip(host, checkpoint="sub/other"), usual)
    assert shared.sd_model.sd_checkpoint_info.filename == before
    assert np.array_equal(clip(host), usual)


def test_a_session_borrows_a_checkpoint_once(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from modules import sd_models, shared

    loads: list[str] = []
    load = sd_models.load_file

    def loaded(file: str) -> Any:
        loads.append(Path(file).stem)
        return load(file)

    monkeypatch.setattr(sd_models, "load_file", loaded)
    before = shared.sd_model.sd_checkpoint_info
    monkeypatch.setitem(shared.opts.data, "sd_model_checkpoint", before.title)
    other, usual = (Shot.of(host.settle(asked(checkpoint=name))) for name in ("sub/other", "tiny"))
    options = dict(shared.opts.data)
    with host.turn("test"), host.engine.open() as session:
        first = session.render(other)
        assert np.array_equal(session.render(other), first)
        session.render(replace(other, steps=2))
        assert loads == ["other"]
        session.render(usual)
        session.render(other)
        # Somebody chooses another in the page; the host will load it when our turn is over.
        shared.opts.data["sd_model_checkpoint"] = "plain.safetensors"
        assert np.array_equal(session.render(other), first)
    assert shared.sd_model.sd_checkpoint_info is before
    assert shared.opts.data == {**options, "sd_model_checkpoint": "plain.safetensors"}


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"sampler": "Foo Karras"}, BadRequest, "Sampler: 'Foo Karras' is not known"),
        ({"checkpoint": "nowhere"}, Missing, "Checkpoint 'nowhere' is missing"),
        ({"checkpoint": "../../etc/passwd"}, Missing, "is missing"),
        ({"vae": "nowhere"}, Missing, "VAE 'nowhere' is missing"),
        ({"loras": ("nowhere:1",)}, Missing, "LoRA 'nowhere' is missing"),
        ({"prompt": "<lora:nowhere:1>"}, Missing, "LoRA 'nowhere' is missing"),
        ({"negative": "<lora:film:1>"}, BadRequest, "Name it in the prompt"),
        ({"motion": "nowhere"}, Missing, "Motion module 'nowhere' is missing"),
        ({"clip_skip": 9}, BadRequest, "Clip skip: 9 is more than"),
        ({"prompt": "0: a AND b\n4: c"}, BadRequest, "parts joined by AND"),
        ({"user_id": "nobody"}, Missing, "User id 'nobody'"),
        ({"context": 33, "frames": 40}, BadRequest, "Context length: 33"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    host: Any, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        host.settle(asked(**changes))


def test_another_unet_is_refused(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from modules import sd_unet, shared

    monkeypatch.setattr(sd_unet, "unet_options", [SimpleNamespace(label="[TRT] tiny")])
    monkeypatch.setitem(shared.opts.data, "sd_unet", "[TRT] tiny")
    with pytest.raises(BadRequest, match=r"SD Unet: '\[TRT\] tiny' replaces"):
        host.settle(asked())


@pytest.mark.parametrize("flag", ["is_sdxl", "is_sd2"])
def test_other_families_are_refused(host: Any, flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from modules import shared

    monkeypatch.setattr(type(shared.sd_model), flag, True)
    loaded = shared.sd_model.sd_checkpoint_info.name
    with pytest.raises(BadRequest, match="which cannot be used yet"):
        host.settle(asked(checkpoint=loaded))


def test_another_familys_file_is_known_by_its_keys(host: Any, tmp_path: Path) -> None:
    from modules import sd_models

    from easyphoto_video.tensors import load_state_dict
    from tests.host.standalone.small import save

    tiny = next(i for i in sd_models.checkpoints_list.values() if i.name == "tiny.safetensors")
    tensors = load_state_dict(tiny.filename)
    tensors["conditioner.embedders.0.x"] = tensors.popitem()[1]
    path = save(Path(tiny.filename).with_name("xl.safetensors"), tensors)
    try:
        assert "xl.safetensors" in host.choices("checkpoint")
        with pytest.raises(BadFile, match="this is an SDXL checkpoint"):
            host.settle(asked(checkpoint="xl"))
    finally:
        path.unlink()
        sd_models.list_models()


def test_settling_twice_changes_nothing(host: Any) -> None:
    once = host.settle(asked(seed=-1, width=0, cfg=0, checkpoint="auto", user_id="film"))
    assert once.width == 64
    assert once.cfg == 7
    assert host.settle(once) == once


def test_what_can_be_chosen_can_be_settled(host: Any) -> None:
    for field in ("checkpoint", "vae", "motion", "sampler"):
        assert len(host.choices(field)) >= 2
    assert host.choices("loras") == ["film", "strong"]
    assert host.choices("prompt") == []
    for vae in host.choices("vae"):
        host.settle(asked(vae=vae))
    for checkpoint in host.choices("checkpoint"):
        host.settle(asked(checkpoint=checkpoint, motion="auto"))


def test_the_queue_shows_what_runs_and_takes_the_hosts_button(host: Any) -> None:
    from modules import shared

    with host.turn("abc"):
        assert shared.state.job == "task(easyphoto-abc)"
        assert not host.is_stopped()
        shared.state.interrupt()
        assert host.is_stopped()
    assert (shared.state.job, shared.state.interrupted) == ("", False)
