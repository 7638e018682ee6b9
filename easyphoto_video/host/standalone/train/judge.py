"""Validation: what was learnt so far draws the person, and a recogniser says how alike it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from easyphoto_video.clip import Frames
from easyphoto_video.face_settings import TAIL
from easyphoto_video.faces.crop import CropPlan
from easyphoto_video.faces.face import Detector, Floats, Recogniser
from easyphoto_video.host.calls import Calls
from easyphoto_video.host.shots import begins_at
from easyphoto_video.host.standalone.conditions import scripts
from easyphoto_video.host.standalone.denoise import Guide, Kept, Noise, Predictor, denoised
from easyphoto_video.host.standalone.device import Target
from easyphoto_video.host.standalone.model.load import Models
from easyphoto_video.host.standalone.pictures import decoded, encoded
from easyphoto_video.host.standalone.prompt.encode import encode_all
from easyphoto_video.host.standalone.samplers import Noising, Sampler
from easyphoto_video.host.standalone.train.album import crop
from easyphoto_video.host.standalone.train.request import TRIGGER, TrainRequest
from easyphoto_video.motion.windows import apart
from easyphoto_video.schedule import Schedule
from easyphoto_video.watch import Viewer, Watch, Within

SAMPLER = "DPM++ 2M Karras"
STEPS = 20
STRENGTH = 0.45
"""Of the face pass."""
STRANGERS = 4
SEED = 1000
"""Of the first stranger; the same in every training, so that scores can be compared."""
AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class Drawer:
    """Draws with networks as they are now."""

    models: Models
    target: Target

    def draw(self, prompt: str, count: int, watch: Watch, start: Frames | None = None) -> Frames:
        """(count, s, s, 3) uint8 RGB of the checkpoint's own size, from noise or from pictures."""
        facts, models = self.models.facts, self.models
        wanted, free = (Schedule.constant(text) for text in (prompt, ""))
        prompts = scripts(wanted, free, STEPS)
        texts = sorted(prompts[0].texts() | prompts[1].texts())
        (begin,) = begins_at([1.0 if start is None else STRENGTH], STEPS)
        alone = apart(count, AT_ONCE)
        noising = Noising(
            betas=facts.betas, prediction=facts.family.prediction, zero_snr=facts.zero_snr
        )
        with torch.no_grad():
            kept = None if start is None else self._kept(start, begin, watch)
            predictor = Predictor(
                unet=models.unet,
                calls=Calls(windows=lambda step: alone),
                guide=Guide(
                    prompt=prompts[0],
                    negative=prompts[1],
                    encoded=encode_all(texts, models.text_encoder),
                    cfgs=(facts.cfg,) * count,
                ),
                pixels_at_once=self.target.latent_pixels_at_once,
            )
            side = facts.family.side
            noise = Noise(size=facts.family.latents(side, side), numbers=range(count), seed=SEED)
            sampler = Sampler(SAMPLER, STEPS, noising, begin)
            latents = denoised(predictor, sampler, noise, kept, watch, lambda _: None)
            return decoded(models.vae, latents, watch)

    def _kept(self, start: Frames, begin: int, watch: Watch) -> Kept:
        latents = encoded(self.models.vae, start, watch)
        return Kept(latents=latents, mask=None, begins=(begin,) * len(start))


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Draws the person over strangers' faces, and from nothing, and says how alike she is."""

    drawer: Drawer
    detector: Detector
    recogniser: Recogniser | None
    mean: Floats | None
    """(D,) of length 1, the person; None without a recogniser."""
    caption: str
    strangers: Frames
    """(n, s, s, 3) uint8 RGB, crops of other faces."""

    def look(self, watch: Watch) -> tuple[Frames, list[float]]:
        """Pictures (2n, s, s, 3) uint8 RGB, and the likeness of each to the person, -1..1.

        Where no face is found it is 0; without a recogniser nothing is said.
        """
        watch = Within("validation", watch)
        prompt = self.caption + TAIL.removeprefix(TRIGGER)
        over = self.drawer.draw(prompt, len(self.strangers), watch, self.strangers)
        anew = self.drawer.draw(self.caption, len(self.strangers), watch)
        pictures = np.concatenate([over, anew])
        if isinstance(watch, Viewer) and watch.wants_picture():
            watch.show(pictures)
        return pictures, [self._likeness(picture) for picture in pictures] if self.judges else []

    @property
    def judges(self) -> bool:
        """Whether it can say how alike somebody is."""
        return self.recogniser is not None and self.mean is not None

    def _likeness(self, picture: Frames) -> float:
        faces = self.detector.detect(picture)
        if not faces or self.recogniser is None or self.mean is None:
            return 0.0
        return float(self.recogniser.embed(picture, faces[0].points) @ self.mean)


def strangers(drawer: Drawer, detector: Detector, request: TrainRequest, watch: Watch) -> Frames:
    """(n, s, s, 3) uint8 RGB: somebody whom the checkpoint draws by itself, cut out by the face.

    Where no face is found the whole picture is taken.
    """
    drawn = drawer.draw(request.stranger, STRANGERS, Within("strangers", watch))
    side = drawer.models.facts.family.side
    plan = CropPlan(width=side, height=side, ratio=request.face_crop)
    found = [(picture, detector.detect(picture)) for picture in drawn]
    return np.stack([crop(pic, faces[0], plan) if faces else pic for pic, faces in found])
