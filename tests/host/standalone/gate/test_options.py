"""What the options say of who may come."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import pytest

from easyphoto_video.errors import BadRequest
from easyphoto_video.host.standalone.cli import main
from easyphoto_video.host.standalone.gate.options import (
    AUTH,
    TOKEN,
    Access,
    Ask,
    access_of,
    add_access_options,
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (AUTH, TOKEN):
        monkeypatch.delenv(name, raising=False)


def access(*options: str, ask: Ask | None = None) -> Access:
    parser = argparse.ArgumentParser()
    add_access_options(parser)
    return access_of(parser.parse_args(options), ask)


def lets_in(access: Access, user: str, password: str) -> bool:
    assert access.login is not None
    return asyncio.run(access.login.signed_in(user, password)) is not None


def test_the_network_is_not_let_in_by_oversight() -> None:
    for options in (["--listen"], ["--listen", "--host-name", "studio.example"]):
        with pytest.raises(BadRequest, match=r"--auth NAME.*--host-name.*--no-auth"):
            access(*options)
    assert access("--listen", "--no-auth").login is None
    assert access().login is None
    assert not access().names.know("192.168.1.2")


def test_the_command_says_so_before_it_serves(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["page", "--listen"]) == 2
    assert "it has no login" in capsys.readouterr().err


def test_a_password_comes_by_any_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "auth"
    file.write_text("ada:a:b\n", encoding="utf-8")
    assert lets_in(access("--auth", "ada:a:b"), "ada", "a:b")
    assert lets_in(access("--listen", "--auth", f"@{file}"), "ada", "a:b")
    assert lets_in(access("--auth", "ada", ask=lambda question: "asked"), "ada", "asked")
    monkeypatch.setenv(AUTH, "ada:from there")
    assert lets_in(access("--listen"), "ada", "from there")


def test_what_is_drawn_is_said_once() -> None:
    drawn = access("--auth", "ada", ask=lambda question: "")
    name, token = drawn.said
    assert lets_in(drawn, "ada", name.partition("password: ")[2])
    assert drawn.login is not None
    assert drawn.login.has_token(token.partition("Authorization: ")[2])
    assert access("--auth", "ada:x").said != access("--auth", "ada:x").said


def test_a_token_may_be_given_but_not_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "x" * 20)
    given = access("--auth", "ada:x")
    assert given.said == ()
    assert given.login is not None and given.login.has_token("Bearer " + "x" * 20)
    monkeypatch.setenv(TOKEN, "x" * 19)
    with pytest.raises(BadRequest, match="fewer than 20 characters"):
        access("--auth", "ada:x")


@pytest.mark.parametrize("auth", [":x", "ada:", "@/nowhere/at/all", " :x"])
def test_half_a_login_is_none(auth: str) -> None:
    with pytest.raises(BadRequest, match="--auth"):
        access("--auth", auth)
    with pytest.raises(BadRequest, match="Give one of both"):
        access("--auth", "ada:x", "--no-auth")
