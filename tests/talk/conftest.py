"""Each test with a `host` runs in both layouts of the UNet."""

from __future__ import annotations

import pytest

from tests.motion.small import HOSTS, Host


@pytest.fixture(scope="session", params=HOSTS)
def host(request: pytest.FixtureRequest) -> Host:
    """A small SD1.5 UNet: diffusers' and LDM's in turn."""
    return HOSTS[request.param]()
