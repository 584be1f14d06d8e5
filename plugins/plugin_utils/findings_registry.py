# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about private registries: what a host trusts for them, what was declared, and what they answer."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import (
    findings_registry_declared,
    findings_registry_live,
    findings_registry_runner,
    findings_registry_trust,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.finding import Finding
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_trouble import findings_of


def find_registries(host: Host) -> Iterator[Finding]:
    """What is wrong with the trust in private registries; each trouble once, whatever number of them has it."""
    told = [*findings_registry_trust.find_trust(host), *findings_registry_declared.find_declared(host)]
    yield from findings_of(told)
    yield from findings_registry_runner.find_mounts(host)
    yield from findings_registry_runner.find_overridden(host)
    # What was said of a certificate is not said again because the connection stumbled over it.
    yield from findings_of(findings_registry_live.find_answers(host, told))
