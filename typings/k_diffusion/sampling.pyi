from typing import Any

torch: Any
