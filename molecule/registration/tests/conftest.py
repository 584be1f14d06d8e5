"""What the tests of this scenario have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.support.gitlab import LabGitLab
from tests.support.runners import CONFIG, gitlab_of


@pytest.fixture(name="gitlab")
def _gitlab(host: Host) -> Iterator[LabGitLab]:
    gitlab = gitlab_of(host, "registration")
    yield gitlab
    gitlab.end_faults()


@pytest.fixture(name="kept")
def _kept(host: Host) -> Iterator[str]:
    """config.toml as it was, put back when the test is over."""
    host.check_output("cp -p %s /root/config.toml.kept", CONFIG)
    yield CONFIG
    host.check_output("cp -p /root/config.toml.kept %s && rm /root/config.toml.kept", CONFIG)
