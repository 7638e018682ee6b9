"""Whatever goes wrong while we render, the WebUI is left as it was: a small one, of our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.standalone.small import write_library
from tests.host.webui import standin
from tools import faults

OFTEN = 3
REST = pytest.mark.slow(reason=f"one place of {OFTEN} stands for its neighbours on most days")
PLACES = [
    place if i % OFTEN == 0 else pytest.param(place, marks=REST)
    for i, place in enumerate((faults.UNDISTURBED, *faults.PLACES))
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    data_dir = write_library(tmp_path_factory.mktemp("webui"))
    with standin.installed(data_dir):
        from easyphoto_video.host.webui.host import WebuiHost

        yield WebuiHost()


@pytest.fixture(scope="module")
def pictures(host: Any) -> list[bytes]:
    return faults.plain()


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_the_host_is_left_as_it_was(
    host: Any, pictures: list[bytes], place: faults.Place, tmp_path: Path
) -> None:
    finding = faults.check(host, place, pictures, tmp_path)
    assert finding.wrong == ()


def test_the_check_sees_what_is_left_behind(
    host: Any, pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import contextmanager

    from modules import shared

    from easyphoto_video.host.webui import borrowed

    @contextmanager
    def careless(**changes: Any) -> Iterator[None]:
        shared.opts.data.update(changes)
        yield

    monkeypatch.setattr(borrowed, "options", careless)
    step = next(place for place in faults.PLACES if place.name == "the first step")
    try:
        assert faults.check(host, step, pictures, tmp_path).wrong == ("options",)
        never = faults.Place("never", "modules.processing:decode_latent_batch", at=99)
        finding = faults.check(host, never, pictures, tmp_path / "never")
        assert "never came there" in finding.wrong
    finally:
        shared.opts.data = {
            key: value for key, value in shared.opts.data.items() if key.startswith("sd_")
        }
