"""A user id as EasyPhoto's training leaves it, with small files."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save

from easyphoto_video.identity import BEST, LORAS, PEOPLE, REFERENCE, People

KEY = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"


def lora_bytes(width: int = 768, fill: float = 0.0) -> bytes:
    """A LoRA for a base model whose UNet listens to text of that width."""
    return save({KEY: torch.full((2, width), fill)})


def picture_bytes(kind: str = "JPEG", size: tuple[int, int] = (64, 48), shade: int = 90) -> bytes:
    """A grey picture."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(buffer, kind)
    return buffer.getvalue()


def easyphoto_files(name: str) -> dict[str, bytes]:
    """What EasyPhoto writes for a user id, by the path below the data folder."""
    home, weights = PEOPLE / name, PEOPLE / name / "user_weights"
    lora = lora_bytes(fill=1.0)
    return {
        str(path): content
        for path, content in {
            home / REFERENCE: picture_bytes(),
            home / "original_backup" / "0.jpg": picture_bytes(shade=10),
            home / "original_backup" / "1.jpg": picture_bytes(shade=20),
            home / "processed_images" / "train" / "0.jpg": picture_bytes(shade=30),
            home / "processed_images" / "train" / "0.txt": b"easyphoto_face, easyphoto, 1person",
            home / "processed_images" / "metadata.jsonl": b'{"file_name": "train/0.jpg"}\n',
            weights / "checkpoint-100.safetensors": lora_bytes(fill=0.5),
            weights / "pytorch_lora_weights.safetensors": lora_bytes(fill=0.7),
            weights / f"{name}.safetensors": lora,
            weights / "validation" / "global_step_1_100_0.jpg": picture_bytes(shade=40),
            home / BEST / f"{name}.safetensors": lora,
            home / BEST / "global_step_1_100_0.jpg": picture_bytes(shade=40),
            LORAS / f"{name}.safetensors": lora,
        }.items()
    }


def add_easyphoto_person(data_dir: Path, name: str) -> dict[str, bytes]:
    """Writes them; gives what it wrote."""
    files = easyphoto_files(name)
    for path, content in files.items():
        (data_dir / path).parent.mkdir(parents=True, exist_ok=True)
        (data_dir / path).write_bytes(content)
    return files


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path there."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def people_of(data_dir: Path) -> People:
    """The persons of a data folder, and `demo`, who came along."""
    came = data_dir.parent / f"{data_dir.name}-along"
    if not came.exists():
        (came / "demo").mkdir(parents=True)
        (came / "demo" / REFERENCE).write_bytes(picture_bytes())
        (came / "demo" / "demo.safetensors").write_bytes(lora_bytes(64))
    return People(data_dir, builtin=came)
