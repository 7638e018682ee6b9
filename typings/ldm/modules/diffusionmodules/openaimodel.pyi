from typing import Any

UNetModel: Any
