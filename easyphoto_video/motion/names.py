"""Other programs' names for the tensors of a motion module, in the official ones.

Known beside guoyww/AnimateDiff's: hotshotco/Hotshot-XL's and those of diffusers' MotionAdapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

PLACE = re.compile(
    r"(?:^|\.)((?:(?:down|up)_blocks\.\d+|mid_block)\.)"
    r"(?:motion_modules|temporal_attentions)(\.\d+\.)(.+)$"
)
TABLE = "pos_encoder.pe"

# diffusers' name of a part of a transformer block -> the official one.
DIFFUSERS = {
    "attn1": "attention_blocks.0",
    "attn2": "attention_blocks.1",
    "norm1": "norms.0",
    "norm2": "norms.1",
    "norm3": "ff_norm",
}
INNER = re.compile(r"(transformer_blocks\.\d+\.)(\w+)(.*)$")
POSITIONS = re.compile(r"pos_encoder\.(positional_encoding|pos_encoding|pe)$")


def official(key: str) -> Iterator[str]:
    """The official names of a tensor: one for most, none for what is not part of the motion.

    diffusers keeps one position table for both attentions of a block, which gives two names.
    """
    match = PLACE.search(key)
    if match is None:
        return
    block, number, rest = match.groups()
    stem = f"{block}motion_modules{number}temporal_transformer."
    rest = POSITIONS.sub(TABLE, rest.removeprefix("temporal_transformer."))
    inner = INNER.match(rest)
    if inner is None:
        yield f"{stem}{rest}"
        return
    block, part, tail = inner.groups()
    if part == "pos_embed":
        yield from (f"{stem}{block}attention_blocks.{i}.{TABLE}" for i in range(2))
    else:
        yield f"{stem}{block}{DIFFUSERS.get(part, part)}{tail}"
