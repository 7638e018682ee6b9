"""Textual inversion: an embedding's name in a prompt stands for vectors instead of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from easyphoto_video.errors import BadFile
from easyphoto_video.host.library import EMBEDDINGS, Library
from easyphoto_video.host.standalone.prompt.tokens import text_ids
from easyphoto_video.motion.kinds import EMBEDDING, UNKNOWN, kind_of
from easyphoto_video.tensors import load_state_dict


@dataclass(frozen=True)
class Name:
    """The token ids that name an embedding, and its file."""

    ids: tuple[int, ...]
    path: Path


class Embeddings:
    """The embeddings of a library; a file is opened when a prompt first names it."""

    def __init__(self, library: Library, width: int) -> None:
        files = library.files(EMBEDDINGS)
        named = [Name(tuple(text_ids(path.stem)), path) for _, path in files]
        self._names = sorted((n for n in named if n.ids), key=lambda n: -len(n.ids))
        self._width = width
        self._read: dict[Path, Tensor] = {}

    def at(self, ids: Sequence[int], place: int) -> tuple[int, Tensor] | None:
        """How many ids from `place` on name an embedding, and its vectors (n, width).

        The longest name wins. None when there is none. Raises BadFile.
        """
        for name in self._names:
            if tuple(ids[place : place + len(name.ids)]) == name.ids:
                if name.path not in self._read:
                    self._read[name.path] = read_embedding(name.path, self._width)
                return len(name.ids), self._read[name.path]
        return None


def read_embedding(path: Path, width: int) -> Tensor:
    """The vectors (n, width) of an embedding file, float32. Raises BadFile.

    Knows the WebUI's files (`string_to_param`, `emb_params`) and those of diffusers (one tensor
    under the name of its token).
    """
    tensors = load_state_dict(path)
    kind = kind_of(tensors)
    advice = "Take it out of the prompt, or choose an embedding for Stable Diffusion 1.x."
    if kind not in (EMBEDDING, UNKNOWN):
        raise BadFile(path, f"this is {kind.name}, not an embedding", advice)
    if len(tensors) != 1:
        what = "an SDXL embedding" if "clip_g" in tensors else f"{len(tensors)} tensors"
        raise BadFile(path, f"this holds {what}, not one embedding of SD1.x", advice)
    vectors = next(iter(tensors.values()))
    vectors = vectors[None] if vectors.ndim == 1 else vectors
    if vectors.ndim != 2 or vectors.shape[1] != width:
        reason = f"its vectors {tuple(vectors.shape)} are not {width} wide as the checkpoint's are"
        raise BadFile(path, reason, advice)
    return vectors.detach().float()
