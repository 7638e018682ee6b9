"""Ways that are faster and not exact: what they gain, and what a clip of theirs has lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Row, alone, in_turn
from bench.models import EMBEDDED, subject
from bench.plan import Plan
from bench.steps import our_latents
from easyphoto_video.clip import Frames
from easyphoto_video.engine import Shot, render
from easyphoto_video.faces.score import FlickerMeter
from easyphoto_video.host.cast import cast_of
from easyphoto_video.host.people import DEMO
from easyphoto_video.host.standalone.host import StandaloneHost
from easyphoto_video.modes.text2video import Text2Video

CACHES = (2, 3, 5)
WAYS: Mapping[str, Mapping[str, Any]] = {
    **{f"step cache {every}": {"step_cache": every} for every in CACHES},
    **{f"{steps} steps": {"steps": steps} for steps in (10, 7, 5)},
}
"""What differs from an exact clip; fewer steps are what anybody could do instead."""
CLIPS = 4
"""Of which each quality is the mean."""
STEPS_OF_A_CACHE = 3


def approximate(plan: Plan) -> Iterator[Row]:
    """Each way's time against the exact clip's, and in words how near its clips come."""
    for name in plan.subjects:
        if name == EMBEDDED:
            yield from alone(_clips, plan)
        else:
            for dtype in plan.dtypes:
                yield alone(_steps, plan, name, dtype)


def _clips(plan: Plan) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        host = StandaloneHost(Path(folder))

        def drawn(seed: int, **changes: Any) -> Frames:
            asked = Text2Video(seed=seed, user_id=DEMO, frames=plan.frames, **changes)
            settled = host.settle(asked)
            assert isinstance(settled, Text2Video)
            return render(host.engine, Shot.of(settled))

        exact = [drawn(seed) for seed in range(CLIPS)]
        near = _Nearness(host, exact)
        told = {}
        for way, changes in WAYS.items():
            told[way] = near.told([drawn(seed, **changes) for seed in range(CLIPS)])
        calls = {way: partial(drawn, 0, **changes) for way, changes in WAYS.items()}
        spent = in_turn({"exact": partial(drawn, 0), **calls}, plan.repeats, clock=plan.clock)
    return [
        Row(
            case="approximate",
            what=f"embedded, {way}: {told[way]}",
            unit="s",
            ours=spent[way],
            theirs=spent["exact"],
            against="exact",
            samples=plan.repeats,
        )
        for way in WAYS
    ]


class _Nearness:
    """How near clips come to exact ones: PSNR, flicker, and faces by their recogniser."""

    def __init__(self, host: StandaloneHost, exact: list[Frames]) -> None:
        cast = cast_of(host.settle(Text2Video(user_id=DEMO)), host.people)
        assert cast is not None
        self._exact, self._recogniser = exact, cast.recogniser
        self._faces = [[cast.detector.detect(frame)[:1] for frame in clip] for clip in exact]

    def told(self, clips: list[Frames]) -> str:
        """In words."""
        pairs = list(zip(self._exact, clips, strict=True))
        errors = [np.mean((one.astype(float) - other) ** 2) for one, other in pairs]
        psnr = float(np.mean([10 * np.log10(255**2 / max(error, 1e-9)) for error in errors]))
        flicker = np.mean([_flicker(other) / _flicker(one) for one, other in pairs])
        return f"PSNR {psnr:.1f} dB, flicker {flicker:.2f}, likeness {self._likeness(clips)}"

    def _likeness(self, clips: list[Frames]) -> str:
        if self._recogniser is None:
            return "-"
        embed = self._recogniser.embed
        found = [
            float(embed(one, face.points) @ embed(other, face.points))
            for exact, clip, faces in zip(self._exact, clips, self._faces, strict=True)
            for one, other, here in zip(exact, clip, faces, strict=True)
            for face in here
        ]
        return f"{np.mean(found):.3f}"


def _flicker(clip: Frames) -> float:
    meter = FlickerMeter()
    for frame in clip:
        meter.add(frame)
    return float(meter.result().outside or np.nan)


def _steps(plan: Plan, name: str, dtype: str) -> Row:
    """A whole step and two that recall, against three whole ones."""
    model = subject(name, dtype, plan.device)
    inputs = model.inputs(plan.frames, plan.px)
    calls = {
        every: partial(our_latents, model, inputs, STEPS_OF_A_CACHE, step_cache=int(every))
        for every in ("1", "3")
    }
    for call in calls.values():
        call()
    spent = in_turn(calls, plan.repeats, model.target.device, plan.clock)
    return Row(
        case="approximate",
        what=f"{name} {dtype}, {STEPS_OF_A_CACHE} steps, step cache 3",
        unit="s",
        ours=spent["3"],
        theirs=spent["1"],
        against="exact",
        samples=plan.repeats,
    )
