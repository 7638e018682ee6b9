"""diffusers and transformers, imported without the large packages that nothing here calls.

While they are imported, both pull in scipy where they find it, torch's compiler to mark functions
for it, and torch's distributed tensors: a third of all modules, and as much of the time. Both also
read thousands of files to list what there is.
The stand-alone program compiles nothing and has one process. Import this before either.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import torch.distributed

LATER = ("scipy.integrate", "scipy.optimize", "scipy.stats")
"""What is imported when something of it is first called."""
FIRST = (
    "diffusers.models.unets.unet_2d_condition",
    "diffusers.loaders.single_file_utils",
    "diffusers.models.autoencoders.autoencoder_kl",
    "transformers.models.clip.modeling_clip",
    "diffusers.schedulers.scheduling_ddim",
    "diffusers.schedulers.scheduling_dpmsolver_multistep",
    "diffusers.schedulers.scheduling_euler_ancestral_discrete",
    "diffusers.schedulers.scheduling_euler_discrete",
    "diffusers.schedulers.scheduling_lcm",
)
"""What we use of both, and all of it that would import those."""
COMPILER = "torch._dynamo"
MODELS = "transformers.models"


@contextmanager
def postponed(*names: str) -> Iterator[None]:
    """While it lasts, functions of modules that were not imported yet import them once called.

    Whoever asks is told the truth of whether they are installed, and so may remember it.
    """
    with _in_place({name: _Later(name) for name in names}):
        yield


@contextmanager
def uncompiled() -> Iterator[None]:
    """While it lasts, marks for torch's compiler do nothing, unless it was imported already.

    accelerate does the same for its own marks; diffusers and transformers import 1,000 modules for
    theirs. Afterwards the compiler is imported as ever by whoever wants it.
    """
    with _in_place({COMPILER: _Marks(COMPILER)}):
        yield


@contextmanager
def undistributed() -> Iterator[None]:
    """While it lasts, torch says that it was built without distributed training."""
    with swapped(torch.distributed, "is_available", _no):
        yield


@contextmanager
def unlisted() -> Iterator[None]:
    """While it lasts, transformers' models are found in their folder, and no list of them is made.

    For the list of what they all offer it reads 1,600 files. Afterwards it is made for whoever
    asks for a model by its name alone.
    """
    package = importlib.import_module("transformers")
    folder = ModuleType(MODELS)
    folder.__path__ = [str(Path(str(package.__file__)).parent / "models")]
    with _in_place({MODELS: folder}):
        yield


@contextmanager
def unmapped() -> Iterator[None]:
    """While it lasts, nobody reads the file list of every package to learn which brings what.

    diffusers does, for three packages whose names on the index are others than in an import; they
    are not used here, and without the table the import's name counts.
    """
    with swapped(importlib.metadata, "packages_distributions", _empty):
        yield


class _Later(ModuleType):
    """A module whose every name is a function that calls the real one."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def called(*args: Any, **named: Any) -> Any:
            return getattr(importlib.import_module(self.__name__), name)(*args, **named)

        return called


class _Marks(ModuleType):
    """Decorators that leave things as they are, for every name; and the way to the real parts."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = [str(Path(torch.__file__).parent / "_dynamo")]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _unmarked


def _unmarked(what: Any = None, *_: Any, **__: Any) -> Any:
    return _unmarked if what is None else what


def _no() -> bool:
    return False


def _empty() -> Mapping[str, list[str]]:
    return {}


@contextmanager
def swapped(owner: Any, name: str, stand_in: Any) -> Iterator[None]:
    """While it lasts, a module or object has another value there, unless somebody sets a third."""
    before = getattr(owner, name)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        if getattr(owner, name) is stand_in:
            setattr(owner, name, before)


@contextmanager
def _in_place(modules: dict[str, Any]) -> Iterator[None]:
    """While it lasts, these modules stand for those of their names that were not imported yet."""
    unseen = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(unseen)
    try:
        yield
    finally:
        for name, module in unseen.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


with postponed(*LATER), uncompiled(), undistributed(), unlisted(), unmapped():
    for _name in FIRST:
        importlib.import_module(_name)
