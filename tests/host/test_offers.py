"""Files by names that nobody can guess, for as long as somebody may want them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from easyphoto_video.errors import Missing
from easyphoto_video.host.api.shown import shown_router
from easyphoto_video.host.offers import SHOWN, Offers
from easyphoto_video.private import private_folder


def token(link: str) -> str:
    return link.removeprefix(f"{SHOWN}/").partition("/")[0]


def test_the_same_file_has_one_address_that_says_nothing(tmp_path: Path) -> None:
    offers = Offers()
    film = tmp_path / "00001-7.mp4"
    film.write_bytes(b"film")
    link = offers.file(film)
    assert offers.file(film) == link
    assert link.endswith("/00001-7.mp4")
    assert len(token(link)) == 32
    assert token(Offers().file(film)) != token(link)
    assert offers.get(token(link)).path == film
    for wrong in ("", "..", token(link)[:-1], str(film)):
        with pytest.raises(Missing):
            offers.get(wrong)
    film.unlink()
    with pytest.raises(Missing):
        offers.get(token(link))


def test_pictures_of_ours_are_private_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    offers = Offers()
    picture = Image.new("RGB", (4, 4))
    picture.info["parameters"] = "a cat"
    first = offers.get(token(offers.picture(picture, "0.png")))
    assert first.path.stat().st_mode & 0o777 == 0o600
    assert first.path.parent.stat().st_mode & 0o777 == 0o700
    with Image.open(first.path) as kept:
        assert kept.info["parameters"] == "a cat"
    monkeypatch.setattr(offers, "most", 1)
    second = offers.get(token(offers.picture(picture, "1.png")))
    assert not first.path.exists()
    late = time.monotonic() + Offers.kept
    monkeypatch.setattr(time, "monotonic", lambda: late)
    with pytest.raises(Missing):
        offers.get(second.token)
    assert not second.path.exists()


def test_a_zip_is_saved_under_its_name_in_any_letters(tmp_path: Path) -> None:
    offers = Offers()
    app = FastAPI()
    app.include_router(shown_router(offers))
    file = tmp_path / '艾达 "A".zip'
    file.write_bytes(b"zip")
    with TestClient(app) as client:
        answer = client.get(f"/{offers.file(file)}")
        assert answer.content == b"zip"
        assert answer.headers["content-disposition"].startswith('attachment; filename="')
        assert "filename*=UTF-8''%E8%89%BE" in answer.headers["content-disposition"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert client.get(f"/{SHOWN}/{'x' * 32}/a.zip").status_code == 404
        assert str(tmp_path) not in client.get(f"/{SHOWN}/x/a.zip").text


def test_a_private_folder_is_private_whatever_it_was(tmp_path: Path) -> None:
    open_to_all = tmp_path / "x"
    open_to_all.mkdir(mode=0o755)
    for folder in (open_to_all, tmp_path / "new" / "y"):
        assert private_folder(folder).stat().st_mode & 0o777 == 0o700
