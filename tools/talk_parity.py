"""How far talking is from the official EchoMimic, by the golden folders; see tools.parity."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from easyphoto_video.errors import BadFile, Missing
from easyphoto_video.host.standalone.talking import denoiser, reference
from easyphoto_video.motion.read import read_motion
from easyphoto_video.sound.features import around, frame_count
from easyphoto_video.sound.mel import log_mel
from easyphoto_video.sound.whisper import read_whisper
from easyphoto_video.talk import noise, sync
from easyphoto_video.talk.crop import CROP, MASK, face_square, rounded
from easyphoto_video.talk.entering import Told, seen, speaking
from easyphoto_video.talk.landmarks import draw
from easyphoto_video.talk.locator import locator_from
from easyphoto_video.talk.sampling import LARGEST, Course, Predict, sampled
from easyphoto_video.talk.windows import BY_LANDMARKS, BY_VOICE, moved, windows
from easyphoto_video.tensors import load_state_dict

AGAIN = "Make the folder again."
PIXELS = 0.001
"""The share of a drawing's pixels that may differ."""
SYNC = 1e-6
"""px that a synchronised landmark may be off."""
FULL = 32768.0


class Finding(NamedTuple):
    """One thing of a folder: how far off it is, and how far it may be."""

    name: str
    error: float
    limit: float


def audio(folder: Path) -> Iterator[Finding]:
    """Log-mel, the encoder's layers, and which features go with each frame."""
    meta, tensors = _meta(folder), load_state_dict(folder / "tensors.safetensors")
    limits = meta["tolerance_float32"]
    mel = log_mel(tensors["pcm16k"].double() / FULL)
    yield _off("log_mel", mel, tensors, limits)
    encoder = read_whisper(
        folder / "whisper_encoder.safetensors", meta["encoder"]["n_audio_head"]
    ).double()
    columns = 2 * encoder.spec.positions
    padded = torch.nn.functional.pad(mel, (0, columns - mel.shape[1]))
    kept = encoder(padded[None])[0, tensors["kept_tokens"].long()].transpose(0, 1)
    yield _off("encoder_layers", kept, tensors, limits)
    yield _off("encoder_ln_post", encoder.ln_post(kept[-1]), tensors, limits)
    for name, expected in tensors.items():
        if match := re.fullmatch(r"slice_idx_len(\d+)_fps([\d.]+)", name):
            rows, fps = int(match[1]), float(match[2])
            count = frame_count(rows, fps)
            yield _same(name, [around(i, rows, fps) for i in range(count)], expected.tolist())
    for case, count in meta.get("chunk_counts", {}).items():
        rows, fps = case.split("@")
        yield _same(f"frames of {case}", frame_count(int(rows), float(fps)), count)


def landmarks(folder: Path) -> Iterator[Finding]:
    """Drawings, motion synchronisation and crops."""
    meta = _meta(folder)
    tensors = {k: t.numpy() for k, t in load_state_dict(folder / "tensors.safetensors").items()}
    for drawing in meta["drawings"]:
        name, size = drawing["file"].removesuffix(".png"), tuple(drawing["size_wh"])
        found = cv2.imread(str(folder / drawing["file"]), cv2.IMREAD_COLOR)
        if found is None:
            raise Missing(str(folder / drawing["file"]), AGAIN)
        points = _points(meta["points"][name], tensors)
        if points is not None and not drawing["normed"]:
            points = points[:, :2] / size
        drawn = draw(points, (size[0], size[1]), _parts(drawing["options"]))
        share = float((drawn != found[:, :, ::-1]).any(2).mean())
        yield Finding(f"{name} (pixels)", share, PIXELS)
    yield from _synchronised(tensors)
    for i, case in enumerate(meta["crop_cases"]):
        size = (case["image_hw"][1], case["image_hw"][0])
        box = rounded(tuple(case["box_xyxy"]))
        made = [box.wider(CROP, size), face_square(box, size), box.wider(MASK, size)]
        expected = [case["crop_rect"], case["square_xyxy"], case["mask_xyxy"] or list(made[2])]
        yield _same(f"crop {i}", [list(rectangle) for rectangle in made], expected)


