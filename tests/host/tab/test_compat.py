"""Components that take files: of all gradios, only those that were sent to the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from easyphoto_video.host.tab.compat import TAKES_FILES, blocks, make, upload_folder, was_sent

OLD: dict[str, Any] = {"name": "/etc/passwd", "data": None, "is_file": True}
NEW: dict[str, Any] = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}


def kinds() -> list[Any]:
    return [kind for name in TAKES_FILES if (kind := getattr(gr, name, None))]


@pytest.fixture(autouse=True)
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sent"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "payload", [OLD, [OLD], NEW, [NEW], [{"image": NEW}], {"video": NEW, "subtitles": None}]
)
def test_a_path_that_leads_elsewhere_is_refused(event_loops: None, kind: Any, payload: Any) -> None:
    with blocks():
        component = make(kind)
    with pytest.raises(gr.Error, match="was not sent to this page"):
        component.preprocess(payload)


def test_what_was_sent_is_taken(event_loops: None, sent: Path) -> None:
    file = sent / "a" / "a.txt"
    file.parent.mkdir()
    file.write_text("x", encoding="utf-8")
    with blocks():
        component = make(gr.File)
    from gradio.data_classes import FileData

    assert Path(component.preprocess(FileData(path=str(file)))).samefile(file)


def test_to_gradio_they_are_what_they_were(event_loops: None) -> None:
    with blocks():
        for kind in kinds():
            ours, plain = make(kind), kind()
            assert ours.get_block_name() == plain.get_block_name()
            assert {**ours.get_config(), "name": ""}.keys() == {
                **plain.get_config(),
                "name": "",
            }.keys()


def test_only_files_where_gradio_keeps_them_were_sent(sent: Path, tmp_path: Path) -> None:
    good, other = sent / "a.txt", tmp_path / "b.txt"
    for file in (good, other):
        file.write_text("x", encoding="utf-8")
    (sent / "link.txt").symlink_to(other)
    assert upload_folder() == sent.resolve()
    assert was_sent(str(good))
    for path in (other, sent, sent / "link.txt", sent / ".." / "b.txt", "", "a\0b", "x" * 5000):
        assert not was_sent(str(path))
