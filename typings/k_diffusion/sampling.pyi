from typing import Any

torch: Any

def __getattr__(name: str) -> Any: ...
