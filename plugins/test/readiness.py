# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doors to the question whether a host is ready, for `when` and `assert`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleTemplateError

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import assessment, findings_images, host_state
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.images import image_base


def _read(test: str, subject: Any, probe: Any, images: tuple[str, ...] = ()) -> host_state.Host:
    """The host behind ansible_facts, or behind what runtime_facts returned."""
    facts = subject
    if isinstance(subject, Mapping) and "docker" not in subject and "runnerkit" in subject:
        facts = subject["runnerkit"]
        probe = subject.get("runnerkit_probe") if probe is None else probe
    if not isinstance(facts, Mapping) or "docker" not in facts:
        raise AnsibleTemplateError(
            f"{test} wants ansible_facts after runnerkit.gitlab.runtime_facts has run, or what it returned "
            f"(ansible_facts['runnerkit']), and was given {_shape(subject)}"
        )
    if probe is not None and not isinstance(probe, Mapping):
        raise AnsibleTemplateError(
            f"{test}: probe is what runnerkit.gitlab.seccomp_probe returns (ansible_facts['runnerkit_probe']), "
            f"not {type(probe).__name__}"
        )
    return host_state.read_host(facts, probe, images=images)


def _shape(subject: Any) -> str:
    return f"a dictionary without it ({len(subject)} keys)" if isinstance(subject, Mapping) else type(subject).__name__


def ready_for(subject: Any, image: Any, probe: Any = None) -> bool:
    """Whether containers of an image work at every layer that was measured."""
    if not isinstance(image, str) or not image.strip():
        raise AnsibleTemplateError(f"ready_for wants the name of an image such as alpine:3.21, not {image!r}")
    image = str(image).strip()
    try:
        image_base(image)
    except ValueError as error:
        raise AnsibleTemplateError(f"ready_for: {error}") from error
    host = _read("ready_for", subject, probe, (image,))
    if findings_images.generations(host, image) is None:
        raise AnsibleTemplateError(
            f"ready_for: what {image!r} is made from cannot be told from its name; ask for its base, such as debian:12"
        )
    return assessment.assess_host(host)[image].state == "ready"


def faccessat2_safe(subject: Any, probe: Any = None) -> bool:
    """Whether programs in containers that call faccessat2 get an answer that they can go on with."""
    return assessment.assess_host(_read("faccessat2_safe", subject, probe))["faccessat2"].state == "ready"


class TestModule:
    """Names of the tests."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """By name."""
        return {"faccessat2_safe": faccessat2_safe, "ready_for": ready_for}
