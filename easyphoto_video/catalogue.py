"""The catalogue: files that others publish and that this program can use.

Size and sha256 are those of the publishers' own pages and of the Git LFS pointers to the same
files (huggingface.co/guoyww/animatediff, huggingface.co/wangfuyun/AnimateLCM); for the face packs,
which come from GitHub releases without a checksum, those that several projects pin independently.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from easyphoto_video import face_files
from easyphoto_video.errors import BadRequest

MOTION = "models/AnimateDiff"
LORA = "models/Lora"
FACES = "models/insightface/models"
"""insightface looks for packs in ROOT/models/NAME; ROOT is models/insightface."""
PIP = "pip:"
"""How the address of a wheel begins that pip brings, and of which only some files are taken."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file to download, or one zip whose models make a folder."""

    name: str
    """What the user types: the file's name without its ending, or what the files are for."""
    kind: str
    """What it is, in the words of the command line."""
    url: str
    size: int
    """Bytes to download."""
    sha256: str | None
    """Of the download, in hexadecimal; None where no public source states it."""
    licence: str
    folder: str
    """Where it goes, below the data folder; a pack makes a folder of its name in there."""
    terms: str = ""
    """Where terms stand that must be accepted first; empty for free licences."""
    note: str = ""
    """What to know before downloading; may be empty."""

    @property
    def filename(self) -> str:
        """The name of the file as published."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def is_pack(self) -> bool:
        """Whether the download is a zip to be unpacked."""
        return self.filename.endswith(".zip")

    @property
    def is_wheel(self) -> bool:
        """Whether the files come out of a package's wheel."""
        return self.url.startswith(PIP)


def _animatediff(file: str, kind: str, size: int, sha256: str, note: str = "") -> Entry:
    return Entry(
        name=file.removesuffix(".ckpt"),
        kind=kind,
        url=f"https://huggingface.co/guoyww/animatediff/resolve/main/{file}",
        size=size,
        sha256=sha256,
        licence="Apache-2.0",
        folder=LORA if kind == "LoRA" else MOTION,
        note=note,
    )


def _motion_lora(movement: str, sha256: str) -> Entry:
    return _animatediff(f"v2_lora_{movement}.ckpt", "motion LoRA", 77_474_499, sha256)


def _animatelcm(file: str, kind: str, size: int, sha256: str, note: str) -> Entry:
    return Entry(
        name=file.rsplit(".", 1)[0],
        kind=kind,
        url=f"https://huggingface.co/wangfuyun/AnimateLCM/resolve/main/{file}",
        size=size,
        sha256=sha256,
        licence="none stated; its author points to Stable Diffusion's",
        folder=LORA if kind == "LoRA" else MOTION,
        note=note,
    )


def _face_pack(name: str, size: int, sha256: str, note: str) -> Entry:
    return Entry(
        name=name,
        kind="face pack",
        url=f"https://github.com/deepinsight/insightface/releases/download/v0.7/{name}.zip",
        size=size,
        sha256=sha256,
        licence="non-commercial research only",
        folder=FACES,
        terms="https://github.com/deepinsight/insightface#license",
        note=note,
    )