def _synchronised(tensors: Mapping[str, Any]) -> Iterator[Finding]:
    rows = (tensors[f"driver_{kind}"] for kind in ("lmks", "lmks3d", "trans_mat"))
    driver = [sync.Measured(*face) for face in zip(*rows, strict=True)]
    own = sync.Measured(*(tensors[f"ref_{kind}"] for kind in ("lmks", "lmks3d", "trans_mat")))
    cases: dict[str, Callable[[], np.ndarray]] = {
        "motion_sync": lambda: sync.synchronised(driver, own),
        "motion_sync_no_part_align": lambda: sync.synchronised(driver, own, by_part=False),
        "motion_sync_one_frame": lambda: sync.synchronised(driver[:1], own),
    }
    for name, made in cases.items():
        if name in tensors:
            yield Finding(f"{name} (px)", float(np.abs(made() - tensors[name]).max()), SYNC)


def _parts(options: Mapping[str, bool]) -> list[str]:
    named = {"draw_mouse": "mouth", "draw_iris": "irises", "draw_head": "head"}
    wanted = [part for option, part in named.items() if options.get(option)]
    return ["eyes", "brows", "pupils", "nose", *wanted]


def _points(told: str, tensors: Mapping[str, Any]) -> np.ndarray | None:
    """Such as "motion_sync[1]*(160/512,128/512)": a tensor, a row of it, and a scale."""
    match = re.fullmatch(r"(\w+)(?:\[(\d+)\])?(?:\*\(([\d./]+),([\d./]+)\))?(?: normed)?", told)
    if told == "no points" or match is None:
        return None
    points = tensors[match[1]]
    points = points if match[2] is None else points[int(match[2])]
    if match[3] is None:
        return points
    scale = [int(a) / int(b) for a, b in (part.split("/") for part in match.groups()[2:])]
    return points[:, :2] * scale


@torch.no_grad()
def networks(folder: Path) -> Iterator[Finding]:
    """Locators, the reference's bank, pairs of predictions, both pipelines, windows, the noise."""
    golden = _Networks(folder)
    yield from _tables(folder, golden.meta)
    limits, tensors = golden.meta["tolerance_float32"], golden.tensors
    mask, drawn = golden.faces["mask"], golden.faces["pose"]
    yield _off("face_locator_out", mask[None].transpose(1, 2), tensors, limits)
    yield _off("face_locator_pose_out", drawn[None].transpose(1, 2), tensors, limits)
    expected = load_state_dict(folder / "bank.safetensors")
    worst = max(float((golden.bank[name] - t).abs().max()) for name, t in expected.items())
    yield Finding("bank", worst, limits["bank (max over all)"]["abs"])
    rows = tensors["latents"][0].transpose(0, 1)
    for name in tensors:
        if match := re.fullmatch(r"v_pair_(mask|pose)_t(\d+)", name):
            with golden.predicting(match[1]) as predict:
                both = predict(
                    torch.cat([rows, rows]), int(match[2]), range(len(rows)), (False, True)
                )
            yield _off(name, both.unflatten(0, (2, -1)).transpose(1, 2), tensors, limits)
    start = tensors["init_latents"][0].transpose(0, 1)
    by_voice = Course(steps=2)
    by_landmarks = Course(steps=2, guidance=1.0, shift=BY_LANDMARKS)
    with golden.predicting("mask") as predict:
        made = sampled(start.clamp(-LARGEST, LARGEST), predict, by_voice)
    yield _off("pipe_audio_final", made.transpose(0, 1)[None], tensors, limits)
    with golden.predicting("pose") as predict:
        made = sampled(start, predict, by_landmarks)
    yield _off("pipe_pose_acc_final", made.transpose(0, 1)[None], tensors, limits)


