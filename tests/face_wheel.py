"""A wheel like mediapipe's for pip to find, with small files in place of the two networks."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

from easyphoto_video import face_files

CONTENTS = {face_files.DETECTOR.path: b"finder", face_files.MESH.path: b"mesh"}
SHA256 = {path: hashlib.sha256(content).hexdigest() for path, content in CONTENTS.items()}


def write(folder: Path) -> Path:
    """The wheel, in a folder that PIP_FIND_LINKS may name."""
    name, version = face_files.PACKAGE.split("==")
    about = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-cp312-cp312-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in CONTENTS.items():
            archive.writestr(member, content)
        archive.writestr(face_files.TERMS, "the terms")
        archive.writestr(
            f"{about}/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: unwanted\n",
        )
        archive.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp312-cp312-manylinux_2_28_x86_64\n",
        )
        archive.writestr(f"{about}/RECORD", "")
    return path


def source() -> str:
    """face_files.py as it would be if these were the files."""
    text = Path(face_files.__file__).read_text(encoding="utf-8")
    for member in (face_files.DETECTOR, face_files.MESH):
        text = re.sub(member.sha256, SHA256[member.path], text)
    return text
