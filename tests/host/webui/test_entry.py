"""What the WebUI calls: our tab, our API, and the buttons that send to and fro."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.host.webui.street import Street

SCHEMA = "/easyphoto-video/schema"


@pytest.fixture
def entry(street: Street) -> Any:
    return import_module("easyphoto_video.host.webui.entry")


def page_of_host(street: Street) -> tuple[Any, Any]:
    """Makes PNG Info as the host does, telling who listens; its text, and what came behind it."""
    [listen] = street.calls["after_component"]
    with gr.Blocks():
        text = gr.Textbox()
        listen(text, elem_id="pnginfo_generation_info")
        with gr.Row() as row:
            for name in ("txt2img", "img2img", "inpaint", "extras"):
                listen(gr.Button(name), elem_id=f"{name}_tab")
    return text, row.children[4:]


def test_the_tab_opens_and_everything_is_sent_to_and_fro(entry: Any, street: Street) -> None:
    entry.register()
    text, more = page_of_host(street)
    [button] = more
    assert (button.value, button.visible) == ("Send to EasyPhoto Video", False)
    [(blocks, title, id)] = street.calls["ui_tabs"][0]()
    assert (title, id) == ("EasyPhoto Video", "easyphoto_video")
    assert "easyphoto_video_generate" in {part.elem_id for part in blocks.blocks.values()}

    bindings = {binding.tabname: binding for binding in street.bindings}
    assert set(bindings) == {"img2img", "extras", "easyphoto_video"}
    assert bindings["easyphoto_video"].paste_button is button
    assert bindings["easyphoto_video"].source_text_component is text
    assert bindings["img2img"].source_image_component is not None
    assert button.visible
    parts = [part for part, _ in street.fields["easyphoto_video"]]
    assert set(map(id_of, parts)) <= set(blocks.blocks)


def id_of(part: Any) -> int:
    return part._id


def test_a_page_without_png_info_has_the_tab_all_the_same(entry: Any, street: Street) -> None:
    entry.register()
    street.calls["ui_tabs"][0]()
    assert "easyphoto_video" not in {binding.tabname for binding in street.bindings}


def test_a_tab_that_fails_leaves_nothing_behind(
    entry: Any, street: Street, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, register_send: Any, **__: Any) -> Any:
        with gr.Blocks():
            register_send({"img2img": gr.Button()}, gr.Gallery(), gr.Textbox())
            raise RuntimeError("a field is odd")

    monkeypatch.setattr(entry, "build", fail)
    entry.register()
    _, [button] = page_of_host(street)
    [(blocks, *_)] = street.calls["ui_tabs"][0]()
    said = " ".join(str(getattr(part, "value", "")) for part in blocks.blocks.values())
    assert "a field is odd" in said
    assert "a field is odd" in capsys.readouterr().out
    assert not street.bindings
    assert not street.fields
    assert not button.visible


def test_settings_offer_what_the_host_has(entry: Any, street: Street) -> None:
    entry.register()
    street.calls["ui_settings"][0]()
    info = street.opts.data_labels["easyphoto_video_default_checkpoint"]
    assert "realistic.safetensors" in info.component_args()["choices"]


def test_there_is_one_host_and_one_queue(entry: Any, street: Street) -> None:
    assert entry.host() is entry.host()
    assert entry.jobs() is entry.jobs()


def served(entry: Any, street: Street, **options: Any) -> TestClient:
    """A client of the host's app, started with these flags."""
    street.cmd_opts = SimpleNamespace(**{**vars(street.cmd_opts), **options})
    import_module("modules.shared").__dict__["cmd_opts"] = street.cmd_opts
    app = FastAPI()
    entry.serve(None, app)

    @app.get("/other")
    def other() -> str:
        return "the host's own"

    return TestClient(app)


def test_the_api_is_where_the_hosts_is(entry: Any, street: Street) -> None:
    assert served(entry, street, api=True).get(SCHEMA).status_code == 200
    assert served(entry, street, api=False).get(SCHEMA).status_code == 404
    # With --nowebui there is nothing but the API.
    assert served(entry, street, api=False, nowebui=True).get(SCHEMA).status_code == 200


@pytest.mark.parametrize(
    ("credentials", "status"),
    [
        (None, 401),
        (("ann", "wrong"), 401),
        (("nobody", "pa:ss"), 401),
        (("ann", "größe"), 401),
        (("ann", "pa:ss"), 200),
        (("bob", "b"), 200),
    ],
)
def test_the_hosts_passwords_hold(
    entry: Any, street: Street, credentials: Any, status: int
) -> None:
    client = served(entry, street, api_auth="ann:pa:ss,bob:b")
    for method, path in (("GET", SCHEMA), ("POST", "/easyphoto-video/text2video")):
        answer = client.request(method, path, auth=credentials, json={})
        assert (answer.status_code == 401) == (status == 401)
    assert client.get("/other").status_code == 200


def test_a_page_for_others_opens_no_folders(
    entry: Any, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, Any]] = []

    def note(*_: Any, register_paste: Any, **options: Any) -> str:
        given.append(options)
        register_paste({"text2video": SimpleNamespace(parts={})})
        return "blocks"

    monkeypatch.setattr(entry, "build", note)
    entry.Page().tabs()
    street.cmd_opts.webui_is_non_local = street.cmd_opts.no_gradio_queue = True
    entry.Page().tabs()
    assert [(each["views"].local, each["streams"]) for each in given] == [
        (True, True),
        (False, False),
    ]
