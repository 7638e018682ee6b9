"""From texts to the conditions of the UNet, as the WebUI weighs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPTextModel

from easyphoto_video.host.standalone.prompt.chunks import Chunk, Find, chunks, no_embeddings

LEAST_MEAN = 0.02
"""As a share of the states' spread; below it, the ratio of two means is mostly chance."""


def encode_all(
    texts: Iterable[str], model: CLIPTextModel, clip_skip: int = 1, find: Find = no_embeddings
) -> dict[str, Tensor]:
    """The condition (77 * k, width) of every text, k chunks for all of them.

    Texts with fewer chunks than others get empty ones, so that they fit into one batch. Raises
    BadRequest and BadFile for embeddings that cannot be used.
    """
    parts = {text: chunks(text, find) for text in texts}
    most = max((len(found) for found in parts.values()), default=0)
    return {
        text: _encoded([*found, *(Chunk() for _ in range(most - len(found)))], model, clip_skip)
        for text, found in parts.items()
    }


def _encoded(parts: Sequence[Chunk], model: CLIPTextModel, clip_skip: int) -> Tensor:
    ids = torch.tensor([chunk.full_ids() for chunk in parts], device=model.device)
    weights = torch.tensor([chunk.full_weights() for chunk in parts], device=model.device)
    with _vectors_in(model, parts):
        states = model(ids, output_hidden_states=True)
    last = states.last_hidden_state
    if clip_skip > 1:
        inner: Any = getattr(model, "text_model", model)
        last = inner.final_layer_norm(states.hidden_states[-clip_skip])
    return weighted(last.float(), weights).flatten(0, 1)


def weighted(states: Tensor, weights: Tensor) -> Tensor:
    """Each token's state (k, 77, width) times its weight (k, 77), each chunk's mean as before.

    Where the states have hardly a mean to measure by, they are only multiplied, which the WebUI
    calls "No norm".
    """
    if bool((weights == 1).all()):
        return states
    heavier = states * weights[..., None]
    means, new = (t.mean((1, 2), keepdim=True) for t in (states, heavier))
    measurable = means.abs() > LEAST_MEAN * states.std((1, 2), keepdim=True)
    return torch.where(measurable, heavier * (means / new), heavier)


@contextmanager
def _vectors_in(model: CLIPTextModel, parts: Sequence[Chunk]) -> Iterator[None]:
    """While it lasts, the embeddings of the chunks stand where their tokens are."""

    def put(_layer: Any, _args: Any, embedded: Tensor) -> Tensor:
        embedded = embedded.clone()
        for row, chunk in enumerate(parts):
            for place, vectors in chunk.vectors:
                # One further, for the mark that begins the chunk.
                embedded[row, place + 1 : place + 1 + len(vectors)] = vectors.to(embedded)
        return embedded

    hook = model.get_input_embeddings().register_forward_hook(put)
    try:
        yield
    finally:
        hook.remove()
