"""What all tests stand on: the guard that keeps them on this machine, and how long they wait."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import machine
from tests.machine import at_once, limit, until


def test_the_network_is_out_of_reach() -> None:
    with pytest.raises(pytest.fail.Exception, match="reached for the network"):
        socket.create_connection(("example.org", 80), timeout=limit(30))
    with socket.socket() as direct, pytest.raises(pytest.fail.Exception, match="reached"):
        direct.connect(("192.0.2.1", 80))


def test_loopback_is_in_reach(loopback: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=limit(30)).close()


def test_the_ci_draws_the_same_examples_each_time_in_every_worker() -> None:
    assert settings().derandomize == ("CI" in os.environ)
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


def test_a_slower_or_busier_machine_has_longer_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(piece: float, crowd: float) -> float:
        monkeypatch.setattr(machine, "piece", lambda: piece * machine.IDLE_DESKTOP)
        monkeypatch.setattr(machine, "crowd", lambda: crowd)
        return machine.measured()

    assert measure(0.1, 0.0) == measure(1.0, 1.0) == 1
    assert measure(3.0, 0.5) == 3
    assert measure(1.0, 4.0) == 4
    assert measure(3.0, 4.0) == 12
    assert measure(1e9, 1e9) == machine.MOST


def test_the_measure_is_taken_once_and_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(machine.NAME)
    measures = iter([2.0])
    monkeypatch.setattr(machine, "measured", lambda: next(measures))
    assert limit(30) == limit(30) == 60
    assert os.environ[machine.NAME] == "2.00"


def test_what_never_comes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    until(lambda: True)
    monkeypatch.setenv(machine.NAME, "1")
    with pytest.raises(AssertionError, match="it never came"):
        until(lambda: False, seconds=0.01)
    with pytest.raises(AssertionError, match="it hangs"), at_once(seconds=0.0):
        pass


HANGING = """
import faulthandler, threading
from tests import conftest
class Config:
    stash = {conftest.HANGS: (0.2, 2)}
class Item:
    config = Config()
running = conftest.pytest_runtest_protocol(Item())
next(running)
threading.Event().wait()
"""


def test_a_test_that_hangs_ends_with_its_stack() -> None:
    command = [sys.executable, "-c", HANGING]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert 'File "<string>", line 10' in done.stderr
