"""A motion LoRA does to the weights what it says, in every form of its keys, or says why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from easyphoto_video.errors import BadFile
from easyphoto_video.motion.lora import motion_lora_from, read_motion_lora, with_lora
from easyphoto_video.motion.spec import V2, V3
from tests.motion.files import REFUSED, State, adapter, motion_lora, official
from tests.motion.small import lively, spec

WEIGHT = (
    "up_blocks.1.motion_modules.2.temporal_transformer.transformer_blocks.0.attention_blocks.1."
)


def diffusers(state: State) -> State:
    return {f"unet.{name}": t for name, t in adapter(state).items()}


def peft(state: State) -> State:
    renamed = {name.replace(".processor.", "."): t for name, t in diffusers(state).items()}
    for theirs, ours in (
        ("_lora.down", ".lora_A"),
        ("_lora.up", ".lora_B"),
        ("to_out.", "to_out.0."),
    ):
        renamed = {name.replace(theirs, ours): t for name, t in renamed.items()}
    return renamed


def dotted(state: State) -> State:
    return {name.replace("_lora.", ".lora."): t for name, t in diffusers(state).items()}


def kohya(state: State) -> State:
    renamed = {}
    for name, t in state.items():
        layer, part = re.fullmatch(r"(.+)_lora\.(down|up)\.weight", name).groups()  # type: ignore
        words = layer.replace(".processor", "").replace(".", "_").replace("to_out", "to_out_0")
        renamed[f"lora_unet_{words}.lora_{part}.weight"] = t
        renamed[f"lora_unet_{words}.alpha"] = torch.tensor(4.0)  # the rank, so a scale of 1
    return renamed


FORMS = {"official": dict, "diffusers": diffusers, "peft": peft, "dotted": dotted, "kohya": kohya}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_form_changes_the_same_weights_by_the_formula(form: Callable[[State], State]) -> None:
    state, motion = motion_lora(), lively(spec())
    changed = with_lora(motion, motion_lora_from(form(state), "file"), 0.7).state_dict()
    count = 0
    for name, weight in motion.state_dict().items():
        stem = re.sub(r"\.(to_\w+?)(\.0)?\.weight$", r".processor.\1_lora", name)
        if f"{stem}.up.weight" in state:
            up, down = state[f"{stem}.up.weight"], state[f"{stem}.down.weight"]
            weight, count = weight + 0.7 * up @ down, count + 1
        assert torch.allclose(changed[name], weight, atol=1e-6)
    assert count == 21 * 2 * 4


def test_alpha_scales_by_the_rank() -> None:
    state = kohya(motion_lora())
    halved = {k: t / 2 if k.endswith("alpha") else t for k, t in state.items()}
    motion = lively(spec())
    one = with_lora(motion, motion_lora_from(state, "file"), 0.5).state_dict()
    two = with_lora(motion, motion_lora_from(halved, "file"), 1.0).state_dict()
    assert all(torch.equal(t, two[name]) for name, t in one.items())


def test_strength_zero_changes_nothing_and_the_old_motion_never_changes() -> None:
    motion, lora = lively(spec()), motion_lora_from(motion_lora(), "file")
    before = {name: t.clone() for name, t in motion.state_dict().items()}
    same = with_lora(motion, lora, 0.0).state_dict()
    with_lora(motion, lora, 1.0)
    assert all(torch.equal(t, before[name]) for name, t in motion.state_dict().items())
    assert all(torch.equal(t, before[name]) for name, t in same.items())


def test_out_and_back_is_the_identity_within_rounding() -> None:
    motion, lora = lively(spec()), motion_lora_from(motion_lora(), "file")
    back = with_lora(with_lora(motion, lora, 1.0), lora, -1.0).state_dict()
    assert all(torch.allclose(t, back[name], atol=1e-6) for name, t in motion.state_dict().items())


def test_half_precision_is_kept() -> None:
    motion = with_lora(lively(spec()), motion_lora_from(motion_lora(), "file"), 0.0)
    changed = with_lora(motion.half(), motion_lora_from(motion_lora(), "file"), 1.0)
    assert {p.dtype for p in changed.parameters()} == {torch.half}


def test_what_is_for_the_middle_is_left_out_where_there_is_none() -> None:
    motion, lora = lively(spec(V3)), motion_lora_from(motion_lora(V2), "file")
    changed = with_lora(motion, lora, 1.0).state_dict()
    moved = [name for name, t in motion.state_dict().items() if not torch.equal(t, changed[name])]
    assert len(moved) == 20 * 2 * 4


def test_a_lora_that_fits_only_in_part_or_not_at_all_is_refused() -> None:
    lora = motion_lora_from(motion_lora(), "zoom.ckpt")
    wide = lively(spec(channels=(32, 64, 64, 64)))
    with pytest.raises(BadFile, match=r"zoom\.ckpt: .*: 40 of its 168 changes find no layer, such"):
        with_lora(wide, lora, 1.0)
    state = {name.replace("attention_blocks", "elsewhere"): t for name, t in motion_lora().items()}
    with pytest.raises(BadFile, match=r": 168 of its 168 changes find no layer"):
        with_lora(lively(spec()), motion_lora_from(state, "file"), 1.0)
    middle = {name: t for name, t in motion_lora().items() if name.startswith("mid_block")}
    with pytest.raises(BadFile, match=r": 0 of its 0 changes find no layer"):
        with_lora(lively(spec(V3)), motion_lora_from(middle, "file"), 1.0)


def test_a_lora_that_is_not_whole_is_refused() -> None:
    state = motion_lora()
    del state[f"{WEIGHT}processor.to_k_lora.up.weight"]
    with pytest.raises(
        BadFile, match=r"not whole: 1 of 168 layers lack a half, such as up_blocks_1"
    ):
        motion_lora_from(state, "file")


@pytest.mark.parametrize("name", ["v3 adapter", "kohya LoRA", "checkpoint", "VAE", "anything else"])
def test_what_is_no_motion_lora_is_refused_by_its_name(name: str) -> None:
    state, told = REFUSED[name]
    with pytest.raises(BadFile, match=told.split(", not")[0].split(r" \(")[0]):
        motion_lora_from(state, "file")


def test_a_motion_module_is_no_motion_lora() -> None:
    with pytest.raises(BadFile, match="this is a motion module, not a motion LoRA"):
        motion_lora_from(official(V3), "file")


def test_files_of_both_kinds_are_read(tmp_path: Path) -> None:
    state = motion_lora()
    save_file(state, tmp_path / "a.safetensors")
    torch.save({"state_dict": state}, tmp_path / "b.ckpt")
    for name in ("a.safetensors", "b.ckpt"):
        lora = read_motion_lora(tmp_path / name)
        assert lora.source == tmp_path / name
        assert len(lora.changes) == 168
