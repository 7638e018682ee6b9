"""What other extensions and other people do in the same WebUI, before a clip and while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot, render
from easyphoto_video.errors import BadRequest, EasyPhotoError, Missing
from easyphoto_video.identity import BEST, PEOPLE
from easyphoto_video.modes.text2video import Text2Video
from tests.host.fake import add_person
from tests.host.standalone.small import SIZES, write_library
from tests.host.webui import standin
from tests.machine import limit
from tools.faults import Place, planted
from tools.tiny_checkpoint import write_lora

RUNS = "modules.processing:process_images"
LOOKS_UP = "modules.extra_networks:activate"
Meddle = Callable[[], None]


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
        "prompt": "a photo of a cat",
        "checkpoint": "auto",
        "motion": "mm_v2",
        "seed": 3,
        "width": 64,
        "height": 64,
        "frames": 3,
        "steps": 2,
        "cfg": 4,
        "sampler": "Euler a",
    }
    return Text2Video(**{**usual, **changes})


def clip(host: Any, **changes: Any) -> Frames:
    shot = Shot.of(host.settle(asked(**changes)))
    with host.turn("test"):
        return render(host.engine, shot)


def clip_while(host: Any, target: str, does: Meddle, **changes: Any) -> Frames:
    """A clip, and something that happens when it first comes to a place."""
    with planted(Place("meddling", target, does=does)) as fired:
        drawn = clip(host, **changes)
    assert fired
    return drawn


def unet_of(_host: Any) -> Any:
    from modules import shared

    return shared.sd_model.model.diffusion_model


def controlnet(unet: Any) -> tuple[nn.Module, str]:
    """As a failed run of it leaves the UNet."""
    unet._original_forward = forward = unet.forward
    unet.forward = lambda *args, **named: forward(*args, **named) + 1
    return unet, "forward"


def reference_only(unet: Any) -> tuple[nn.Module, str]:
    """As a failed run of it leaves the blocks."""
    block = unet.middle_block
    block.original_forward_cn_hijack = forward = block.forward
    block.forward = lambda *args, **named: forward(*args, **named) * 0
    return block, "forward"


def deep_inside(unet: Any) -> tuple[nn.Module, str]:
    """As IP-Adapter or Hypertile leave attention, which no block is."""
    layer = next(one for name, one in unet.named_modules() if name.endswith("attn2"))
    forward = layer.forward

    def strange(*args: Any, **named: Any) -> Any:
        raise RuntimeError("the size of tensor a must match the size of tensor b")

    layer.forward = strange
    assert forward is not strange
    return layer, "forward"


def whole_model(_unet: Any) -> tuple[nn.Module, str]:
    """As Tiled Diffusion leaves what calls the UNet."""
    from modules import shared

    model: Any = shared.sd_model
    apply = model.apply_model
    model.apply_model = lambda *args, **named: apply(*args, **named) * 2
    return model, "apply_model"


@contextmanager
def left_by(host: Any, leave: Callable[[Any], tuple[nn.Module, str]]) -> Iterator[Any]:
    """The model with something left in it; yields where."""
    module, name = leave(unet_of(host))
    try:
        yield module, name, module.__dict__[name]
    finally:
        module.__dict__.pop(name, None)


@pytest.mark.parametrize("leave", [controlnet, reference_only, deep_inside, whole_model])
def test_what_a_strangers_failed_run_left_is_not_heard_and_stays(host: Any, leave: Any) -> None:
    usual = clip(host)
    with left_by(host, leave) as (module, name, strange):
        assert np.array_equal(clip(host), usual)
        assert module.__dict__[name] is strange
        with pytest.raises(EasyPhotoError), planted(Place("failing", RUNS)):
            clip(host)
        assert module.__dict__[name] is strange
    assert np.array_equal(clip(host), usual)


def test_what_is_the_classs_own_anyway_stays_where_it_is(host: Any) -> None:
    from easyphoto_video.host.webui.strangers import put_away

    unet = unet_of(host)
    unet.forward = forward = unet.forward
    try:
        with put_away(unet):
            assert unet.__dict__["forward"] is forward
    finally:
        del unet.forward


def test_one_that_came_meanwhile_stays(host: Any) -> None:
    from easyphoto_video.host.webui.strangers import put_away

    with left_by(host, controlnet) as (unet, _, _strange), put_away(unet):
        unet.forward = newer = lambda *args: args
    assert unet.__dict__.pop("forward", newer) is newer


def test_hooks_of_strangers_are_heard(host: Any) -> None:
    usual = clip(host)
    hook = unet_of(host).register_forward_hook(lambda _unet, _args, out: out * 0.5)
    try:
        assert not np.array_equal(clip(host), usual)
    finally:
        hook.remove()
    assert np.array_equal(clip(host), usual)


def test_layers_of_strangers_are_refused(host: Any) -> None:
    strange = type("MotionModule", (nn.Identity,), {"__module__": "animatediff.motion_module"})
    block = unet_of(host).middle_block
    block.append(strange())
    try:
        with pytest.raises(BadRequest, match=r"animatediff\.motion_module\.MotionModule"):
            clip(host)
    finally:
        del block[len(block) - 1]


def test_a_persons_lora_holds_while_others_look_for_files(host: Any) -> None:
    person = {"user_id": "film", "scene_weight": 0.5}
    usual, without = clip(host, **person), clip(host)

    def look() -> None:
        host.choices("loras")
        host.choices("checkpoint")
        host.choices("vae")
        host.settle(asked(loras=("film:0.5",), vae="warm"))

    assert np.array_equal(clip_while(host, LOOKS_UP, look, **person), usual)
    assert not np.array_equal(usual, without)


def test_a_persons_lora_comes_back_when_the_hosts_own_list_is_made_anew(host: Any) -> None:
    from modules.extra_networks import networks  # type: ignore[import-not-found]

    person = {"user_id": "film", "scene_weight": 0.5}
    usual = clip(host, **person)
    refresh = networks.list_available_networks
    assert np.array_equal(clip_while(host, LOOKS_UP, refresh, **person), usual)
    tables = (networks.available_networks, networks.available_network_aliases)
    before = [list(table) for table in tables]
    clip(host, **person)
    assert [list(table) for table in tables] == before


def test_a_lora_that_is_gone_is_told_and_not_left_out(host: Any) -> None:
    from modules.extra_networks import networks  # type: ignore[import-not-found]

    path = write_lora(host.data_dir / "models" / "Lora" / "short.safetensors", SIZES)
    shot = Shot.of(host.settle(asked(loras=("short:1",))))
    path.unlink()
    networks.available_networks.pop("short", None)
    networks.available_network_aliases.pop("short", None)
    with host.turn("test"), pytest.raises(Missing, match="LoRA 'short' in the WebUI"):
        render(host.engine, shot)


def test_looking_for_files_leaves_the_hosts_lists_alone(host: Any) -> None:
    from modules import extra_networks, sd_models, sd_vae

    networks = extra_networks.networks
    tables = (
        sd_models.checkpoints_list,
        sd_models.checkpoint_aliases,
        sd_vae.vae_dict,
        networks.available_networks,
        networks.available_network_aliases,
    )
    strange = {"lent": object()}
    for table in tables[2:]:
        table.update(strange)
    before = [dict(table) for table in tables]
    try:
        for field in ("checkpoint", "vae", "loras"):
            assert host.choices(field)
        with pytest.raises(Missing):
            host.settle(asked(checkpoint="nowhere"))
        with pytest.raises(Missing):
            host.settle(asked(vae="nowhere"))
        with pytest.raises(Missing):
            host.settle(asked(loras=("nowhere:1",)))
        assert [dict(table) for table in tables] == before
    finally:
        for table in tables[2:]:
            table.pop("lent")


def test_new_files_are_found_and_used_without_the_hosts_refresh(host: Any) -> None:
    models = host.data_dir / "models"
    new = {
        "checkpoint": models / "Stable-diffusion" / "new.safetensors",
        "vae": models / "VAE" / "new.safetensors",
        "loras": models / "Lora" / "new.safetensors",
    }
    new["checkpoint"].hardlink_to(models / "Stable-diffusion" / "tiny.safetensors")
    new["checkpoint"].with_suffix(".yaml").hardlink_to(new["checkpoint"].with_name("tiny.yaml"))
    new["vae"].touch()
    write_lora(new["loras"], SIZES)
    usual = clip(host, checkpoint="tiny")
    try:
        for field, path in new.items():
            assert path.stem in [Path(name).stem for name in host.choices(field)]
        assert np.array_equal(clip(host, checkpoint="new"), usual)
        assert clip(host, vae="new", loras=("new:1",)).shape == usual.shape
    finally:
        for path in (*new.values(), new["checkpoint"].with_suffix(".yaml")):
            path.unlink()
    assert "new.safetensors" not in host.choices("checkpoint")


def test_a_borrowed_checkpoint_holds_when_the_hosts_own_list_is_made_anew(host: Any) -> None:
    from modules import sd_models, shared

    before = shared.sd_model.sd_checkpoint_info.filename
    usual = clip(host, checkpoint="sub/other")
    place = "easyphoto_video.host.webui.engine:fitted"
    again = clip_while(host, place, sd_models.list_models, checkpoint="sub/other")
    assert np.array_equal(again, usual)
    assert shared.sd_model.sd_checkpoint_info.filename == before
    sd_models.list_models()


def test_who_waits_for_the_host_comes_after_the_clip_that_runs(host: Any) -> None:
    """A picture of the host's own, asked for while the first of many clips is made."""
    from modules import call_queue

    for _ in range(20):
        order: list[str] = []
        began, asks = threading.Event(), threading.Event()

        def picture(order: list[str] = order, asks: threading.Event = asks) -> None:
            asks.set()
            with call_queue.queue_lock:
                order.append("picture")

        def clips(
            order: list[str] = order,
            began: threading.Event = began,
            asks: threading.Event = asks,
        ) -> None:
            for number in range(4):
                with host.turn("clip"):
                    order.append(f"clip {number}")
                    began.set()
                    assert asks.wait(limit(60))
                    while not number and not call_queue.queue_lock._pending_threads:
                        time.sleep(0.001)  # without it, whoever asks would hardly get to run

        threads = [threading.Thread(target=clips), threading.Thread(target=picture)]
        threads[0].start()
        assert began.wait(limit(60))
        threads[1].start()
        for thread in threads:
            thread.join(limit(60))
        assert order == ["clip 0", "picture", "clip 1", "clip 2", "clip 3"]


def test_the_hosts_own_interrupt_stops_what_runs_and_nothing_that_waits(host: Any) -> None:
    from modules import shared

    shared.state.interrupt()  # a picture of the host's own, while ours waits for its turn
    for _ in range(2):
        with host.turn("clip"):
            assert not host.is_stopped()
            shared.state.interrupt()
            assert host.is_stopped()


def test_the_form_begins_with_the_hosts_clip_skip(host: Any) -> None:
    from easyphoto_video.host.webui import common

    assert host.defaults()["clip_skip"] == 1
    with common.options(CLIP_stop_at_last_layers=2):
        assert host.defaults()["clip_skip"] == 2
