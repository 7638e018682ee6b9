"""A settled request has nothing left open, and what cannot be rendered is refused before."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from easyphoto_video.errors import BadFile, BadRequest, EasyPhotoError, Missing
from easyphoto_video.host.library import LORAS as SHELF
from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.settle import settle
from easyphoto_video.identity import LORAS, lora_of
from easyphoto_video.modes.text2video import Text2Video
from easyphoto_video.motion.spec import V1, V3
from easyphoto_video.request import Lora
from tests.host.fake import add_person
from tests.host.standalone.small import SIZES, kohya, save, write_tiny
from tests.motion.files import REFUSED, motion_lora
from tools.tiny_checkpoint import fitting_spec, write_motion


def request(**changes: Any) -> Text2Video:
    return Text2Video(**{"checkpoint": "tiny", "motion": "none", **changes})


def test_what_is_open_is_chosen(library: Library) -> None:
    settled = settle(request(), library)
    assert 0 <= settled.seed < 2**32
    assert (settled.width, settled.height, settled.cfg) == (64, 64, 7.0)
    assert settled.checkpoint == "tiny.safetensors"
    assert settled.seed != settle(request(), library).seed


def test_what_is_settled_stays(library: Library) -> None:
    first = request(seed=5, width=128, height=72, vae="same", loras="strong:0.5", motion="mm_v2")
    once = settle(first, library)
    assert settle(once, library) == once
    assert (once.seed, once.width, once.height) == (5, 128, 72)
    assert once.loras == (Lora("strong.safetensors", 0.5),)
    assert (once.vae, once.motion) == ("same.safetensors", "mm_v2.safetensors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tiny(tmp_path / "models" / "Stable-diffusion" / "tiny.safetensors")
    return tmp_path


def motions(folder: Path) -> Path:
    return folder / "models" / "AnimateDiff"


def test_auto_takes_the_newest_motion_that_fits(folder: Path) -> None:
    with pytest.raises(Missing, match=r"32/32/64/64 channels.*fetch"):
        settle(request(motion="auto"), Library(folder))
    wide = replace(fitting_spec(SIZES, V3), channels=(64, 64, 64, 64))
    write_motion(motions(folder) / "wide_v3.safetensors", wide)
    save(motions(folder) / "lora.safetensors", motion_lora())
    with pytest.raises(Missing, match="Motion module none renders stills"):
        settle(request(motion="auto"), Library(folder))
    for name, spec in (("one", V1), ("two", V3)):
        write_motion(motions(folder) / f"{name}.safetensors", fitting_spec(SIZES, spec))
        assert settle(request(motion="auto"), Library(folder)).motion == f"{name}.safetensors"


def test_auto_takes_the_embedded_motion_for_the_embedded_checkpoint(tmp_path: Path) -> None:
    own = tmp_path / "own"
    write_tiny(own / "portrait.safetensors")
    write_motion(own / "motion.safetensors", fitting_spec(SIZES))
    settled = settle(Text2Video(), Library(tmp_path, embedded=own))
    assert (settled.checkpoint, settled.motion, settled.width) == ("embedded", "embedded", 64)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"motion": "mm_v2", "context": 33, "frames": 33}, BadRequest, "Give 1 to 32"),
        ({"motion_loras": "pan"}, BadRequest, "Choose a motion module too"),
        ({"clip_skip": 3}, BadRequest, "Give 1 to 2"),
        ({"sampler": "LCM", "steps": 60}, BadRequest, "LCM"),
        ({"prompt": "a AND b"}, BadRequest, "AND"),
        ({"prompt": "<lora:nothing:1>"}, Missing, "nothing"),
        ({"vae": "nothing"}, Missing, "VAE"),
        ({"restore": "GFPGAN"}, BadRequest, "in a WebUI that has it"),
        ({"checkpoint": "nothing"}, Missing, "fetch"),
    ],
    ids=str,
)
def test_refused(
    library: Library, changes: dict[str, Any], error: type[EasyPhotoError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        settle(request(**changes), library)
    assert caught.value.exit_code == 2


def trained(data_dir: Path, name: str, tensors: dict[str, Tensor]) -> None:
    add_person(data_dir, name)
    save(data_dir / LORAS / "people" / f"{name}.safetensors", tensors)


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (2048, "trained on SDXL, and the checkpoint tiny.safetensors is of"),
        (768, "trained on Stable Diffusion 1.x"),
        (1024, "trained on Stable Diffusion 2.x"),
    ],
)
def test_a_person_of_another_base_model_is_refused(folder: Path, width: int, words: str) -> None:
    trained(folder, "ada", {"lora_unet_a_attn2_to_k.lora_down.weight": torch.zeros(4, width)})
    with pytest.raises(BadRequest, match=words) as caught:
        settle(request(user_id="ada"), Library(folder))
    assert caught.value.field == "User id"
    assert "Choose a checkpoint of" in caught.value.next_step
    assert settle(request(user_id="ada", user_weight=0), Library(folder)).user_id == "ada"


def test_a_persons_lora_is_found_and_must_be_one(folder: Path) -> None:
    trained(folder, "ada", kohya())
    assert settle(request(user_id="ada"), Library(folder)).people == ("ada",)
    assert Library(folder).find(SHELF, lora_of("ada")).name == "ada.safetensors"
    add_person(folder, "bob")
    with pytest.raises(Missing, match=r"LoRA of user id 'bob' is missing\. Put bob.safetensors"):
        settle(request(user_id="bob"), Library(folder))
    trained(folder, "carl", {"lora_unet_a.hada_w1_a": torch.zeros(2, 2)})
    with pytest.raises(BadFile, match="this is a LoHa"):
        settle(request(user_id="carl"), Library(folder))


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_no_checkpoint_is_named(kind: str, tmp_path: Path) -> None:
    tensors, words = REFUSED[kind]
    path = save(tmp_path / "model.safetensors", tensors)
    with pytest.raises(BadFile) as caught:
        settle(request(checkpoint=str(path)), Library(tmp_path))
    if kind != "checkpoint":
        assert re.search(words.split(", not a")[0].split(r" \(")[0], str(caught.value))
        assert "not a checkpoint" in str(caught.value)


def test_motion_of_another_width_is_refused(data: Path, tmp_path: Path) -> None:
    wide = replace(fitting_spec(SIZES), channels=(64, 64, 64, 64))
    path = write_motion(tmp_path / "wide.safetensors", wide)
    with pytest.raises(BadFile, match=r"64/64/64/64 channels.*has 32/32/64/64 channels"):
        settle(request(motion=str(path)), Library(data))


def test_damaged_files_are_refused(data: Path, tmp_path: Path) -> None:
    whole = (data / "models" / "Stable-diffusion" / "tiny.safetensors").read_bytes()
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFile, match="this is cut off"):
        settle(request(checkpoint=str(cut)), Library(data))


def test_a_settled_request_needs_no_diffusers(data: Path) -> None:
    """Bad input is refused before the seconds that they take to load."""
    code = (
        "import sys; from pathlib import Path;"
        "from easyphoto_video.host.standalone.engine import StandaloneEngine;"
        "from easyphoto_video.host.library import Library;"
        "from easyphoto_video.host.standalone.settle import settle;"
        "from easyphoto_video.modes.text2video import Text2Video;"
        f"library = Library(Path({str(data)!r}));"
        "settle(Text2Video(checkpoint='tiny', motion='mm_v2'), library); StandaloneEngine(library);"
        "print([m for m in ('diffusers', 'transformers', 'accelerate') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
