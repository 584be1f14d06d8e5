# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The fleet's report as JUnit XML: hosts are suites, columns are cases.

GitLab's test tab shows the text of failures, errors and skipped cases, and nothing of those that passed. So a degraded
case counts as skipped unless one asks for something else: it is the one kind that is neither green nor red and still
says why. What an element says stands in its text, since GitLab drops the attribute `message`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import WEIGHTY, evidence_text

DEGRADED = {"skipped": "skipped", "failed": "failure", "passed": "system-out"}
_ELEMENTS = {"broken": "failure", "unknown": "error"}
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}
# Findings that the columns do not show.
_REST = "engine, versions and settings"
_REGISTRIES = "private registries"


def junit(report: Mapping[str, Any], degraded: str = "skipped") -> str:
    """JUnit XML; ValueError for a way to count degraded cases that there is not."""
    if degraded not in DEGRADED:
        raise ValueError(f"degraded is '{degraded}'; choose one of {', '.join(DEGRADED)}")
    elements = {**_ELEMENTS, "degraded": DEGRADED[degraded]}
    root = ElementTree.Element("testsuites", name="runnerkit readiness")
    for host in report["hosts"]:
        root.append(_suite(report, host, elements))
    _count(root)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(report: Mapping[str, Any], host: Mapping[str, Any], elements: Mapping[str, str]) -> ElementTree.Element:
    name, seconds = host["name"], sum(layer["seconds"] or 0 for layer in host["layers"])
    suite = ElementTree.Element("testsuite", name=name, hostname=name, time=f"{seconds:.2f}")
    if report["generated"]:
        suite.set("timestamp", report["generated"].removesuffix("Z"))
    titles = Counter(column["title"] for column in report["columns"])
    for column in report["columns"]:
        # GitLab tells cases apart by their names.
        title = column["title"] if titles[column["title"]] == 1 else f"{column['title']} ({column['id']})"
        cell = host["cells"][column["id"]]
        _case(suite, title, name, cell["state"], _of_cell(column, cell), elements)
    found = [finding for finding in host["findings"] if not finding["id"].startswith("call_blocked_")]
    of_registries = [finding for finding in found if finding["layer"] == "registry"]
    if host["registries"] or of_registries:
        _of_findings(suite, _REGISTRIES, name, of_registries, elements)
    _of_findings(suite, _REST, name, [finding for finding in found if finding["layer"] != "registry"], elements)
    _count(suite)
    return suite


def _of_findings(
    suite: ElementTree.Element, title: str, name: str, found: list[dict[str, Any]], elements: Mapping[str, str]
) -> None:
    state = next((severity for severity in WEIGHTY for finding in found if finding["severity"] == severity), "ready")
    told = "\n".join(_of_finding(finding) for finding in found if finding["severity"] in WEIGHTY)
    _case(suite, title, name, state, told, elements)


def _case(
    suite: ElementTree.Element, title: str, host: str, state: str, text: str, elements: Mapping[str, str]
) -> None:
    case = ElementTree.SubElement(suite, "testcase", name=title, classname=host, time="0")
    element = elements.get(state)
    if element is None:
        return
    if element == "system-out":
        ElementTree.SubElement(case, element).text = text
        return
    message = text.splitlines()[0] if text else state
    its = {"message": message} if element == "skipped" else {"message": message, "type": state}
    ElementTree.SubElement(case, element, its).text = text


def _of_cell(column: Mapping[str, Any], cell: Mapping[str, Any]) -> str:
    known = {"measured": ", measured", "predicted": ", predicted from versions"}.get(cell["kind"], "")
    lines = [f"{column['title']}: {cell['state']}{known}", *cell["evidence"]]
    if column["symptom"] and cell["state"] in ("broken", "degraded"):
        lines.append(f"in a job it looks like this: {column['symptom']}")
    if cell["fix"]:
        lines.append(f"fix: {cell['fix']}")
    return "\n".join(lines)


def _of_finding(finding: Mapping[str, Any]) -> str:
    return "\n".join(
        [
            f"{finding['severity']}: {finding['id']} ({finding['layer']}): {finding['summary']}",
            evidence_text(finding),
            f"fix: {finding['fix']}",
        ]
    )


def _count(element: ElementTree.Element) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for attribute, tag in _COUNTED.items():
        element.set(attribute, str(sum(1 for case in cases if case.find(tag) is not None)))
