"""The sub-tab User ids: what is done there shows in the list and in the form at once."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from easyphoto_video import temporary
from easyphoto_video.errors import Missing
from easyphoto_video.host.offers import SHOWN, Offers
from easyphoto_video.host.tab import people_wires
from easyphoto_video.host.tab.views import Views
from easyphoto_video.identity import LORAS
from easyphoto_video.private import private_folder
from tests.host.tab.drive import Driven
from tests.person import add_easyphoto_person, lora_bytes, picture_bytes, tree


@pytest.fixture
def tab(
    tmp_path: Path, event_loops: None, monkeypatch: pytest.MonkeyPatch, offers: Offers
) -> Driven:
    monkeypatch.setattr(people_wires, "chooser", lambda people, lora: lambda photos: photos[0])
    add_easyphoto_person(tmp_path, "ada")
    add_easyphoto_person(tmp_path, "zoe")
    monkeypatch.setattr(temporary, "folder", lambda: private_folder(tmp_path / "ours"))
    return Driven(tmp_path, views=Views(offers))


@pytest.fixture
def offers() -> Offers:
    return Offers()


def touch(tab: Driven, name: str, event: str = "click") -> dict[str, Any]:
    updates = tab.touch(f"people_{name}", event)
    assert updates["error"] == ""
    return updates


def refused(tab: Driven, name: str, event: str = "click") -> str:
    before = tree(tab.host.data_dir)
    updates = tab.touch(f"people_{name}", event)
    assert set(updates) == {"error"}
    assert tree(tab.host.data_dir) == before
    return updates["error"]


def everybody(updates: dict[str, Any]) -> list[str]:
    """The persons in the list, which are those of the pictures and of the form."""
    listed = updates["people_person"]["choices"]
    assert [name for _, name in updates["people_gallery"]["value"]] == listed
    assert updates["user_id"]["choices"] == ["auto", "none", *listed]
    return listed


def test_the_list_shows_everybody_from_the_start(tab: Driven) -> None:
    person = tab.part("people_person")
    assert [value for _, value in person.choices] == ["ada", "zoe", "demo"]
    assert (person.value, len(touch(tab, "refresh")["people_gallery"]["value"])) == ("ada", 3)
    assert "ada.safetensors (models/Lora)" in tab.part("people_facts").value


def test_the_facts_follow_the_choice(tab: Driven) -> None:
    tab.set(people_person="demo")
    facts = touch(tab, "person", "change")["people_facts"]
    assert "the embedded model" in facts
    assert "Came along with the program." in facts
    tab.set(people_person="zoe")
    (tab.host.data_dir / LORAS / "zoe.safetensors").write_bytes(b"<b>no LoRA")
    assert "safetensors" in touch(tab, "person", "change")["people_facts"]
    for name in (None, "nobody", "../x"):
        tab.set(people_person=name)
        assert touch(tab, "person", "change")["people_facts"] == ""


def test_a_click_on_a_picture_chooses(tab: Driven) -> None:
    choose = tab.function("people_gallery", "select")
    for index, name in ((0, "ada"), (2, "demo")):
        chosen = choose(gr.SelectData(None, {"index": index, "value": None}))
        assert chosen == {tab.part("people_person"): name}
    gone = choose(gr.SelectData(None, {"index": 9, "value": None}))
    assert gone == {tab.part("error"): ""}


def test_refreshing_keeps_the_choice(tab: Driven) -> None:
    add_easyphoto_person(tab.host.data_dir, "bob")
    tab.set(people_person="zoe", user_id="ada")
    updates = touch(tab, "refresh")
    assert everybody(updates) == ["ada", "bob", "zoe", "demo"]
    assert (updates["people_person"]["value"], updates["user_id"]["value"]) == ("zoe", "ada")


def test_renamed_also_where_it_was_chosen(tab: Driven) -> None:
    tab.set(people_person="ada", people_new_name="Ada L", user_id="ada")
    updates = touch(tab, "rename")
    assert everybody(updates) == ["Ada L", "zoe", "demo"]
    assert (updates["people_person"]["value"], updates["user_id"]["value"]) == ("Ada L", "Ada L")
    assert updates["people_new_name"] == ""
    tab.set(people_new_name="../x")
    assert "is no name" in refused(tab, "rename")
    tab.set(people_person=None)
    assert "Choose one in the list" in refused(tab, "rename")


def test_deleted_only_with_the_name(tab: Driven) -> None:
    tab.set(people_person="ada", user_id="ada")
    for typed in (None, "", "yes", "zoe"):
        tab.set(people_delete_name=typed)
        assert "Type ada to delete it for good" in refused(tab, "delete")
    tab.set(people_delete_name="ada", people_keep_lora=True)
    updates = touch(tab, "delete")
    assert everybody(updates) == ["zoe", "demo"]
    assert (updates["people_person"]["value"], updates["user_id"]["value"]) == ("zoe", "auto")
    assert (tab.host.data_dir / LORAS / "ada.safetensors").exists()
    tab.set(people_person="demo", people_delete_name="demo")
    assert "came along" in refused(tab, "delete")


def test_out_and_in_again(tab: Driven, offers: Offers) -> None:
    tab.set(people_person="ada")
    link = re.search(
        rf'href="{SHOWN}/([^/"]+)/ada.zip" download', touch(tab, "export")["people_zip"]
    )
    assert link is not None
    leaving = offers.get(link[1]).path
    assert temporary.folder() in leaving.parents
    sent = tab.host.data_dir / "sent" / "ada.zip"
    sent.parent.mkdir()
    shutil.copyfile(leaving, sent)
    tab.set(people_incoming=str(sent), people_replace=False)
    assert "is there already" in refused(tab, "incoming", "upload")
    before = tree(tab.host.data_dir)
    tab.set(people_incoming=str(sent), people_replace=True)
    assert everybody(touch(tab, "incoming", "upload")) == ["ada", "zoe", "demo"]
    assert tree(tab.host.data_dir) == before
    bad = sent.with_name("bad.zip")
    bad.write_bytes(b"no zip")
    tab.set(people_incoming=str(bad))
    told = refused(tab, "incoming", "upload")
    assert "bad.zip: it is no zip" in told
    assert str(bad.parent) not in told


def test_old_zips_go(tab: Driven, offers: Offers, monkeypatch: pytest.MonkeyPatch) -> None:
    tab.set(people_person="ada")
    touch(tab, "export")
    (zips,) = temporary.folder().glob("export-*")
    monkeypatch.setattr(offers, "kept_ours", -1.0)
    touch(tab, "export")
    late = time.monotonic() + Offers.kept
    monkeypatch.setattr(time, "monotonic", lambda: late)
    with pytest.raises(Missing):
        offers.get("")
    assert not zips.exists()


def test_the_page_that_is_served_to_all_shows_nobody(tab: Driven) -> None:
    assert not tab.held("people_gallery")


def test_made_from_photos(tab: Driven, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(picture_bytes("PNG"))
    loras = tmp_path / LORAS
    (loras / "film.safetensors").write_bytes(lora_bytes())
    tab.set(people_make_name="bob")
    assert "Drop photos" in refused(tab, "make")
    tab.set(people_make_photos=[str(photo)])
    assert "LoRA: None is needed" in refused(tab, "make")
    tab.set(people_make_lora="ink.safetensors")
    assert "is missing" in refused(tab, "make")
    tab.set(people_make_lora="film.safetensors", people_make_name="ada")
    assert "is there already" in refused(tab, "make")
    tab.set(people_make_name="bob")
    updates = touch(tab, "make")
    assert everybody(updates) == ["ada", "bob", "zoe", "demo"]
    assert updates["people_person"]["value"] == "bob"
    assert (updates["people_make_name"], updates["people_make_photos"]) == ("", None)
