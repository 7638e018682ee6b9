"""What a recogniser makes of a person's reference picture, kept beside it.

The picture and the recogniser may change, so both are named in what is kept.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easyphoto_video.files import parsed, trouble_with
from easyphoto_video.identity import UserId

PREFIX, SUFFIX = "reference_embedding_", ".json"
Embedding = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Recognised:
    """A recogniser, as far as what it said can be known again: by size and time of its file."""

    name: str
    """For people."""
    file: Path
    """Its network."""

    @property
    def key(self) -> str:
        """What tells this network from another, in 16 characters. Raises OSError."""
        state = self.file.stat()
        words = f"{self.name} {state.st_size} {state.st_mtime_ns}"
        return hashlib.sha256(words.encode()).hexdigest()[:16]


def reference_embedding(
    person: UserId, recogniser: Recognised, embed: Callable[[Path], Embedding]
) -> Embedding:
    """(D,) float32 of the reference picture; `embed` is only asked for what is not kept yet.

    Where the folder cannot be written nothing is kept. Raises OSError without a picture, and what
    `embed` raises.
    """
    if person.is_builtin:  # her folder is the program's own, and stays as it came
        return embed(person.reference)
    picture, key = sha256(person.reference), recogniser.key
    path = person.folder / f"{PREFIX}{key}{SUFFIX}"
    found = _kept(path)
    if found is not None and found["picture"] == picture:
        return _decoded(found["embedding"])
    embedding = np.ascontiguousarray(embed(person.reference), np.float32)
    content = {
        "recogniser": recogniser.name,
        "picture": picture,
        "embedding": base64.b64encode(embedding.astype("<f4").tobytes()).decode(),
    }
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        part.write_text(json.dumps(content), encoding="utf-8")
        part.replace(path)
    return embedding


def kept_embeddings(person: UserId) -> Iterator[tuple[str, int]]:
    """The recognisers whose embedding of the present picture is kept, each with its size."""
    picture = sha256(person.reference)
    for path in sorted(person.folder.glob(f"{PREFIX}*{SUFFIX}")):
        found = _kept(path)
        if found is not None and found["picture"] == picture:
            yield found["recogniser"], len(_decoded(found["embedding"]))


def is_kept(path: Path) -> bool:
    """Whether a file is one of these, which can be made anew everywhere."""
    return path.name.startswith(PREFIX) and path.suffix == SUFFIX


def sha256(path: Path) -> str:
    """Of a file's contents, in hexadecimal. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


def _kept(path: Path) -> dict[str, str] | None:
    if trouble_with(path):
        return None
    try:
        found = parsed(path.read_text(encoding="utf-8"))
        _decoded(found["embedding"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    good = all(isinstance(found.get(name), str) for name in ("recogniser", "picture"))
    return found if good else None


def _decoded(text: str) -> Embedding:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
