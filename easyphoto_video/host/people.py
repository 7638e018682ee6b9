"""Whose face a request asks for: what was left open is chosen, who is not there is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.library import LORAS, Library
from easyphoto_video.host.motions import UnetFacts
from easyphoto_video.identity import People
from easyphoto_video.lora_base import family, lora_base
from easyphoto_video.request import AUTO, NONE, Sampled

DEMO = "demo"
"""The person who comes along with the embedded checkpoint."""


def settled_people(request: Sampled, people: People, body: UnetFacts) -> dict[str, object]:
    """The field `user_id` chosen, and everybody who is named looked up.

    Raises BadRequest for what is no name and for a LoRA of another base model, and Missing.
    """
    name = request.user_id or NONE
    if name == AUTO:
        name = DEMO if body.is_embedded and _has_demo(people, body) else NONE
    for person in replace(request, user_id=name).people:
        people.get(person)
        if wants_lora(request):
            check_base(people, person, body)
    return {"user_id": name}


def lora_named(people: People, name: str) -> Path:
    """A LoRA of the host's by its name, never by a path. Raises BadRequest and Missing."""
    return Library(people.data_dir, {LORAS: people.loras}, paths=False).find(LORAS, name)


def _has_demo(people: People, body: UnetFacts) -> bool:
    loras = (person.lora for person in people.all() if person.name == DEMO)
    return any(lora is not None and lora_base(lora).suits(body.text_width) for lora in loras)


def wants_lora(request: Sampled) -> bool:
    """Whether anything is drawn with the persons' LoRAs."""
    return bool(request.scene_weight or (request.face_pass and request.user_weight))


def check_base(people: People, name: str, body: UnetFacts) -> None:
    """Raises BadRequest when a person's LoRA is of another base model than the checkpoint."""
    base = lora_base(people.lora(name))
    if base.suits(body.text_width):
        return
    reason = (
        f"was trained on {base.name}, and the checkpoint {body.name} is of "
        f"{family(body.text_width)}"
    )
    step = f"Choose a checkpoint of {base.name}, or a user id trained on {family(body.text_width)}."
    raise BadRequest("User id", name, reason, step)
