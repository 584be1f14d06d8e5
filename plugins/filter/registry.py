# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doors to the thinking about private registries that needs no certificates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_paths import LAYERS
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_shape


def registry_ca_layers(registries: Any, gitlab: Any = None) -> list[str]:
    """Layers that anything is declared for."""
    found = {layer for one in _declared("registry_ca_layers", registries, gitlab) for layer in one.layers}
    return [layer for layer in LAYERS if layer in found]


def registry_ca_expected(registries: Any, gitlab: Any = None) -> list[dict[str, Any]]:
    """Where authorities are expected."""
    found: dict[str, set[str]] = {}
    for one in _declared("registry_ca_expected", registries, gitlab):
        if one.ca:
            found.setdefault(one.host, set()).update(one.layers)
    return [{"host": host, "layers": [layer for layer in LAYERS if layer in layers]} for host, layers in found.items()]


def _declared(name: str, registries: Any, gitlab: Any) -> list[registry_shape.Declared]:
    found, problems = registry_shape.registries(registries)
    server, wrong = registry_shape.gitlab(gitlab)
    if problems or wrong:
        raise AnsibleFilterError(f"{name}: {'; '.join([*problems, *wrong])}")
    return [*found, *([server] if server else [])]


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"registry_ca_expected": registry_ca_expected, "registry_ca_layers": registry_ca_layers}
