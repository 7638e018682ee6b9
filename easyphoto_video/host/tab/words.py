"""The tab in Chinese: zh.json holds every text of the page by its English.

Labels and helps stand on the request's fields (`request.py`), so what is English there are the same
sentences again; a test of the form finds those that are missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

CHINESE: Mapping[str, str] = json.loads(
    Path(__file__).with_name("zh.json").read_text(encoding="utf-8")
)
"""Chinese by English."""
