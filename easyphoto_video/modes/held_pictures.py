"""The pictures that an image2video begins from: looked at when it is settled, read when it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.engine import Mix, Start, Weights
from easyphoto_video.errors import BadRequest
from easyphoto_video.family import Family
from easyphoto_video.holding import Fading, animatediff, easyphoto, rising, steady
from easyphoto_video.modes.image2video import Image2Video
from easyphoto_video.sizes import size_like
from easyphoto_video.video.still import fitted, read_picture


def settled_pictures(request: Image2Video, family: Family) -> dict[str, Any]:
    """The size that the first picture chooses, as large as the family's.

    Opens the files. Raises BadRequest and BadFile.
    """
    if not request.image:
        raise BadRequest("Image", "", "is missing", "Give the picture that the clip begins with.")
    if request.last_image and request.frames < 2:
        reason = "is too few for a first and a last picture"
        raise BadRequest("Frames", request.frames, reason, "Give 2 at least.")
    pictures = [read_picture(file) for file in (request.image, request.last_image) if file]
    height, width = pictures[0].shape[:2]
    return size_like(request, width, height, family)


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """One or two pictures, and how they hold over the frames of a clip."""

    pictures: Frames
    """(K, H, W, 3) uint8 RGB."""
    mix: Mix
    strengths: Weights
    """(N,)"""

    def start(self, rows: range) -> Start:
        """What the frames of these numbers begin from; beyond the clip it is as at its end."""
        at = np.minimum(rows, len(self.strengths) - 1)
        return Start(
            frames=self.pictures,
            strength=tuple(self.strengths[at].tolist()),
            mix=Mix(weights=self.mix.weights[at], noise=self.mix.noise[at]),
        )


def held_pictures(job: Image2Video) -> Held:
    """The pictures of a settled request in its size. Raises BadFile."""
    files = [job.image, *filter(None, [job.last_image])]
    pictures = [fitted(read_picture(file), job.width, job.height, job.fit) for file in files]
    frames, count = job.frames, len(pictures)
    strengths = np.full(frames, job.strength)
    if job.hold == "easyphoto":
        mix = easyphoto(frames, count)
    elif job.hold == "animatediff":
        mix = animatediff(frames, count, _fading(job))
    else:
        mix, strengths = steady(frames, count), rising(frames, count, job.strength)
    scheduled = job.over_frames("strength_schedule", range(frames))
    if scheduled:
        strengths = np.array(scheduled)
    return Held(pictures=np.stack(pictures), mix=mix, strengths=strengths)


def _fading(job: Image2Video) -> Fading:
    return Fading(
        power=job.latent_power,
        scale=job.latent_scale,
        power_last=job.latent_power_last,
        scale_last=job.latent_scale_last,
    )
