# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which files bring declared trust to each layer of a host; the order of the declarations does not matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths as paths
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_hosts
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_declared import Checked, Gitlab, Registry
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_pem import Certificate, joined

PUBLIC, SECRET = "0644", "0600"


def plan(checked: Checked) -> dict[str, Any]:
    """`files`, each with path, content, secret, mode, layer and host (None where it is for every host or for several),
    and `anchors` of the host's own store, each with its name and one certificate.
    """
    if checked.problems:
        raise ValueError(f"what was declared has {len(checked.problems)} problems, so there is no plan")
    every = [*sorted(checked.registries, key=lambda one: registry_hosts.key(one.host))]
    servers: list[Registry | Gitlab] = [*every, *([checked.gitlab] if checked.gitlab else [])]
    files = [
        *(each for one in every for layer in paths.FOLDERS if layer in one.layers for each in _folder(layer, one)),
        *_runner(servers),
        *_helper(servers),
    ]
    return {"files": files, "anchors": _anchors(servers)}


def _file(path: str, content: str, layer: str, host: str | None, secret: bool = False) -> dict[str, Any]:
    return {
        "path": path,
        "content": content,
        "secret": secret,
        "mode": SECRET if secret else PUBLIC,
        "layer": layer,
        "host": host,
    }


def _folder(layer: str, one: Registry) -> Iterator[dict[str, Any]]:
    """What engine, podman or dind services look up for a registry."""
    if one.authorities:
        yield _file(paths.ca(layer, one.host), joined([one.authorities]), layer, one.host)
    if one.client is not None:
        certificate, key = paths.client(layer, one.host)
        yield _file(key, one.client.key.pem, layer, one.host, secret=True)
        yield _file(certificate, joined([one.client.certificates]), layer, one.host)


def _trusting(layer: str, servers: Sequence[Registry | Gitlab]) -> list[Registry | Gitlab]:
    return [one for one in servers if layer in one.layers and one.authorities]


def _runner(servers: Sequence[Registry | Gitlab]) -> Iterator[dict[str, Any]]:
    """The runner knows servers by their names without ports, so one file may be for several."""
    by_path: dict[str, list[Registry | Gitlab]] = {}
    for one in _trusting("runner", servers):
        by_path.setdefault(paths.runner(one.host), []).append(one)
    for path, those in sorted(by_path.items()):
        hosts = {one.host for one in those}
        yield _file(path, _together(those), "runner", hosts.pop() if len(hosts) == 1 else None)


def _helper(servers: Sequence[Registry | Gitlab]) -> Iterator[dict[str, Any]]:
    those = _trusting("helper", servers)
    if those:
        yield _file(paths.helper(), _together(those), "helper", None)


def _together(those: Sequence[Registry | Gitlab]) -> str:
    return joined(one.authorities for one in those)


def _anchors(servers: Sequence[Registry | Gitlab]) -> list[dict[str, str]]:
    found: dict[str, Certificate] = {
        paths.anchor(each.sha256): each for one in _trusting("os", servers) for each in one.authorities
    }
    return [{"name": name, "content": found[name].pem} for name in sorted(found)]
