"""What torch and hosts raise, told as errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from easyphoto_video.errors import EasyPhotoError, HostFailed, OutOfMemory, lacks_memory


@contextmanager
def translated_errors(device: torch.device, less: str) -> Iterator[None]:
    """What the libraries below raise leaves the `with` as ours: OutOfMemory and HostFailed.

    `less` names the settings that lower the need of memory, a sentence.
    """
    try:
        yield
    except EasyPhotoError:
        raise
    except Exception as error:
        if not lacks_memory(error):
            raise HostFailed(f"{type(error).__name__}: {error}") from error
        if device.type == "cuda":
            torch.cuda.empty_cache()
        raise OutOfMemory(str(device), less) from error
