"""What the UNet is told for each frame at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.prompt.steps import at_steps
from easyphoto_video.host.standalone.prompt.tags import LoraUse, without_tags
from easyphoto_video.schedule import Schedule


@dataclass(frozen=True)
class Script:
    """A prompt over frames and steps, as texts."""

    schedule: Schedule[list[str]]
    """For each key frame, the text at each step."""
    loras: tuple[LoraUse, ...]
    """Named in the prompt, each once; they hold for the whole clip."""

    @classmethod
    def of(cls, prompt: Schedule[str], steps: int, field: str) -> Script:
        """Reads tags and prompt editing. Raises BadRequest about the field."""
        parts = prompt.map(lambda text: without_tags(text, field))
        loras = dict.fromkeys(use for _, uses in parts.values for use in uses)
        return cls(parts.map(lambda part: at_steps(part[0], steps, field)), tuple(loras))

    def texts(self) -> set[str]:
        """Every text that is needed."""
        return {text for texts in self.schedule.values for text in texts}

    def rows(
        self,
        encoded: Mapping[str, Tensor],
        step: int,
        frames: Sequence[int],
        loop: int | None = None,
    ) -> Tensor:
        """The conditions (n, tokens, width) of these frames; between keys they blend evenly.

        `loop` as Schedule.around has it.
        """
        keys = [encoded[texts[step]] for texts in self.schedule.values]
        if len(keys) == 1:
            return keys[0].expand(len(frames), -1, -1)
        around = (self.schedule.around(frame, loop) for frame in frames)
        return torch.stack([torch.lerp(keys[a], keys[b], share) for a, b, share in around])


def scripts(prompt: Schedule[str], negative: Schedule[str], steps: int) -> tuple[Script, Script]:
    """Prompt and negative prompt. Raises BadRequest, also for a LoRA named in the negative."""
    wanted = Script.of(prompt, steps, "Prompt")
    free = Script.of(negative, steps, "Negative prompt")
    if free.loras:
        raise BadRequest(
            "Negative prompt", free.loras[0].name, "is a LoRA", "Name it in the prompt."
        )
    return wanted, free