class _Networks:
    """The networks of a folder, in float64 as the official run that made it."""

    def __init__(self, folder: Path) -> None:
        self.meta = _meta(folder)
        heads = self.meta["attention_heads"]

        def read(name: str) -> dict[str, Tensor]:
            loaded = load_state_dict(folder / f"{name}.safetensors")
            return {k: t.double() if t.is_floating_point() else t for k, t in loaded.items()}

        self.tensors = read("tensors")
        self.unet: Any = denoiser(read("denoising_unet"), folder, heads)
        self.motion = read_motion(folder / "motion_module.safetensors").double()
        by_mask = locator_from(read("face_locator"), folder)
        by_drawing = locator_from(read("face_locator_pose"), folder)
        self.faces = {
            "mask": by_mask(self.tensors["face_mask"][:, :, 0].double()),
            "pose": by_drawing(self.tensors["pose_images"][0].transpose(0, 1).double() / 255),
        }
        looks: Any = reference(read("reference_unet"), folder, heads)
        self.bank = seen(looks, lambda *call: looks(*call).sample, self.tensors["ref_latents"])

    def predicting(self, face: str) -> AbstractContextManager[Predict]:
        """With the mask, or the drawn landmarks, as what locates the face."""
        told = Told(bank=self.bank, voice=self.tensors["audio"][0], face=self.faces[face])
        return speaking(self.unet, lambda *call: self.unet(*call).sample, self.motion, told)


def _tables(folder: Path, meta: Mapping[str, Any]) -> Iterator[Finding]:
    scheduler = meta["scheduler"]
    for steps, expected in scheduler["timesteps"].items():
        yield _same(f"timesteps of {steps}", noise.timesteps(int(steps)), expected)
    ends = noise.alphas()[[0, 1, -2, -1]].tolist()
    yield _same("alphas", ends, scheduler["alphas_cumprod_0_1_998_999"])
    for name, table in _json(folder / "windows.json")["tables"].items():
        match = re.fullmatch(r"F(\d+)_ctx(\d+)_ov(\d+)", name)
        if match is None:
            raise BadFile(folder, f"there is no telling what the windows {name} are", AGAIN)
        frames, length, overlap = map(int, match.groups())
        made = windows(frames, length, overlap)
        found = {"queue": made}
        for kind, by in (("audio_shift2", BY_VOICE), ("pose_shift3", BY_LANDMARKS)):
            found |= {f"{kind} {step}": moved(made, frames, int(step), by) for step in table[kind]}
        expected = {"queue": table["queue"]}
        for kind in ("audio_shift2", "pose_shift3"):
            expected |= {f"{kind} {step}": rows for step, rows in table[kind].items()}
        as_lists = {key: [list(window) for window in rows] for key, rows in found.items()}
        yield _same(f"windows {name}", as_lists, expected)


KINDS: dict[str, Callable[[Path], Iterator[Finding]]] = {
    "echomimic": networks,
    "echomimic_audio": audio,
    "echomimic_landmarks": landmarks,
}
"""By the `kind` in meta.json."""


def findings(kind: str, folder: Path) -> Iterator[Finding]:
    """Everything of a folder. Raises Missing, and BadFile where a file lacks something."""
    try:
        yield from KINDS[kind](folder)
    except (LookupError, TypeError, ValueError) as error:
        raise BadFile(folder, f"this cannot be used ({error!r})", AGAIN) from error


def kind_of(folder: Path) -> str:
    """The `kind` in a folder's meta.json; empty where there is none."""
    path = folder / "meta.json"
    return str(_json(path).get("kind", "")) if path.is_file() else ""


def _meta(folder: Path) -> dict[str, Any]:
    return _json(folder / "meta.json")


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise Missing(str(path), "Give a folder of golden tensors.")
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BadFile(path, f"this cannot be used ({error})", AGAIN) from error


def _off(
    name: str, made: Tensor, tensors: Mapping[str, Tensor], limits: Mapping[str, Any]
) -> Finding:
    """The largest difference to a tensor of the folder, by the tolerance that the folder gives."""
    expected, limit = tensors[name], limits[name]
    if made.shape != expected.shape:
        raise ValueError(f"{name} has the shape {tuple(expected.shape)}, not {tuple(made.shape)}")
    limit = limit["abs"] if isinstance(limit, dict) else limit
    return Finding(name, float((made - expected).abs().max()), float(limit))


def _same(name: str, made: object, expected: object) -> Finding:
    return Finding(name, float(made != expected), 0.0)
