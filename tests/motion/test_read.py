"""Each kind of motion file is known by its keys and shapes; everything else by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from easyphoto_video.errors import BadFile
from easyphoto_video.motion.names import TABLE
from easyphoto_video.motion.read import GROUPS, HEADS, motion_from, read_motion
from easyphoto_video.motion.spec import ANIMATELCM, HOTSHOT_XL, SDXL_BETA, V1, V2, V3, MotionSpec
from tests.motion.files import REFUSED, State, adapter, hotshot, official, without_tables
from tests.motion.small import spec

READ: dict[str, tuple[State, MotionSpec]] = {
    "v1": (official(V1), V1),
    "v2": (official(V2), V2),
    "v3": (official(V3), V3),
    "AnimateLCM": (without_tables(official(ANIMATELCM)), ANIMATELCM),
    "SDXL beta": (official(SDXL_BETA), SDXL_BETA),
    "HotShot-XL": (hotshot(), HOTSHOT_XL),
    "HotShot-XL converted": (official(HOTSHOT_XL), HOTSHOT_XL),
    "MotionAdapter of v1": (adapter(official(V1)), V1),
    "MotionAdapter of v2": (adapter(official(V2)), V2),
    "MotionAdapter of v3": (adapter(official(V3)), V3),
    "MotionAdapter of SDXL beta": (adapter(official(SDXL_BETA)), SDXL_BETA),
}


def same(tensors: State, like: MotionSpec) -> bool:
    wanted = official(like)
    return tensors.keys() == wanted.keys() and all(
        torch.equal(t, wanted[name]) for name, t in tensors.items()
    )


@pytest.mark.parametrize(("state", "like"), READ.values(), ids=READ.keys())
def test_each_kind_is_read_exactly(state: State, like: MotionSpec) -> None:
    motion = motion_from(state, "file")
    assert motion.spec == spec(like)
    assert same(motion.state_dict(), like)


@pytest.mark.parametrize("prefix", ["module.", "unet.", "module.unet."])
def test_prefixes_and_what_is_not_motion_do_not_matter(prefix: str) -> None:
    state = {f"{prefix}{name}": t for name, t in official(V3).items()}
    state[f"{prefix}conv_in.weight"] = torch.zeros(32, 4, 3, 3)
    state[f"{prefix}down_blocks.0.resnets.0.conv1.weight"] = torch.zeros(32, 32, 3, 3)
    assert same(motion_from(state, "file").state_dict(), V3)


@pytest.mark.parametrize(("state", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_motion_module_is_refused_by_its_name(state: State, told: str) -> None:
    with pytest.raises(BadFile, match=told) as refused:
        motion_from(state, "some.safetensors")
    assert str(refused.value).startswith("some.safetensors: this is ")
    assert refused.value.next_step.startswith(("Choose", "Put", "Name"))


def test_a_file_that_is_not_whole_says_how_much_is_missing() -> None:
    state = official(V2)
    for name in [name for name in state if "up_blocks.2.motion_modules.1" in name][:20]:
        del state[name]
    with pytest.raises(BadFile, match=r"not whole: \d+ of 588 tensors are missing, such as up_b"):
        motion_from(state, "file")


@pytest.mark.parametrize("gone", ["down_blocks.1", "down_blocks."])
def test_a_missing_level_is_named(gone: str) -> None:
    state = {name: t for name, t in official(V2).items() if not name.startswith(gone)}
    with pytest.raises(BadFile, match=r"not whole: down_blocks.* is missing"):
        motion_from(state, "file")


def test_v1_and_v3_cannot_be_told_apart_without_tables() -> None:
    with pytest.raises(BadFile, match=r"4 levels, no middle and no positions"):
        motion_from(without_tables(official(V3)), "file")


def test_a_wrong_shape_is_named() -> None:
    state = official(V3)
    key = "up_blocks.1.motion_modules.0.temporal_transformer.proj_in.weight"
    state[key] = torch.zeros(32, 32)
    with pytest.raises(BadFile, match=rf"1 of its 560 tensors.*{key} \(32, 32\)"):
        motion_from(state, "file")


def test_other_heads_and_groups_are_taken_from_the_notes() -> None:
    motion = motion_from(official(V3), "file", {HEADS: "4", GROUPS: "16"})
    assert (motion.spec.heads, motion.spec.groups) == (4, 16)


@pytest.mark.parametrize("notes", [{HEADS: "7"}, {GROUPS: "5"}, {HEADS: "many"}, {HEADS: "0"}])
def test_notes_that_cannot_be_are_refused(notes: dict[str, str]) -> None:
    with pytest.raises(BadFile, match=next(iter(notes))):
        motion_from(official(V3), "file", notes)


def test_tables_of_half_precision_become_exact_and_others_stay() -> None:
    state = {name: t.half() for name, t in official(V3).items()}
    exact = official(V3)
    read = motion_from(state, "file").state_dict()
    tables = [name for name in exact if name.endswith(TABLE)]
    assert tables
    assert all(torch.equal(read[name], exact[name]) for name in tables)
    assert (
        read["down_blocks.0.motion_modules.0.temporal_transformer.norm.weight"].dtype == torch.half
    )
    stretched = {**state, tables[0]: state[tables[0]].roll(1, dims=1)}
    assert torch.equal(motion_from(stretched, "file").state_dict()[tables[0]], stretched[tables[0]])


def test_a_safetensors_file_is_read_with_its_notes(tmp_path: Path) -> None:
    path = tmp_path / "v1.safetensors"  # a name that is wrong
    save_file(official(V3), path, {HEADS: "16"})
    motion = read_motion(path)
    assert motion.spec == spec(V3, heads=16)
    assert same(motion.state_dict(), V3)


@pytest.mark.parametrize("envelope", [None, "state_dict"])
def test_a_pickle_of_tensors_is_read_out_of_its_envelope(
    tmp_path: Path, envelope: str | None
) -> None:
    path = tmp_path / "mm.ckpt"
    payload = {**official(V3), "animatediff_config": {"motion_module_type": "Vanilla"}}
    torch.save({"epoch": 3, envelope: payload} if envelope else payload, path)
    assert same(read_motion(path).state_dict(), V3)


def test_the_folder_of_a_motion_adapter_is_read(tmp_path: Path) -> None:
    save_file(adapter(official(V2)), tmp_path / "diffusion_pytorch_model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({HEADS: 4}), "utf-8")
    assert read_motion(tmp_path).spec == spec(V2, heads=4)
    assert same(read_motion(tmp_path).state_dict(), V2)


def test_a_motion_adapter_of_diffusers_itself_is_read(tmp_path: Path) -> None:
    from diffusers import MotionAdapter

    made = MotionAdapter((32, 32, 64, 64), use_motion_mid_block=False, motion_max_seq_length=24)
    made.save_pretrained(tmp_path)
    motion = read_motion(tmp_path)
    assert motion.spec == spec(V1)
    theirs = {name: t for name, t in made.state_dict().items() if ".attn1.to_q." in name}
    ours = motion.state_dict()
    for name, t in theirs.items():
        place, _, _ = name.partition(".transformer_blocks")
        key = f"{place}.temporal_transformer.transformer_blocks.0.attention_blocks.0.to_q.weight"
        assert torch.equal(ours[key], t)


def test_an_empty_folder_and_a_broken_config_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"holds no \.safetensors"):
        read_motion(tmp_path)
    save_file(adapter(official(V2)), tmp_path / "diffusion_pytorch_model.safetensors")
    (tmp_path / "config.json").write_text("{", "utf-8")
    with pytest.raises(BadFile, match=r"config\.json: this cannot be read as JSON"):
        read_motion(tmp_path)


def test_nothing_is_copied() -> None:
    state = official(V3)
    key = next(name for name in state if name.endswith("to_q.weight"))
    assert motion_from(state, "file").state_dict()[key].data_ptr() == state[key].data_ptr()
