"""The user ids over HTTP: looked at, made, renamed, deleted, carried away and brought in."""

from __future__ import annotations

import base64
import binascii
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from easyphoto_video import temporary
from easyphoto_video.errors import BadFile, BadRequest
from easyphoto_video.host.api import files
from easyphoto_video.host.api.answers import PREFIX, Refused, root_of, truth
from easyphoto_video.host.api.body import chunks, read_object
from easyphoto_video.host.front import Host
from easyphoto_video.host.people import lora_named
from easyphoto_video.host.places import Places
from easyphoto_video.host.portrait import chooser
from easyphoto_video.identity import UserId
from easyphoto_video.people import delete, make, own, rename
from easyphoto_video.people_facts import facts
from easyphoto_video.people_zip import bring, export
from easyphoto_video.private import private_folder

LARGEST_PHOTOS = 64 * 2**20
"""Bytes of a body with photos, a third more than the photos themselves."""
MOST_PHOTOS = 100
LARGEST_ZIP = 4 * 2**30
"""Bytes of a user id's zip."""
ZIPS = ("application/zip", "application/x-zip-compressed")

Call = Callable[..., Any]


class PeopleApi:
    """One method for each route. Those that are not async run in threads."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def gets(self) -> list[tuple[str, Call]]:
        """The routes that only look, each with its call."""
        return [
            ("/user-ids", self.all),
            ("/user-ids/{id}", self.get),
            ("/user-ids/{id}/reference", self.reference),
            ("/user-ids/{id}/export", self.export),
        ]

    def changes(self) -> list[tuple[str, str, Call]]:
        """The routes that change something, by method; no page elsewhere can make a browser send
        these without asking us first."""
        return [
            ("POST", "/user-ids", self.make),
            ("POST", "/user-ids/import", self.bring),
            ("POST", "/user-ids/{id}/rename", self.rename),
            ("DELETE", "/user-ids/{id}", self.delete),
        ]

    def all(self, request: Request) -> Response:
        """The trained persons."""
        people = [
            {"id": p.name, "is_builtin": p.is_builtin, "reference": _reference(p, request)}
            for p in self._host.people.all()
        ]
        return JSONResponse({"user_ids": people})

    def get(self, id: str, request: Request) -> Response:
        """One of them: reference picture, LoRA, what it was trained on."""
        return self._answer(self._host.people.get(id), request, 200)

    def reference(self, id: str, request: Request) -> Response:
        """What a person looks like."""
        return files.clip(self._host.people.get(id).reference, request)

    def export(self, id: str, request: Request) -> Response:
        """A person as one zip."""
        person = self._host.people.get(id)
        folder = private_folder(temporary.folder() / f"export-{secrets.token_hex(8)}")
        away = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        try:
            answer = files.clip(export(self._host.people, id, folder / "person.zip"), request)
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        answer.background = away
        answer.headers["content-type"] = ZIPS[0]
        answer.headers["content-disposition"] = files.disposition(
            "attachment", f"{person.name}.zip"
        )
        return answer

    async def make(self, request: Request) -> Response:
        """A new person from photos and a LoRA that is there."""
        values = await read_object(request, LARGEST_PHOTOS)
        person = await run_in_threadpool(self._made, values)
        return self._answer(person, request, 201)

    async def bring(self, request: Request) -> Response:
        """A person out of a zip, with ?replace=true in place of the one of that name."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ZIPS:
            raise Refused(415, ("Content-Type", kind), "is no zip", f"Send {ZIPS[0]}.")
        replace = truth(request, "replace")
        with temporary.temporary() as folder:
            file = folder / "sent.zip"
            with file.open("wb") as sent:
                async for chunk in chunks(request, LARGEST_ZIP):
                    await run_in_threadpool(sent.write, chunk)
            person = await run_in_threadpool(self._brought, file, replace)
        return self._answer(person, request, 201)

    async def rename(self, id: str, request: Request) -> Response:
        """The person under a new name."""
        new = _text(await read_object(request), "to", "New name")
        person = await run_in_threadpool(rename, self._host.people, id, new)
        return self._answer(person, request, 200)

    def delete(self, id: str, request: Request) -> Response:
        """Take a person away for good; ?confirm= must say her name."""
        person = own(self._host.people, id, "deleted")
        confirm = request.query_params.get("confirm", "")
        if confirm != person.name:
            step = f"Give confirm={person.name} to delete it for good."
            raise BadRequest("confirm", confirm, "is not the name of the user id", step)
        gone = delete(self._host.people, id, keep_lora=truth(request, "keep_lora"))
        return JSONResponse({"deleted": [path.name for path in gone]})

    def _made(self, values: Mapping[str, Any]) -> UserId:
        people = self._host.people
        name = _text(values, "id", "User id")
        lora = lora_named(people, _text(values, "lora", "LoRA"))
        with _photos(values) as photos:
            return make(people, name, photos, lora, chooser(people, lora))

    def _brought(self, file: Path, replace: bool) -> UserId:
        try:
            return bring(self._host.people, file, replace=replace)
        except BadFile as error:
            if error.path != file:
                raise
            raise BadFile("the zip", error.reason, error.next_step) from error

    def _answer(self, person: UserId, request: Request, status: int) -> Response:
        found = facts(self._host.people, person)
        told = {
            **found.to_json(),
            "problem": found.problem and Places(self._host.data_dir).without(found.problem),
            "reference": _reference(person, request),
            "lora": found.lora and found.lora.name,
        }
        return JSONResponse(told, status)


def _reference(person: UserId, request: Request) -> str:
    return f"{root_of(request)}{PREFIX}/user-ids/{quote(person.name)}/reference"


def _text(values: Mapping[str, Any], name: str, label: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(label, value, "is no text", f'Send {{"{name}": "..."}}.')
    return value


@contextmanager
def _photos(values: Mapping[str, Any]) -> Iterator[list[Path]]:
    """The photos of a body as files. Raises BadRequest."""
    sent = values.get("photos")
    if not isinstance(sent, list) or not 0 < len(sent) <= MOST_PHOTOS:
        shown = len(sent) if isinstance(sent, list) else sent
        step = f'Send {{"photos": ["..."]}}, each in base64, {MOST_PHOTOS} at most.'
        raise BadRequest("Photos", shown, "are no list of photos", step)
    with temporary.temporary() as folder:
        photos = [folder / f"photo {number}" for number in range(1, 1 + len(sent))]
        for photo, text in zip(photos, sent, strict=True):
            photo.write_bytes(_decoded(text, photo.name))
        yield photos


def _decoded(text: object, name: str) -> bytes:
    try:
        return base64.b64decode(str(text).rpartition("base64,")[2], validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadRequest("Photos", name, "is not base64", "Encode each photo so.") from error
