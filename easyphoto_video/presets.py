"""What models that are trained for few steps ask of the sampler.

AnimateLCM (arXiv 2402.00769) and LCM LoRAs (arXiv 2311.05556) want 4 to 8 steps of LCM and little
guidance; AnimateDiff-Lightning (arXiv 2403.12706) as many steps of Euler as it was distilled to,
from the very end of the noise and without guidance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "LCM": {"sampler": "LCM", "steps": 6, "cfg": 1.5},
    "Lightning": {"sampler": "Euler SGM Uniform", "steps": 4, "cfg": 1.0},
}
"""Fields of a request, by the name that the command line and the tab show."""
PRESET_LABEL = "Few-step model"
PRESET_HELP = (
    "Sets sampler, steps and CFG scale for it; the motion module or LoRA is chosen where all are."
)
