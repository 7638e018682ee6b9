"""By which names the page may be called, and from which pages."""

from __future__ import annotations

import pytest

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.gate.names import Names

AT_HOME = ["localhost", "localhost:7870", "LOCALHOST", "127.0.0.1:7870", "[::1]:7870", "127.1.2.3"]
ELSEWHERE = ["evil.example", "evil.example:7870", "localhost.evil.example", "127.0.0.1.nip.example"]
BROKEN = ["", "[::1", "a b", "localhost:99x", "x@localhost", "localhost, evil.example", "::1", "/"]
NEAR = ["192.168.1.20:7870", "[fe80::1]"]


@pytest.mark.parametrize("host", AT_HOME)
def test_this_machine_is_known(host: str) -> None:
    assert Names().know(host)


@pytest.mark.parametrize("host", [*ELSEWHERE, *BROKEN, *NEAR])
def test_others_are_not(host: str) -> None:
    assert not Names().know(host)


def test_who_listens_has_the_names_that_were_given_and_numbers() -> None:
    names = Names.of(["Studio.example"], everywhere=True)
    assert all(map(names.know, [*AT_HOME, *NEAR, "studio.example:7870", "STUDIO.EXAMPLE"]))
    assert not any(map(names.know, [*ELSEWHERE, *BROKEN, "other.studio.example"]))


@pytest.mark.parametrize("name", ["http://a", "a:80", "", "*", "a b", "a/b"])
def test_what_is_no_name_is_said(name: str) -> None:
    with pytest.raises(BadRequest, match="is no name of a machine"):
        Names.of([name], everywhere=True)


HOST = "localhost:7870"


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({}, True),
        ({"origin": "http://localhost:7870"}, True),
        ({"origin": "https://localhost:7870", "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"origin": "http://localhost:3000"}, False),
        ({"origin": "http://127.0.0.1:7870"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://localhost:7870.evil.example"}, False),
        ({"origin": "http://evil.example@localhost:7870"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"origin": "file://localhost:7870"}, False),
        ({"origin": "http://["}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"origin": "http://localhost:7870", "sec-fetch-site": "cross-site"}, False),
    ],
)
def test_a_page_elsewhere_is_told_from_ours(headers: dict[str, str], is_ours: bool) -> None:
    assert Names().came_from_us({"host": HOST, **headers}, is_visit=False) == is_ours


def test_a_link_may_be_followed_but_no_form_be_sent_along() -> None:
    link = {"host": HOST, "sec-fetch-site": "cross-site"}
    assert Names().came_from_us(link, is_visit=True)
    assert not Names().came_from_us({**link, "origin": "http://evil.example"}, is_visit=True)


def test_a_proxy_may_call_us_by_another_name_than_the_browser_it() -> None:
    names = Names.of(["studio.example"], everywhere=False)
    origin = {"origin": "https://studio.example"}
    assert names.came_from_us({"host": HOST, **origin}, is_visit=False)
    assert not names.came_from_us({"host": "studio.example:7870", **origin}, is_visit=False)
