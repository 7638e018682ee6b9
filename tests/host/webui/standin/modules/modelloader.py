"""Files of models."""

from __future__ import annotations

from typing import Any

from modules import shared


def load_models(
    model_path: str,
    command_path: str | None = None,
    ext_filter: Any = None,
    ext_blacklist: Any = None,
) -> list[str]:
    """The files below the folders; nothing is loaded."""
    folders = [folder for folder in (command_path, model_path) if folder]
    files = [file for folder in folders for file in shared.walk_files(folder, ext_filter)]
    return [file for file in files if not file.endswith(tuple(ext_blacklist or ()))]
