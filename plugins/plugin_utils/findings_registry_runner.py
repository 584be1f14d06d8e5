# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about runners and the trust on their host: that it reaches the containers of their jobs, and themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths, runner_mode
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import image_reference
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_trouble import named
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_read import Runner, runners_of
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import text

_MODES = (runner_mode.DIND, runner_mode.DIND_INSECURE)
# Docker's own images, which nobody puts certificates into.
_OFFICIAL = (image_reference.DEFAULT_REGISTRY, "library/docker")


@dataclasses.dataclass(frozen=True)
class _Mount:
    """A folder of the host that containers of jobs want to see at another path."""

    layer: str
    folder: str
    volume: str

    def path_of(self, name: str) -> str:
        """What containers look for: a registry's folder, or the one file that helper images take."""
        return f"{self.folder}/{name if self.layer == 'dind' else registry_paths.CA}"


_DIND = _Mount("dind", registry_paths.ENGINE, registry_paths.DIND_VOLUME)
_HELPER = _Mount("helper", registry_paths.RUNNER, registry_paths.HELPER_VOLUME)


def find_mounts(host: Host) -> Iterator[Finding]:
    """Runners whose containers do not see what was put on the host for them."""
    wanted = {_DIND: _names(host, "dind"), _HELPER: _names(host, "helper")}
    for runner in runners_of(host):
        if not runner.here:
            continue
        with_daemons = runner.services or runner.mode in _MODES
        for mount, names in wanted.items():
            unseen = [name for name in names if not _sees(runner, mount.path_of(name))]
            if unseen and (mount is _HELPER or with_daemons):
                yield _not_mounted(runner, mount, unseen)


def _names(host: Host, layer: str) -> list[str]:
    found = [each for each in (*host.registries.authorities, *host.registries.clients) if layer in each.layers]
    return list(dict.fromkeys(each.about for each in found))


def _sees(runner: Runner, path: str) -> bool:
    """Whether what the containers see at a path is anything of the host: that path itself, or a folder above it."""
    for volume in runner.volumes:
        parts = runner_mode.parts_of(volume)
        if len(parts) > 1 and f"{path}/".startswith(f"{parts[1].rstrip('/')}/"):
            return True
    return False


def _not_mounted(runner: Runner, mount: _Mount, names: list[str]) -> Finding:
    image = text(runner.services[0].get("name")) if runner.services else None
    # An image of one's own may have them inside.
    bare = mount.layer == "dind" and _official(image)
    if mount.layer == "dind":
        who = f"the daemons of its services{f' ({image})' if image else ''}"
        says = f"{who} do not see the CAs that are on the host for them, so that they cannot pull from {named(names)}"
        fix = (
            f"add {mount.volume} to config.docker.volumes of the runner in gitlab_runner_runners, or leave volumes to "
        )
        fix += "its mode; a dind image with the CAs inside (playbooks/dind_image.yml) needs no volume"
    else:
        says = "its helper containers do not see the CAs that are on the host for them, so that they trust GitLab alone"
        fix = (
            f"add {mount.volume} to config.docker.volumes of the runner in gitlab_runner_runners, or leave volumes to "
        )
        fix += "its mode"
    evidence: Mapping[str, Any] = {
        "kind": "measured", "name": runner.name, "mode": runner.mode, "registries": names,
        "docker.volumes": runner.volumes, **({"image": image} if image and mount.layer == "dind" else {}),
    }  # fmt: skip
    return Finding(
        "registry_ca_not_mounted", "dind" if mount.layer == "dind" else "runner", "broken" if bare else "degraded",
        f"runner {runner.name}: {says}", evidence, fix,
    )  # fmt: skip


def _official(image: str | None) -> bool:
    try:
        found = image_reference.ImageReference.parse(image or "")
    except ValueError:
        return False
    return (found.registry, found.path) == _OFFICIAL


def find_overridden(host: Host) -> Iterator[Finding]:
    """Runners that are told of another file than the one that lies on the host for their GitLab server."""
    files = {path for each in host.registries.authorities if "runner" in each.layers for path in each.paths}
    for runner in runners_of(host):
        path = _usual_file(runner.url)
        if runner.tls_ca_file in (None, path) or path not in files:
            continue
        yield Finding(
            "registry_ca_overridden", "runner", "degraded",
            f"runner {runner.name}: its tls-ca-file is {runner.tls_ca_file}, so that it does not look at {path}",
            {"kind": "measured", "name": runner.name, "tls-ca-file": runner.tls_ca_file, "path": path},
            "take it out with tls-ca-file: null in config of the runner in gitlab_runner_runners, or see to that file "
            "yourself and take runner out of trust in registry_ca_gitlab",
        )  # fmt: skip


def _usual_file(url: str | None) -> str | None:
    """Where a runner looks for the authority of its GitLab server by itself."""
    try:
        server = urlsplit(url or "").netloc.rpartition("@")[2]
    except ValueError:
        return None
    return registry_paths.runner(server) if server else None
