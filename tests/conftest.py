"""What all tests share: one thread for torch, and no way out of this machine."""

from __future__ import annotations

import asyncio
import faulthandler
import ipaddress
import os
import socket
from collections.abc import Generator, Iterator
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import machine

# A busy machine is no reason to fail a law.
# What the CI refuses must be refused again tomorrow: it draws the same examples each time.
settings.register_profile(
    "house",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")

# OpenMP reads these once, when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The libraries' own switches, so that they do not even try.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


HANGS = pytest.StashKey[tuple[float, int]]()
"""Seconds that one test may take, and where its stacks are written when it takes more."""


def pytest_configure(config: pytest.Config) -> None:
    """Take the measure of the machine, before the workers begin, and a way past the capture."""
    config.stash[HANGS] = (machine.limit(300), os.dup(2))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close what `pytest_configure` opened."""
    os.close(config.stash[HANGS][1])


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Import the networks' packages as the program does, in workers, who need them in any case.

    Whichever file comes first would else import torch's compiler, which takes as long as torch.
    """
    if not hasattr(session.config, "workerinput"):
        return (yield)
    lean = import_module("easyphoto_video.host.standalone.lean")
    with lean.uncompiled():
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that is left out on most days says why."""
    bare = [x.nodeid for x in items for m in x.iter_markers("slow") if not m.kwargs.get("reason")]
    if bare:
        raise pytest.UsageError(f"slow(reason=...) has no reason: {', '.join(bare)}")


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End a process whose test hangs, with the stacks of its threads; xdist starts another.

    pytest's own `faulthandler_timeout` is a number in a file, which knows of no machine.
    """
    seconds, file = item.config.stash[HANGS]
    faulthandler.dump_traceback_later(seconds, exit=True, file=file)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def is_outside(address: Any) -> bool:
    """Whether a socket's address lies beyond this machine; names other than localhost do."""
    if not isinstance(address, tuple) or address[0] in {None, "", "localhost"}:
        return False
    try:
        return not ipaddress.ip_address(str(address[0]).split("%")[0]).is_loopback
    except ValueError:
        return True


@pytest.fixture(autouse=True, scope="session")
def offline() -> Iterator[None]:
    """Fail any test that reaches beyond loopback."""
    patch = pytest.MonkeyPatch()

    def guarded(method: Any) -> Any:
        def call(self: socket.socket, address: Any) -> Any:
            if is_outside(address):
                pytest.fail(f"a test reached for the network: {address}")
            return method(self, address)

        return call

    def look_up(host: Any, *rest: Any, **options: Any) -> Any:
        if is_outside((host,)):
            pytest.fail(f"a test reached for the network: {host}")
        return resolve(host, *rest, **options)

    resolve = socket.getaddrinfo
    patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    patch.setattr(socket, "getaddrinfo", look_up)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        patch.delenv(name, raising=False)
        patch.delenv(name.upper(), raising=False)
    yield
    patch.undo()


@pytest.fixture
def event_loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For tests that make gradio's Blocks, each of which opens event loops and closes none."""
    made: list[asyncio.AbstractEventLoop] = []

    def new() -> asyncio.AbstractEventLoop:
        made.append(make())
        return made[-1]

    make = asyncio.new_event_loop
    monkeypatch.setattr(asyncio, "new_event_loop", new)
    yield
    asyncio.set_event_loop(None)
    for loop in made:
        loop.close()


@pytest.fixture(scope="session")
def loopback(offline: None) -> None:
    """Skip where this machine cannot even talk to itself, as in a bare network namespace."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        try:
            socket.create_connection(server.getsockname(), timeout=machine.limit(30)).close()
        except OSError as error:
            pytest.skip(f"no loopback network: {error}")
