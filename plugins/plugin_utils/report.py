# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Facts and findings as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_state import (
    STORES,
    Certificate,
    read_registries,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_trouble import named
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import known_how

WIDTH = 110
_LABEL = 14
_MOST_AUTHORITIES = 6


def _row(label: str, value: str) -> str:
    return f"{label:<{_LABEL}} {value}"


def _package(package: Mapping[str, Any] | None) -> str:
    if not package:
        return ""
    if package.get("source") == "static":
        return "not from a package"
    return f"{package['name']} {package['version']}" + (", held" if package.get("held") else "")


def _aside(*parts: str) -> str:
    text = ", ".join(part for part in parts if part)
    return f" ({text})" if text else ""


def _docker(docker: Mapping[str, Any]) -> list[str]:
    if not docker.get("installed"):
        return [_row("docker", "not installed")]
    if not docker.get("running"):
        return [_row("docker", f"does not answer: {docker.get('error')}{_aside(_package(docker.get('package')))}")]
    api = f"API {docker['minimum_api_version']} to {docker['api_version']}" if docker.get("minimum_api_version") else ""
    rows = [_row("docker", f"{docker['server_version']}{_aside(_package(docker.get('package')), api)}")]
    if docker.get("client_version") != docker.get("server_version"):
        rows.append(_row("docker client", docker.get("client_version") or "not installed"))
    rows.append(
        _row(
            "daemon",
            f"{docker.get('storage_driver')}, cgroup driver {docker.get('cgroup_driver')}, "
            f"seccomp profile {docker.get('seccomp_profile')}, "
            f"live-restore {'on' if docker.get('live_restore') else 'off'}",
        )
    )
    running = docker.get("containers_running")
    rows.append(_row("containers", f"{running} running, data in {docker.get('data_root')}"))
    return rows


def _runner(runner: Mapping[str, Any]) -> list[str]:
    """The program, and each runner with the way in which its jobs reach a daemon."""
    rows = [_row("gitlab-runner", f"{runner['version'] or 'unknown version'}{_aside(_package(runner.get('package')))}")]
    if runner.get("config_error"):
        rows.append(_row("runners", str(runner["config_error"])))
    found = [
        f"{each.get('name') or 'without a name'} ({each.get('mode')}, {each.get('url') or 'no url'})"
        for each in runner.get("runners") or []
    ]
    if found:
        rows.append(_row("runners", ", ".join(found)))
    return rows


def _registries(known: Any) -> list[str]:
    """One line for each certificate of an authority, with what it is trusted for."""
    groups: dict[str, list[Certificate]] = {}
    for each in read_registries(known).authorities:
        groups.setdefault(each.sha256 or each.subject, []).append(each)
    rows = [
        _row("registry CA", f"{its[0].subject} until {its[0].until}, for {named(list(dict.fromkeys(_for(its))))}")
        for its in list(groups.values())[:_MOST_AUTHORITIES]
    ]
    if len(groups) > _MOST_AUTHORITIES:
        rows.append(_row("registry CA", f"and {len(groups) - _MOST_AUTHORITIES} more"))
    return rows


def _for(certificates: Sequence[Certificate]) -> Iterator[str]:
    for each in certificates:
        yield from (STORES[layer] for layer in each.layers if layer in STORES)
        if each.kind not in STORES:
            yield f"{each.about} ({', '.join(each.layers)})" if each.kind == "registry" else each.about


def facts_report(facts: Mapping[str, Any]) -> str:
    """What runtime_facts found on one host, one line for each part."""
    system = facts["os"]
    rows = [
        _row(
            "host",
            f"{system.get('pretty_name')}, kernel {facts['kernel']['release']}, {facts['architecture']}, "
            f"cgroup v{facts['cgroup_version']}, {facts['service_manager']}",
        ),
        *_docker(facts.get("docker") or {}),
    ]
    containerd, runc, library = facts.get("containerd"), facts.get("runc"), facts.get("libseccomp")
    if containerd:
        rows.append(_row("containerd", f"{containerd['version']}{_aside(_package(containerd.get('package')))}"))
    if runc:
        rows.append(
            _row(
                "runc",
                f"{runc['version']}{_aside('with libseccomp ' + runc['libseccomp'] if runc.get('libseccomp') else '')}",
            )
        )
    if library:
        number = library.get("faccessat2")
        rows.append(_row("libseccomp", f"{library['version']} (faccessat2: {number if number != -1 else 'unknown'})"))
    if facts.get("podman"):
        rows.append(_row("podman", str(facts["podman"]["version"])))
    if facts.get("gitlab_runner"):
        rows.extend(_runner(facts["gitlab_runner"]))
    rows.extend(_registries(facts.get("registry_ca")))
    return "\n".join(rows)


def findings_report(findings: Sequence[Mapping[str, Any]]) -> str:
    """Findings of one host, the worst first; a sentence when there are none."""
    if not findings:
        return "no findings: this host meets every rule that was checked"
    rows = []
    for finding in findings:
        evidence = ", ".join(f"{key}={value}" for key, value in finding["evidence"].items() if key != "kind")
        head = f"{finding['severity']:<9}{finding['id']} ({finding['layer']})"
        details = [
            finding["summary"],
            f"{known_how(finding)}: {evidence}",
            f"fix: {finding['fix']}",
        ]
        rows.append("\n".join([head, *(_indented(text) for text in details)]))
    return "\n".join(rows)


def _indented(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 11, break_on_hyphens=False)
