"""The harness around a WebUI, with a small program in its place."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml
from safetensors import safe_open
from transformers import CLIPTokenizer

from tests.machine import until
from tools import webui
from tools.webui import CLIP, StartFailed, hub_cache, main, prepare, running

PYTHON = Path(sys.executable)
PROGRAM = """\
import http.server, os, subprocess, sys
flags = dict(zip(sys.argv, sys.argv[1:]))
if "--fail" in sys.argv:
    sys.exit("it cannot start")
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1e6)"])
print("child", child.pid, "hub", os.environ["HF_HOME"])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(401 if self.path.endswith("options") else 200)
        self.end_headers()
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(flags["--port"])), Handler)
print("Model loaded in 0.1s.")
print("Startup time: 0.1s.")
server.serve_forever()
"""


@pytest.fixture
def program(tmp_path: Path, loopback: None) -> Path:
    """The folder of a WebUI."""
    folder = tmp_path / "webui"
    folder.mkdir()
    (folder / "launch.py").write_text(PROGRAM)
    (tmp_path / "data").mkdir()
    return folder


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc whether a process has ended")
def test_it_is_ready_inside_and_gone_after(program: Path, tmp_path: Path) -> None:
    with running(program, PYTHON, tmp_path / "data") as host:
        assert urlopen(f"{host.url}/").status == 200
        words = host.text.split()
        child = int(words[words.index("child") + 1])
        assert is_alive(child)
    assert words[words.index("hub") + 1] == str(tmp_path / "data" / "hf")
    until(lambda: not is_alive(child))


def test_a_start_that_fails_shows_the_end_of_its_log(program: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(StartFailed, match="exit code 1:\nit cannot start"),
        running(program, PYTHON, tmp_path / "data", "--fail"),
    ):
        pass


def test_a_command_is_told_where_it_is(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webui, "prepare", lambda data_dir: data_dir)
    told = tmp_path / "told"
    ask = f"import os, sys; open({str(told)!r}, 'w').write(os.environ['WEBUI_URL']); sys.exit(7)"
    own = ["--webui", str(program), "--python", str(PYTHON), "--data-dir", str(tmp_path / "data")]
    assert main([*own, "--", str(PYTHON), "-c", ask]) == 7
    assert told.read_text().startswith("http://127.0.0.1:")


def test_a_prepared_folder_has_all_that_a_start_reads(tmp_path: Path) -> None:
    data = prepare(tmp_path)
    copy = data / "extensions" / "easyphoto-video"
    assert (copy / "scripts" / "easyphoto_video_webui.py").is_file()
    assert not [path for path in copy.iterdir() if path.name.startswith(".")]

    checkpoint = data / "models" / "Stable-diffusion" / "tiny.safetensors"
    params = yaml.safe_load(checkpoint.with_suffix(".yaml").read_text())["model"]["params"]
    unet = params["unet_config"]["params"]
    text = Path(params["cond_stage_config"]["params"]["version"])
    assert json.loads((text / "config.json").read_text())["hidden_size"] == unet["context_dim"]
    assert len(CLIPTokenizer.from_pretrained(text)) == 49408
    with safe_open(checkpoint, "pt") as file:
        shape = file.get_slice(
            "model.diffusion_model.middle_block.0.in_layers.2.weight"
        ).get_shape()
    assert shape[0] == unet["model_channels"] * unet["channel_mult"][-1]
    # GroupNorm there has 32 groups.
    assert unet["model_channels"] % 32 == 0


def test_the_hub_finds_what_was_never_fetched(tmp_path: Path) -> None:
    name = CLIP.removeprefix("models--").replace("--", "/")
    tokenizer = CLIPTokenizer.from_pretrained(name, cache_dir=hub_cache(tmp_path))
    assert tokenizer("a cat").input_ids == [49406, 320, 2368, 49407]
