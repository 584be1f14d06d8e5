# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A browser, and pages in it that show reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.filter.reports import readiness_html
from ansible_collections.runnerkit.gitlab.plugins.filter.upgrade_reports import upgrade_html
from tests.browser.devtools import Browser, Page, find_browser

# Writes a report to a file and shows it: show(report, width=360, height=740, scheme="dark").
Show = Callable[..., Page]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Pictures are for people, so they are taken only when somebody asks."""
    parser.addoption("--screenshots", metavar="FOLDER", type=Path, help="keep pictures of the report's page there")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without a folder for them there are no pictures to take."""
    return True if collection_path.name == "test_screenshots.py" and not config.getoption("screenshots", None) else None


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests, with a profile that nobody used before."""
    program = find_browser()
    if not program:
        pytest.fail("there is no browser; run scripts/system.sh browser, which installs the package chromium")
    running = Browser(program, tmp_path_factory.mktemp("profile"))
    yield running
    running.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Show a report in a page of its own."""
    pages: list[Page] = []

    def show_page(report: dict[str, Any], anchor: str = "", script: bool = True, **size: Any) -> Page:
        path = tmp_path / f"report{len(pages)}.html"
        # Only readiness has columns.
        path.write_text((readiness_html if "columns" in report else upgrade_html)(report), encoding="utf-8")
        page = browser.new_page(**size)
        pages.append(page)
        if not script:
            page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.open(f"{path.as_uri()}{anchor}")
        return page

    yield show_page
    for page in pages:
        page.close()
