"""The border to torch and to hosts: what they raise leaves it as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from easyphoto_video.errors import EasyPhotoError, HostFailed, OutOfMemory


@contextmanager
def border(device: torch.device, less: str) -> Iterator[None]:
    """Exceptions of the libraries below leave it as ours. Raises OutOfMemory and HostFailed.

    `less` names the settings that lower the need of memory, a sentence.
    """
    try:
        yield
    except EasyPhotoError:
        raise
    except Exception as error:
        if not _lacks_memory(error):
            raise HostFailed(f"{type(error).__name__}: {error}") from error
        if device.type == "cuda":
            torch.cuda.empty_cache()
        raise OutOfMemory(str(device), less) from error


def _lacks_memory(error: Exception) -> bool:
    words = str(error).lower()
    return isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError)
        and ("out of memory" in words or "can't allocate memory" in words)
    )