ENTRIES = (
    Entry(
        name="faces",
        kind="face finder",
        url=PIP + face_files.PACKAGE,
        size=face_files.SIZE,
        sha256=None,  # of each file by itself, see face_files
        licence="Apache-2.0",
        folder=face_files.FOLDER,
        note="MediaPipe's two networks, 1.5 MB, out of its wheel; nothing is installed",
    ),
    _animatediff(
        "mm_sd_v14.ckpt",
        "motion module",
        1_672_133_921,
        "aa7fd8a200a89031edd84487e2a757c5315460eca528fa70d4b3885c399bffd5",
        "v1, at most 24 frames at once",
    ),
    _animatediff(
        "mm_sd_v15.ckpt",
        "motion module",
        1_672_133_921,
        "cf16ea656cb16124990c8e2c70a29c793f9841f3a2223073fac8bd89ebd9b69a",
        "v1, at most 24 frames at once",
    ),
    _animatediff(
        "mm_sd_v15_v2.ckpt",
        "motion module",
        1_817_888_431,
        "69ed0f5fef82b110aca51bcab73b21104242bc65d6ab4b8b2a2a94d31cad1bf0",
        "v2, a good first choice",
    ),
    _animatediff(
        "v3_sd15_mm.ckpt",
        "motion module",
        1_673_262_583,
        "2412711886f61091846f53204aabc38aa6e09356d62a9808abe4daa802168343",
        "v3, made to go with v3_sd15_adapter",
    ),
    _animatediff(
        "v3_sd15_adapter.ckpt",
        "LoRA",
        102_134_097,
        "fd2d8e26480f6ab013c1e6af86fdf1dedbb1ed5baf850ccd5f365f39d6c3472c",
        "the domain adapter of v3_sd15_mm; a LoRA for pictures, not for motion",
    ),
    _animatediff(
        "mm_sdxl_v10_beta.ckpt",
        "motion module",
        950_143_538,
        "fa4950a062e892fca50d4c441fcd6130d1ad68a621a0404d155be17580072978",
        "for SDXL; recognised, but cannot be used yet",
    ),
    _motion_lora("ZoomIn", "70ce8b9057b173b9249c48aca5d66c8aa1d8aaa040fda394e50e37f3e278195e"),
    _motion_lora("ZoomOut", "4172fb2d36410ef638ae0e29d604b66c11ee44b94db9c7cc5ee34d7f865c55d9"),
    _motion_lora("PanLeft", "ed79025f8bea018c8925f43b6304a27e462335b6ec5e6f8a222c2726153844b3"),
    _motion_lora("PanRight", "f4eb9154623c628c76dbd83109f125617c985490fec36ddca5464eb61ac7f6d5"),
    _motion_lora("TiltUp", "c0ee2f181fc69d7fe26e013ad5cfea11f25cb9f5e8fded3c9942b61803cd6c3d"),
    _motion_lora("TiltDown", "09e4d5448aba4ea51b3bcd4b5d2b058ed4b47bb72d94d8c05a3ccce3368db6d9"),
    _motion_lora(
        "RollingClockwise", "361b1af8500d7fd09c2f884fac5dc0397a4323bae8fab5233443de5383d13630"
    ),
    _motion_lora(
        "RollingAnticlockwise", "7ae6cbc81044895243bba9a64df9666db763a52acfd8e496c490af84e812748a"
    ),
    _animatelcm(
        "AnimateLCM_sd15_t2v.ckpt",
        "motion module",
        1_813_041_929,
        "b46c3de62e5696af72c4056e3cdcbea12fbc19581c0aad7b6f2b027851148f5f",
        "4-8 steps with the LCM sampler; wants AnimateLCM_sd15_t2v_lora",
    ),
    _animatelcm(
        "AnimateLCM_sd15_t2v_lora.safetensors",
        "LoRA",
        134_621_556,
        "8f90d840e075ff588a58e22c6586e2ae9a6f7922996ee6649a7f01072333afe4",
        "for AnimateLCM_sd15_t2v",
    ),
    _face_pack(
        "buffalo_l",
        288_621_354,
        "80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f",
        "finds and recognises faces",
    ),
    _face_pack(
        "buffalo_s",
        127_607_557,
        "d85a87f503f691807cd8bb97128bdf7a0660326cd9cd02657127fa978bab8b5e",
        "smaller and faster than buffalo_l",
    ),
    _face_pack(
        "antelopev2",
        360_662_982,
        "8e182f14fc6e80b3bfa375b33eb6cff7ee05d8ef7633e738d1c89021dcf0c5c5",
        "the most exact at recognising",
    ),
)


def catalogue() -> tuple[Entry, ...]:
    """Every file that `fetch` knows."""
    return ENTRIES


def find(name: str) -> Entry:
    """The entry with this name or file name, whatever the case. Raises BadRequest."""
    known = {key.lower(): entry for entry in ENTRIES for key in (entry.name, entry.filename)}
    if name.lower() in known:
        return known[name.lower()]
    near = difflib.get_close_matches(name.lower(), known, 1)
    hint = f"Did you mean {known[near[0]].name}? " if near else ""
    raise BadRequest(
        "Name", name, "is not in the catalogue", f"{hint}python3 launch.py fetch lists it."
    )


def table() -> str:
    """The catalogue as lines of text: name, kind, size, folder, licence and note."""
    rows = [("NAME", "KIND", "MB", "FOLDER", "LICENCE, NOTE")]
    for entry in ENTRIES:
        words = "; ".join(filter(None, [entry.licence, entry.note]))
        rows.append((entry.name, entry.kind, f"{entry.size / 1e6:.0f}", entry.folder, words))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column == 2 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
