# The WebUI's package, which has no types: every module of it may be imported, and is anything.
from typing import Any

def __getattr__(name: str) -> Any: ...
