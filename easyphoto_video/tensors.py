"""Files of named tensors, read without running anything that stands in them.

What a file is shows in its first bytes, never in its name: safetensors, or a pickle of torch's,
which goes through torch's restricted unpickler alone.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.files import NOBODY, check_file, trouble_with
from easyphoto_video.headers import GIVE_A_FILE, read_header

ENVELOPES = ("state_dict", "model_state_dict", "controlnet", "model", "module", "string_to_param")
"""Names under which training programs put the tensors, beside notes of their own."""

DAMAGE = (RuntimeError, EOFError, OSError, LookupError, ValueError, TypeError, AttributeError)
"""What torch raises for a file that is no whole torch file, by where it ends."""

AGAIN = "Download it again; `fetch NAME` does so for the files of the catalogue."
CONVERT = (
    "Take the .safetensors of the same model; if there is none and you trust where it comes from, "
    "convert it elsewhere and give us the result."
)


def load_state_dict(path: Path | str) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU, in the file's dtype, out of any envelope.

    What is no tensor is left out. Raises Missing when there is no file and BadFile when it is
    damaged, holds no tensors or is a pickle that would run code.
    """
    path = Path(path)
    loaded = _open(path)
    while isinstance(loaded, Mapping) and (inner := _enveloped(loaded)) is not None:
        loaded = inner
    if not isinstance(loaded, Mapping):
        raise BadFile(path, f"this holds a {type(loaded).__name__}, not tensors by name", AGAIN)
    tensors = {str(name): t for name, t in loaded.items() if isinstance(t, Tensor)}
    if not tensors:
        raise BadFile(path, "this holds no tensors", AGAIN)
    return tensors


def load_parts(path: Path | str, names: Iterable[str]) -> dict[str, dict[str, Tensor]]:
    """Networks that lie side by side in a file, each by the names of its own tensors, on the CPU.

    A pickle keeps each as a dict of its own, a safetensors file by a prefix `NAME.`. Those that the
    file lacks are left out, and so is all that is not asked for. Raises as `load_state_dict`.
    """
    path = Path(path)
    loaded = _open(path)
    if not isinstance(loaded, Mapping):
        raise BadFile(path, f"this holds a {type(loaded).__name__}, not tensors by name", AGAIN)
    parts = {name: _part(loaded, name) for name in names}
    return {name: part for name, part in parts.items() if part}


def _part(loaded: Mapping[str, Any], name: str) -> dict[str, Tensor]:
    prefix, inner = f"{name}.", loaded.get(name)
    if not isinstance(inner, Mapping):
        inner = {
            str(key).removeprefix(prefix): x
            for key, x in loaded.items()
            if str(key).startswith(prefix)
        }
    return {str(key): x for key, x in inner.items() if isinstance(x, Tensor)}


def read_metadata(path: Path | str) -> dict[str, str]:
    """The notes of a safetensors file; empty for a pickle. Raises Missing and BadFile."""
    path = Path(path)
    if _is_pickle(_first_bytes(path)):
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error


def _open(path: Path) -> Any:
    if _is_pickle(_first_bytes(path)):
        return _unpickled(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error


def _first_bytes(path: Path) -> bytes:
    if trouble_with(path) == NOBODY:
        raise Missing(path, "Check the name and the folder.")
    check_file(path, GIVE_A_FILE)
    try:
        with path.open("rb") as file:
            first = file.read(256)
    except OSError as error:
        raise BadFile(path, f"this cannot be read: {error.strerror}", GIVE_A_FILE) from error
    if first.startswith(b"version https://git-lfs"):
        raise BadFile(path, "this only points to the file in Git LFS", "Run `git lfs pull`.")
    if first.lstrip().startswith(b"<"):
        raise BadFile(path, "this is a web page, not a model", AGAIN)
    return first


def _is_pickle(first: bytes) -> bool:
    """Torch's zip or a bare pickle; a safetensors file starts with the length of its header."""
    return first[8:9] != b"{" and first.startswith((b"PK\x03\x04", b"\x80"))


def _unpickled(path: Path) -> Any:
    try:
        # By its name torch would judge the file again; of newer pickles it only warns.
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        code = re.search(r"(?:GLOBAL|class|function) ([\w.]+\.[\w.]+)", str(error))
        if code is None:
            reason = "this pickle is damaged or holds more than tensors, and so it was not opened"
            raise BadFile(path, reason, CONVERT) from error
        reason = f"this pickle would run code when opened ({code[1]}), and so it was not opened"
        raise BadFile(path, reason, CONVERT) from error
    except DAMAGE as error:
        raise BadFile(path, "this is a damaged or no torch file", AGAIN) from error


def _enveloped(loaded: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = (loaded.get(name) for name in ENVELOPES)
    return next((inner for inner in found if isinstance(inner, Mapping)), None)


def _damaged(path: Path, error: Exception) -> BadFile:
    size = path.stat().st_size
    header = read_header(path)
    if header is not None and size < header.whole:
        return BadFile(path, f"this is cut off: {size} of {header.whole} bytes are there", AGAIN)
    return BadFile(path, f"this is no safetensors file or a damaged one ({error})", AGAIN)
