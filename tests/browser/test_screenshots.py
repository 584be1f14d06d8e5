# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Pictures of the report's page: whether it looks well is for people to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Show
from tests.browser.devtools import Page
from tests.support.sample_report import large_report, sample_report
from tests.support.sample_upgrade import host, large_upgrade, sample_upgrade

MATRIX = "document.getElementById('matrix-title').scrollIntoView()"
HOST = "location.hash = '#host-ci-legacy-01'"
CALLS = "location.hash = '#host-ci-berlin-02'; document.querySelectorAll('.layer')[1].scrollIntoView()"
REGISTRIES = "document.getElementById('registries').scrollIntoView()"
CELL = f"document.querySelectorAll('#rows tr:nth-child(3) details')[1].open = true; {MATRIX}"


HOSTS = "document.querySelectorAll('.host')[3].open = true; document.getElementById('hosts').scrollIntoView()"


@pytest.mark.parametrize(
    ("name", "size", "hosts", "script"),
    [
        ("desktop-light", {"height": 2300}, 7, ""),
        ("desktop-dark", {"height": 2300, "scheme": "dark"}, 7, ""),
        ("phone", {"width": 360, "height": 2400}, 7, ""),
        ("phone-dark", {"width": 360, "height": 740, "scheme": "dark"}, 7, CELL),
        ("cell", {}, 7, CELL),
        ("host", {"height": 1700}, 7, HOST),
        ("host-phone", {"width": 360, "height": 2400}, 7, HOST),
        ("calls", {"height": 1100}, 7, CALLS),
        ("calls-phone", {"width": 360, "height": 1100}, 7, CALLS),
        ("registries", {}, 7, REGISTRIES),
        ("registries-phone", {"width": 360, "height": 1400}, 7, REGISTRIES),
        ("fifty", {"height": 1400}, 50, ""),
        ("fifty-phone", {"width": 360, "height": 1100}, 50, MATRIX),
    ],
)
def test_pictures(
    request: pytest.FixtureRequest, show: Show, name: str, size: dict[str, Any], hosts: int, script: str
) -> None:
    taken(request, show(sample_report() if hosts == 7 else large_report(hosts), **size), name, script)


@pytest.mark.parametrize(
    ("name", "size", "report", "script"),
    [
        ("upgrade", {"height": 1500}, sample_upgrade(), ""),
        ("upgrade-dark", {"height": 1500, "scheme": "dark"}, sample_upgrade(), ""),
        ("upgrade-phone", {"width": 360, "height": 2600}, sample_upgrade(), ""),
        ("upgrade-host", {"height": 1500}, sample_upgrade(), HOSTS),
        ("upgrade-host-phone", {"width": 360, "height": 2000}, sample_upgrade(), HOSTS),
        ("upgrade-forty", {"height": 1900}, large_upgrade(40), ""),
        ("upgrade-forty-phone", {"width": 360, "height": 1400}, large_upgrade(40), ""),
        ("upgrade-current", {}, sample_upgrade([host("runner01", "current"), host("runner02", "current")]), ""),
    ],
)
def test_pictures_of_an_upgrade(
    request: pytest.FixtureRequest, show: Show, name: str, size: dict[str, Any], report: dict[str, Any], script: str
) -> None:
    taken(request, show(report, **size), name, script)


def taken(request: pytest.FixtureRequest, page: Page, name: str, script: str) -> None:
    """Keep a picture of the page after the script."""
    folder: Path = request.config.getoption("--screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    page.evaluate(script or "0")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.screenshot(folder / f"{name}.png")
    assert (folder / f"{name}.png").stat().st_size > 10_000
