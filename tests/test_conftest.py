"""The guard that keeps tests on this machine."""

from __future__ import annotations

import os
import socket

import pytest
from hypothesis import HealthCheck, settings

from tests.machine import limit


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
