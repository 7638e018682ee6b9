"""A prompt as chunks of 75 tokens, each of which the text encoder reads by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.prompt.tokens import BEGIN, COMMA, END, text_ids
from easyphoto_video.host.standalone.prompt.weights import Piece, sections

LENGTH = 75
"""Tokens of a chunk, without the marks that begin and end it."""
BACK = 20
"""How far back from a full chunk a comma may lie to break there, as in the WebUI."""

Find = Callable[[Sequence[int], int], "tuple[int, Tensor] | None"]
"""See Embeddings.at."""


def no_embeddings(_ids: Sequence[int], _place: int) -> None:
    """For prompts in which no embedding can stand."""
    return


@dataclass
class Chunk:
    """At most 75 tokens, the weight of each, and vectors that take the place of some."""

    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    vectors: list[tuple[int, Tensor]] = field(default_factory=list)
    """(place of the first token, (n, width))."""

    def __len__(self) -> int:
        return len(self.ids)

    def full_ids(self) -> list[int]:
        """77 ids: begin, the tokens, and end to the end, as SD1.x was trained."""
        return [BEGIN, *self.ids, *(END,) * (LENGTH + 1 - len(self))]

    def full_weights(self) -> list[float]:
        """77 weights; the marks count 1."""
        return [1.0, *self.weights, *(1.0,) * (LENGTH + 1 - len(self))]


def chunks(prompt: str, find: Find = no_embeddings) -> list[Chunk]:
    """At least one chunk. `find` tells where embeddings stand. Raises BadRequest and BadFile."""
    done: list[Chunk] = []
    for section in sections(prompt):
        filler = _Filler(find)
        for piece in section:
            filler.add(piece)
        done += filler.chunks
    # As in the WebUI: nothing before a BREAK is an empty chunk, nothing behind the last is none.
    return done if len(done[-1]) else done[:-1] or done


class _Filler:
    """Fills chunk after chunk."""

    def __init__(self, find: Find) -> None:
        self.chunks = [Chunk()]
        self._find = find
        self._comma: int | None = None
        """Tokens up to and with the last comma of the open chunk."""

    def add(self, piece: Piece) -> None:
        ids, place = text_ids(piece.text), 0
        while place < len(ids):
            if (found := self._find(ids, place)) is not None:
                count, vectors = found
                self._embed(vectors, piece.weight)
                place += count
            else:
                self._put(ids[place], piece.weight)
                place += 1

    def _put(self, token: int, weight: float) -> None:
        if len(self.chunks[-1]) == LENGTH:
            self._turn(at_comma=token != COMMA)
        self.chunks[-1].ids.append(token)
        self.chunks[-1].weights.append(weight)
        if token == COMMA:
            self._comma = len(self.chunks[-1])

    def _embed(self, vectors: Tensor, weight: float) -> None:
        count = len(vectors)
        if count > LENGTH:
            raise BadRequest(
                "Prompt",
                f"an embedding of {count} vectors",
                f"does not fit into a chunk of {LENGTH} tokens",
                "Take it out of the prompt.",
            )
        if len(self.chunks[-1]) + count > LENGTH:
            self._turn(at_comma=False)
        chunk = self.chunks[-1]
        chunk.vectors.append((len(chunk), vectors))
        chunk.ids += [0] * count
        chunk.weights += [weight] * count

    def _turn(self, at_comma: bool) -> None:
        """Begin a chunk; what stands behind a near comma moves over to it."""
        old, new = self.chunks[-1], Chunk()
        if at_comma and self._comma is not None and len(old) - self._comma <= BACK:
            at = self._comma
            new.ids, old.ids = old.ids[at:], old.ids[:at]
            new.weights, old.weights = old.weights[at:], old.weights[:at]
            new.vectors = [(place - at, v) for place, v in old.vectors if place >= at]
            old.vectors = [(place, v) for place, v in old.vectors if place < at]
        self.chunks.append(new)
        self._comma = None
