# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doors to the forms of the fleet's report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    report_calls,
    report_html,
    report_junit,
    report_lines,
    report_prometheus,
    report_shape,
    report_text,
)


def _written(name: str, write: Callable[..., str], report: Any, *arguments: Any) -> str:
    """A form of a report; what is not one is an error in one sentence."""
    try:
        return write(report_shape.read(report), *arguments)
    except ValueError as error:
        raise AnsibleFilterError(f"{name}: {error}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise AnsibleFilterError(
            f"{name}: the report is not as docs/report.schema.json has it ({type(error).__name__}: {error}); "
            "make it with runnerkit.gitlab.readiness_report"
        ) from error


def readiness_text(report: Any, width: int | str = report_lines.WIDTH) -> str:
    """The report for a terminal."""
    return _written("readiness_text", report_text.fleet_text, report, width)


def readiness_calls(report: Any, width: int | str = report_lines.WIDTH) -> str:
    """Measured calls beside the model, for a terminal."""
    return _written("readiness_calls", report_calls.calls_text, report, width)


def readiness_html(report: Any) -> str:
    """The report as one page."""
    return _written("readiness_html", report_html.page, report)


def readiness_junit(report: Any, degraded: str = "skipped") -> str:
    """The report as JUnit XML."""
    return _written("readiness_junit", report_junit.junit, report, degraded)


def readiness_prometheus(report: Any, host: str | None = None) -> str:
    """The report as metrics."""
    return _written("readiness_prometheus", report_prometheus.exposition, report, host)


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "readiness_calls": readiness_calls,
            "readiness_html": readiness_html,
            "readiness_junit": readiness_junit,
            "readiness_prometheus": readiness_prometheus,
            "readiness_text": readiness_text,
        }
