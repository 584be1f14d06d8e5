# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doors to the report on a rolling upgrade and its forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    report_lines,
    upgrade_report_html,
    upgrade_report_text,
    upgrade_report_words,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import upgrade_report as report_itself


def _said(name: str, hint: str, make: Callable[..., Any], *arguments: Any) -> Any:
    """What MAKE makes; input that is not as it should be is an error in one sentence."""
    try:
        return make(*arguments)
    except ValueError as error:
        raise AnsibleFilterError(f"{name}: {error}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"{name}: {hint} ({type(error).__name__}: {error})") from error


def _written(name: str, write: Callable[..., str], report: Any, *arguments: Any) -> Any:
    hint = "the report is not as docs/upgrade.schema.json has it; make it with runnerkit.gitlab.upgrade_report"
    return _said(name, hint, lambda: write(upgrade_report_words.read_upgrade(report), *arguments))


def upgrade_report(hosts: Any, settings: Any = None) -> Any:
    """The report as data."""
    hint = "a host is not as ansible-doc -t filter runnerkit.gitlab.upgrade_report has it"
    return _said("upgrade_report", hint, report_itself.upgrade_report, hosts, settings)


def upgrade_text(report: Any, width: int | str = report_lines.WIDTH) -> Any:
    """The report for a terminal."""
    return _written("upgrade_text", upgrade_report_text.upgrade_text, report, width)


def upgrade_html(report: Any) -> Any:
    """The report as one page."""
    return _written("upgrade_html", upgrade_report_html.upgrade_html, report)


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"upgrade_html": upgrade_html, "upgrade_report": upgrade_report, "upgrade_text": upgrade_text}
