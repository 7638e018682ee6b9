"""The sub-tab User ids by clicks: pictures, a new name, a zip out and in, a yes before the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from easyphoto_video.identity import LORAS, People
from tests.browser.conftest import Served
from tests.browser.hands import PATIENCE
from tests.person import add_easyphoto_person, lora_bytes, tree

pytestmark = pytest.mark.slow(reason="many clicks and clips; test_page.py has the way through")
ID = "#easyphoto_video_"
PEOPLE = f"{ID}people_"


@pytest.fixture
def page(browser: Any, served: Served) -> Any:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(served.address, wait_until="domcontentloaded")
    if served.in_webui:
        page.locator("#tabs > .tab-nav > button", has_text="EasyPhoto Video").click()
    show(page, "User ids")
    yield page
    context.close()


def show(page: Any, tab: str) -> None:
    buttons = f"{ID}modes button[role=tab], {ID}modes .tab-nav > button"
    page.locator(buttons, has_text=tab).first.click()


def option(page: Any, name: str) -> Any:
    return page.locator("ul[role=listbox] li, ul.options li", has_text=name).first


def open_part(page: Any, *labels: str) -> None:
    for label in labels:
        page.locator(
            f"{ID}people button.label-wrap, {ID}people .label-wrap", has_text=label
        ).first.click()


def fill(page: Any, name: str, text: str) -> None:
    page.locator(f"{PEOPLE}{name}").locator("textarea, input").first.fill(text)


def chosen(page: Any, name: str) -> None:
    page.wait_for_function(
        "([id, name]) => document.querySelector(id)?.value === name",
        arg=[f"{PEOPLE}person input", name],
    )


def test_a_person_goes_and_comes_back(page: Any, served: Served, tmp_path: Path) -> None:
    people = People(served.data)
    before = add_easyphoto_person(served.data, "ada")
    page.locator(f"{PEOPLE}refresh").click()
    pictures = page.locator(f"{PEOPLE}gallery img")
    page.wait_for_function(f"document.querySelectorAll('{PEOPLE}gallery img').length === 2")
    pictures.nth(1).click()
    page.locator(f"{PEOPLE}facts", has_text="the embedded model").first.wait_for()
    pictures.nth(0).click()
    page.locator(f"{PEOPLE}facts", has_text="Stable Diffusion 1.x").first.wait_for()

    open_part(page, "Rename", "Export", "Delete", "Import")
    fill(page, "new_name", "Ada Lovelace")
    page.locator(f"{PEOPLE}rename").click()
    chosen(page, "Ada Lovelace")
    assert [person.name for person in people.all()] == ["Ada Lovelace", "demo"]
    fill(page, "new_name", "ada")
    page.locator(f"{PEOPLE}rename").click()
    chosen(page, "ada")

    page.locator(f"{PEOPLE}export").click()
    link = page.locator(f"{PEOPLE}zip a[download], {PEOPLE}zip a").first
    with page.expect_download() as download:
        link.click()
    file = tmp_path / "ada.zip"
    download.value.save_as(file)

    page.locator(f"{PEOPLE}delete").click()
    page.locator(f"{ID}error", has_text="Type ada to delete it for good").first.wait_for()
    fill(page, "delete_name", "ada")
    page.locator(f"{PEOPLE}delete").click()
    chosen(page, "demo")
    assert [person.name for person in people.all()] == ["demo"]
    page.locator(f"{PEOPLE}incoming input[type=file]").set_input_files(file)
    chosen(page, "ada")
    after = {path: content for path, content in tree(served.data).items() if path in before}
    assert after == before


def test_made_from_a_photo_and_there_in_the_form(page: Any, served: Served) -> None:
    lora = served.data / LORAS / "film.safetensors"
    lora.parent.mkdir(parents=True, exist_ok=True)
    lora.write_bytes(lora_bytes(64))
    page.locator(f"{PEOPLE}refresh").click()
    open_part(page, "Make from photos")
    fill(page, "make_name", "bob")
    page.locator(f"{PEOPLE}make_lora input").first.click()
    option(page, "film").click()
    photo = People(served.data).get("demo").reference
    page.locator(f"{PEOPLE}make_photos input[type=file]").set_input_files(photo)
    page.locator(f"{PEOPLE}make_photos", has_text=photo.stem).first.wait_for()
    page.locator(f"{PEOPLE}make").click()
    chosen(page, "bob")
    assert People(served.data).get("bob").lora == lora.with_name("bob.safetensors")
    show(page, "Text to video")
    page.locator(f"{ID}text2video_user_id input").first.click()
    option(page, "bob").wait_for()
