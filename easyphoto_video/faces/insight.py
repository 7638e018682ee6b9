"""Face packs in insightface's layout, a folder of .onnx files each: a detector, a recogniser.

What a file is for is read from its inputs and outputs as insightface itself does, never from its
name. The package is imported where it is needed first, since it is large and may be absent.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.errors import (
    LESS,
    BadFile,
    EasyPhotoError,
    HostFailed,
    Missing,
    OutOfMemory,
    lacks_memory,
)
from easyphoto_video.faces.face import Floats
from easyphoto_video.files import check_file

DETECTOR, RECOGNISER = "detector", "recogniser"
WITH_POINTS = (9, 15)
"""Outputs of an SCRFD network that also gives the five points: scores, boxes, points per stride."""
OTHERS = (192,)
"""px of the square input of insightface's landmark networks, which are no recognisers."""
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
ERRORS_ONLY = 3
"""onnxruntime's level of talking."""
INSTALL = Path(__file__).parents[2] / "install.py"
ANOTHER = "Remove its folder and fetch the pack again, or choose another face pack."
FILTERS = threading.RLock()
"""Held while the filters of warnings are other ones."""


def is_installed() -> bool:
    """Whether the packages that run packs are there; imports neither."""
    return all(importlib.util.find_spec(name) for name in ("insightface", "onnxruntime"))


def packs(folder: Path) -> list[str]:
    """The names of the face packs in a folder such as models/insightface/models, sorted."""
    if not folder.is_dir():
        return []
    return sorted(pack.name for pack in folder.iterdir() if pack.is_dir() and _files(pack))


def models(pack: Path) -> dict[str, Path]:
    """What a pack's files are for: DETECTOR and RECOGNISER, each once at most, to its file.

    Raises Missing without the package insightface, BadFile for a file that is no network.
    """
    found: dict[str, Path] = {}
    for file in _files(pack):
        kind = _kind(file)
        if kind:
            found.setdefault(kind, file)
    return found


class PackRecogniser:
    """A pack's ArcFace network; see Recogniser. May be called from several threads.

    Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, 2018 (arXiv
    1801.07698).
    """

    def __init__(self, pack: Path) -> None:
        """Raises Missing without the package or the folder, BadFile for a pack without it."""
        file = _of_kind(pack, RECOGNISER, "no recogniser of insightface's")
        with _quiet():
            from insightface.model_zoo.arcface_onnx import ArcFaceONNX

            self._net: Any = ArcFaceONNX(model_file=str(file), session=_session(file))
        self.file = file
        """Its network."""
        self._lock = threading.Lock()
        self.calls = 0
        """How often it was asked."""

    @property
    def side(self) -> int:
        """px of its square input."""
        return int(self._net.input_size[0])

    def aligned(self, picture: Frames, points: Floats) -> Frames:
        """What it looks at: (side, side, 3) uint8 RGB, the five points at their fixed places."""
        with _quiet():
            from insightface.utils.face_align import norm_crop

            face = norm_crop(picture, points.astype(np.float32), self.side)
        return np.asarray(face, np.uint8)

    def embed(self, picture: Frames, points: Floats) -> Floats:
        """See Recogniser."""
        face = self.aligned(picture, points)
        with self._lock, _running(self.file):
            self.calls += 1
            found = np.asarray(self._net.get_feat(_bgr(face)), np.float32).reshape(-1)
        return found / max(float(np.linalg.norm(found)), 1e-12)


def _files(pack: Path) -> list[Path]:
    # antelopev2's zip holds a folder of its own name.
    return sorted(pack.glob("*.onnx")) or sorted(pack.glob("*/*.onnx"))


def _bgr(picture: Frames) -> Frames:
    return np.ascontiguousarray(picture[..., ::-1])


def _of_kind(pack: Path, kind: str, reason: str) -> Path:
    if not _files(pack):
        raise Missing(
            f"A face pack (.onnx files) in {pack}",
            "Get one: python3 launch.py fetch buffalo_l --accept-licence",
            (pack.parent,),
        )
    found = models(pack)
    if kind not in found:
        raise BadFile(pack, f"holds {reason}", "Choose another face pack.")
    return found[kind]


def _kind(file: Path) -> str:
    """What a network is for; empty for neither."""
    check_file(file, ANOTHER)
    onnx = _package().onnx
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(str(file), load_external_data=False).graph
    except DecodeError as error:
        raise _bad(file) from error
    weights = {weight.name for weight in graph.initializer}
    inputs = [_shape(value) for value in graph.input if value.name not in weights]
    outputs = [_shape(value) for value in graph.output]
    if not inputs or not outputs:
        raise _bad(file)
    if len(inputs) > 1 or len(inputs[0]) != 4 or inputs[0][1] not in (0, 3):
        return ""
    if len(outputs) in WITH_POINTS:
        return DETECTOR
    height, width = inputs[0][2:]
    # insightface aligns faces to multiples of these sides alone.
    fits = height == width and height > 0 and (height % 112 == 0 or height % 128 == 0)
    is_vector = len(outputs) == 1 and len(outputs[0]) == 2
    return RECOGNISER if fits and is_vector and height not in OTHERS else ""


def _shape(value: Any) -> list[int]:
    """0 stands for a free dimension."""
    return [dim.dim_value for dim in value.type.tensor_type.shape.dim]


def _package() -> Any:
    """A module that knows onnx and onnxruntime.

    Raises Missing where insightface cannot be had, OutOfMemory and HostFailed where it is there and
    cannot be loaded.
    """
    try:
        with _quiet():
            import insightface.model_zoo.arcface_onnx as package
    except (ImportError, MemoryError, OSError) as error:
        raise _not_loaded(error) from error
    return package


def _not_loaded(error: Exception) -> EasyPhotoError:
    step = f'It comes, and nothing else changes, with: "{sys.executable}" "{INSTALL}"'
    folders = (Path(sys.executable).parent, INSTALL.parent)
    if lacks_memory(error):
        return OutOfMemory("the machine", f"insightface could not be loaded ({error}). {LESS}")
    # One that names a module did not find it; others found a library that does not load.
    if isinstance(error, ModuleNotFoundError) or not is_installed():
        return Missing(f"The package insightface ({error})", step, folders)
    return HostFailed(f"The package insightface is there, but cannot be loaded: {error}. {step}")


def _session(file: Path) -> Any:
    """The network, on CUDA where onnxruntime offers it. Raises BadFile."""
    runtime = _package().onnxruntime
    options = runtime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    there = runtime.get_available_providers()
    with _running(file):
        return runtime.InferenceSession(
            str(file), options, providers=[name for name in PROVIDERS if name in there]
        )


@contextlib.contextmanager
def _running(file: Path) -> Iterator[None]:
    """Translate onnxruntime's errors, which have no common root of their own."""
    state: Any = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented")
    known = tuple(getattr(state, name) for name in (*names, "RuntimeException", "EPFail"))
    try:
        yield
    except known as error:
        raise _bad(file, str(error).splitlines()[0]) from error


def _bad(file: Path, detail: str = "it has no inputs and outputs") -> BadFile:
    return BadFile(
        file,
        f"is no network that onnxruntime can run ({detail})",
        ANOTHER,
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What insightface's libraries warn it of is nothing to the user."""
    # Two threads that put the filters back in the wrong order would silence all for good.
    with FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
