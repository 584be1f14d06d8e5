# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The fleet's report as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_lines import WIDTH, names_of, read_width, wrapped
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_registries import registries_text
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import (
    WEIGHTY,
    count,
    grouped,
    headline,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_table import tables

_INDENT = " " * 12
_FACTS = ("engine", "runc", "libseccomp", "containerd", "podman", "gitlab_runner")


def fleet_text(report: Mapping[str, Any], width: int | str = WIDTH) -> str:
    """Table of the fleet, what matters about hosts that are not ready, and where to begin."""
    width = read_width(width)
    if not report["hosts"]:
        return headline(report["summary"])
    parts = [
        wrapped(headline(report["summary"]), width),
        *tables(report, width),
        *_troubles(report["hosts"], width),
        *registries_text(report["hosts"], width),
        *_asides(report["hosts"], width),
        *_what_if(report["hosts"], width),
        *_upgrade_first(report["summary"], width),
    ]
    return "\n\n".join(part for part in parts if part)


def _troubles(hosts: Sequence[dict[str, Any]], width: int) -> list[str]:
    """What matters about hosts that are not ready; hosts with the same troubles share a paragraph."""
    bad = [host for host in hosts if host["state"] != "ready"]
    bad.sort(key=lambda host: WEIGHTY.index(host["state"]))
    return [_trouble(group, width) for group in grouped(bad, _about)]


def _about(host: Mapping[str, Any]) -> list[Any]:
    # Of a finding what is printed: its evidence, as the address that a name happened to have, differs between hosts.
    told = [[finding[key] for key in ("severity", "id", "layer", "summary", "fix")] for finding in _weighty(host)]
    return [host["state"], host["facts"], told, "" if told else host["cells"]]


def _weighty(host: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [finding for finding in host["findings"] if finding["severity"] in WEIGHTY]


def _trouble(hosts: Sequence[dict[str, Any]], width: int) -> str:
    host = hosts[0]
    lines = [wrapped(f"{names_of([host['name'] for host in hosts])}: {host['state']}", width)]
    lines += [wrapped(text, width, "  ", "  ") for text in [_versions(host["facts"])] if text]
    lines += _findings(_weighty(host), width)
    if not _weighty(host):
        lines += _cells(host, width)
    return "\n".join(lines)


def _findings(found: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """What was found, and what to do; that once where the same mends several that follow one another."""
    lines = []
    for place, finding in enumerate(found):
        lines.append(f"  {finding['severity']:<8}  {finding['id']} ({finding['layer']})")
        lines.append(wrapped(finding["summary"], width, _INDENT, _INDENT + "  "))
        if place + 1 == len(found) or found[place + 1]["fix"] != finding["fix"]:
            lines.append(wrapped(f"fix: {finding['fix']}", width, _INDENT, _INDENT + "  "))
    return lines


def _cells(host: Mapping[str, Any], width: int) -> list[str]:
    """What the cells say of a host whose state comes from them alone."""
    lines = []
    for ident, cell in host["cells"].items():
        if cell["state"] != "ready":
            lines.append(f"  {cell['state']:<8}  {ident}")
            texts = [*cell["evidence"], *([f"fix: {cell['fix']}"] if cell["fix"] else [])]
            lines += [wrapped(text, width, _INDENT, _INDENT + "  ") for text in texts]
    return lines


def _versions(facts: Mapping[str, Any]) -> str:
    names = {"engine": "docker", "gitlab_runner": "gitlab-runner"}
    known = [facts[key] for key in ("os", "architecture") if facts[key]]
    known += [f"kernel {facts['kernel']}"] if facts["kernel"] else []
    return ", ".join(known + [f"{names.get(key, key)} {facts[key]}" for key in _FACTS if facts[key]])


def _asides(hosts: Sequence[dict[str, Any]], width: int) -> list[str]:
    """Risks and notes of all hosts, each once."""
    found: dict[tuple[str, str], list[str]] = {}
    for severity in ("risk", "note"):
        for host in hosts:
            for ident in {finding["id"]: None for finding in host["findings"] if finding["severity"] == severity}:
                found.setdefault((severity, ident), []).append(host["name"])
    if not found:
        return []
    lines = [
        wrapped(f"{ident}: {names_of(its, 6)}", width, f"  {severity:<8}  ", _INDENT + "  ")
        for (severity, ident), its in found.items()
    ]
    return ["\n".join(["risks and notes, which do not count against a host", *lines])]


def _what_if(hosts: Sequence[dict[str, Any]], width: int) -> list[str]:
    """What other versions would change, once for hosts with the same answer."""
    asked = [host for host in hosts if host["what_if"]]
    return [_change(group, width) for group in grouped(asked, lambda host: [host["what_if"]])]


def _change(hosts: Sequence[dict[str, Any]], width: int) -> str:
    change = hosts[0]["what_if"]
    lines = [wrapped(f"what if {change['spec']} ran on {names_of([host['name'] for host in hosts])}", width)]
    lines += [wrapped(text, width, "  assumed   ", _INDENT + "  ") for text in change["assumptions"]]
    for word in ("solved", "left"):
        told = ", ".join(f"{found['id']} ({found['layer']}, {found['severity']})" for found in change[word])
        lines.append(wrapped(told or "nothing", width, f"  {word:<8}  ", _INDENT))
    lines.append(wrapped(count(len(change["brought"]), "finding"), width, "  brought   "))
    lines += [f"  {line}" for line in _findings(change["brought"], width - 2)]
    return "\n".join(lines)


def _upgrade_first(summary: Mapping[str, Any], width: int) -> list[str]:
    rows = summary["upgrade_first"]
    if not rows:
        return []
    lines = ["upgrade first"]
    for place, row in enumerate(rows, 1):
        lines.append(wrapped(f"{names_of(row['hosts'])}: {row['why']}", width, f"  {place:>2}. ", " " * 6))
        lines.append(wrapped(f"fix: {row['fix']}", width, " " * 6, " " * 8))
    return ["\n".join(lines)]
