"""The Train tab: its form comes from the fields, a press trains, and Stop stops."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from easyphoto_video.errors import BadRequest, HostFailed, Stopped
from easyphoto_video.faces.photos import Photo
from easyphoto_video.host.library import Library
from easyphoto_video.host.standalone.train.request import TrainRequest
from easyphoto_video.host.standalone.train.run import Run, Runs
from easyphoto_video.host.standalone.train.tab import TrainTab, fields, table, train_side
from easyphoto_video.host.standalone.train.workshop import Ears, Trained, Workshop
from easyphoto_video.host.tab import compat
from easyphoto_video.host.tab.compat import blocks
from easyphoto_video.host.tab.fields import catalogue
from easyphoto_video.setting import settings
from tests.host.fake import FakeHost
from tests.host.standalone.train.people import picture


class FakeWorkshop(Workshop):
    """Trains at once, or as long as nobody stops it."""

    def train(
        self, request: TrainRequest, files: Sequence[Path], ears: Ears, *, restart: bool = False
    ) -> Trained:
        """See Workshop."""
        photos = [Photo(name=file.name, picture=None, refusal="<bad>") for file in files]
        ears.photos(photos)
        if request.caption == "breaks":
            raise ZeroDivisionError("by nothing")
        if request.caption == "refused":
            raise BadRequest("Photos", 1, "is not enough", "Give more.")
        ears.note("Going on from step 1 of 2.")
        ears.watch("training", 0.5)
        pause = threading.Event()
        while request.caption == "endless":
            ears.watch("training", 0.5)
            pause.wait(0.01)
        return Trained(
            request=request,
            lora=Path("ada.safetensors"),
            reference=Path("ref.jpg"),
            photos=tuple(photos),
            scores={2: 0.7},
            taken=(2,),
            likeness=0.7,
            resumed_from=1,
            seconds=1.0,
        )


class Tab(TrainTab):
    """With its host at hand."""

    def __init__(self, host: FakeHost) -> None:
        self.host = host
        super().__init__(host, Runs(host, FakeWorkshop(library=Library(host.data_dir))))


@pytest.fixture
def tab(tmp_path: Path, event_loops: None, monkeypatch: pytest.MonkeyPatch) -> Tab:
    monkeypatch.setattr(compat, "was_sent", lambda path: True)  # no page sends anything here
    made = Tab(FakeHost(tmp_path))
    with blocks():
        made.lay_out()
    return made


def pressed(tab: TrainTab, photos: Any = ("/a/1.png",), **changes: Any) -> Iterator[dict[str, Any]]:
    """The updates of a press of Train, by the names of the components."""
    values = {field.name: field.default for field in fields()} | {"user_id": "ada"} | changes
    names = {id(part): name for name, part in tab.parts.items()}
    for update in tab.start(photos, False, *values.values()):
        yield {names[id(part)]: value for part, value in update.items()}


def ended(tab: TrainTab, **changes: Any) -> dict[str, Any]:
    """Everything that the page shows at the end."""
    page: dict[str, Any] = {}
    for update in pressed(tab, **changes):
        page |= update
    return page


def test_every_field_has_its_component(tab: TrainTab) -> None:
    for field, setting in settings(TrainRequest):
        assert tab.parts[field.name].label.startswith(setting.label)
        assert setting.help in tab.parts[field.name].info


def test_a_press_trains_and_shows_what_came_of_it(tab: TrainTab) -> None:
    page = ended(tab)
    assert "ada" in page["progress"]
    assert "0.70" in page["progress"]
    assert page["error"] == ""
    assert "&lt;bad&gt;" in page["table"]


def test_stop_stops(tab: TrainTab) -> None:
    updates = pressed(tab, caption="endless")
    for update in updates:
        if "training" in update.get("progress", ""):
            assert "Going on from step 1 of 2." in update["progress"]
            tab.stop()
            break
    last = list(updates)[-1]
    assert "goes on from the last checkpoint" in last["progress"]
    assert last["error"] == ""
    assert tab.runs.last is not None
    assert isinstance(tab.runs.last.error, Stopped)


def test_who_presses_again_sees_the_one_that_runs(tab: TrainTab) -> None:
    first = pressed(tab, caption="endless")
    next(first)
    run = tab.runs.last
    next(pressed(tab, caption="other"))
    assert tab.runs.last is run
    tab.stop()
    list(first)


def test_many_presses_at_once_begin_one(tab: TrainTab) -> None:
    barrier = threading.Barrier(8)
    seen: list[Run | None] = []

    def press() -> None:
        barrier.wait()
        next(pressed(tab, caption="endless"))
        seen.append(tab.runs.last)

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert set(seen) == {tab.runs.last}
    tab.runs.close()


def test_what_waits_for_a_clip_stops_at_once_and_never_begins(tab: Tab) -> None:
    host = tab.host
    with host.models:
        updates = pressed(tab, caption="endless")
        next(updates)
        assert "waiting" in next(updates)["progress"]
        tab.stop()
        assert "goes on from the last checkpoint" in list(updates)[-1]["progress"]
    tab.runs.close()
    assert tab.runs.last is not None
    assert tab.runs.last.photos == ()
    assert host.turns == ["train"]
    with pytest.raises(HostFailed, match="ends"):
        tab.runs.running(lambda: pytest.fail("it is closed"), False)


def test_what_is_refused_is_said(tab: TrainTab) -> None:
    assert "Give more." in ended(tab, caption="refused")["error"]
    assert "is no name" in ended(tab, user_id="../x")["error"]
    assert "10 to 20" in ended(tab, photos=None)["error"]


def test_what_nobody_foresaw_is_said_too(tab: TrainTab, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ZeroDivisionError" in ended(tab, caption="breaks")["error"]
    assert tab.runs.last is not None
    assert isinstance(tab.runs.last.error, HostFailed)
    assert "by nothing" in capsys.readouterr().err


def test_pictures_are_shown_when_they_come(tab: TrainTab) -> None:
    updates = pressed(tab, caption="endless")
    next(updates)
    assert tab.runs.last is not None
    tab.runs.last.show(picture(1)[None])
    shown = next(update for update in updates if "pictures" in update)
    assert len(shown["pictures"]) == 1
    tab.stop()
    list(updates)


def test_every_text_has_its_chinese(tab: TrainTab, tmp_path: Path) -> None:
    side = train_side(FakeHost(tmp_path), tab.runs)
    words = catalogue(side.fields, side.more)
    texts = {side.label, "Clip"}
    for part in tab.parts.values():
        texts |= {getattr(part, name, None) or "" for name in ("label", "info")}
        texts |= {str(part.value)} if isinstance(part, gr.Button) else set()
    assert [text for text in sorted(texts - {""}) if text not in words] == []
    heads = table([]).replace("</th>", "").replace("</tr>", "").replace("</table>", "")
    assert [head for head in heads.split("<th>")[1:] if head not in words] == []
