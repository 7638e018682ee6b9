"""What there is to say of a user id, as plain JSON values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from easyphoto_video.embeddings import kept_embeddings
from easyphoto_video.errors import BadFile
from easyphoto_video.identity import People, UserId
from easyphoto_video.lora_base import lora_base

BUILTIN, IN_FOLDER, KEPT, NOWHERE = "comes along", "models/Lora", "best_outputs", ""
"""Where a person's LoRA was taken from; NOWHERE is where there is none."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One person. `problem` is a sentence where something of hers cannot be read."""

    name: str
    is_builtin: bool
    reference: Path
    reference_size: tuple[int, int] | None
    """px, width and height."""
    lora: Path | None
    lora_from: str
    """BUILTIN, IN_FOLDER, KEPT (what training kept in the person's folder) or NOWHERE."""
    base_model: str
    trained_on: str
    """The checkpoint's name in the LoRA's notes; empty when they do not say."""
    embeddings: tuple[tuple[str, int], ...]
    """Recognisers whose embedding of the reference picture is kept, each with its length."""
    problem: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; paths as text."""
        return {
            "id": self.name,
            "is_builtin": self.is_builtin,
            "reference": str(self.reference),
            "reference_size": list(self.reference_size) if self.reference_size else None,
            "lora": None if self.lora is None else str(self.lora),
            "lora_from": self.lora_from,
            "base_model": self.base_model,
            "trained_on": self.trained_on,
            "embeddings": [{"recogniser": name, "size": size} for name, size in self.embeddings],
            "problem": self.problem,
        }


def facts(people: People, person: UserId) -> Facts:
    """What there is to say of a person; never raises for what lies in her folder."""
    base, trained_on, problem = "", "", ""
    try:
        if person.lora is None:
            problem = f"There is no LoRA: put {person.name}.safetensors into {people.loras[0]}."
        else:
            found = lora_base(person.lora)
            base, trained_on = found.name, found.trained_on
    except BadFile as error:
        problem = str(error)
    return Facts(
        name=person.name,
        is_builtin=person.is_builtin,
        reference=person.reference,
        reference_size=_size(person.reference),
        lora=person.lora,
        lora_from=_origin(person),
        base_model=base,
        trained_on=trained_on,
        embeddings=tuple(kept_embeddings(person)),
        problem=problem,
    )


def _origin(person: UserId) -> str:
    if person.lora is None:
        return NOWHERE
    if person.is_builtin:
        return BUILTIN
    return KEPT if person.lora.is_relative_to(person.folder) else IN_FOLDER


def _size(path: Path) -> tuple[int, int] | None:
    try:
        with Image.open(path) as picture:
            return picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
