# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What a config.toml with many runners costs on the controller, beside reading and writing its text with tomlkit."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import tomlkit

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_mask import masked_pair
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_schema import problems
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.runner_toml import apply

RUNNERS = 200


def declared(image: str) -> list[dict[str, Any]]:
    """The runners as a role would declare them."""
    return [
        {
            "name": f"runner{number}",
            "url": "https://gitlab.example.com/",
            "executor": "docker",
            "limit": 2,
            "environment": ["DOCKER_HOST=tcp://docker:2376", "DOCKER_TLS_CERTDIR=/certs"],
            "docker": {
                "image": image,
                "privileged": True,
                "volumes": ["/certs/client", "/cache"],
                "services": [{"name": "docker:27.0.3-dind", "alias": "docker"}],
            },
        }
        for number in range(RUNNERS)
    ]


def milliseconds(action: Callable[[], object], runs: int) -> float:
    """The median of several runs."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        action()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def measure(runs: int) -> None:
    """Print the costs."""
    old, new = declared("docker:27.0.3-cli"), declared("docker:28.0.0-cli")
    text = apply("", {"concurrent": 10}, [{**runner, "token": f"glrt-{runner['name']}"} for runner in old])
    changed = apply(text, {}, new)
    baseline = milliseconds(lambda: tomlkit.dumps(tomlkit.parse(text)), runs)
    cases: dict[str, Callable[[], object]] = {
        "tomlkit": lambda: tomlkit.dumps(tomlkit.parse(text)),
        "nothing to do": lambda: apply(text, {"concurrent": 10}, old),
        "all changed": lambda: apply(text, {"concurrent": 20}, new),
        "all new": lambda: apply("", {"concurrent": 20}, new),
        "checked": lambda: problems({"concurrent": 20}, new, "18.2.0"),
        "masked": lambda: masked_pair(text, changed),
    }
    print(f"\n{f'{RUNNERS} runners':<16}{'config.toml':>14}{'per runner':>14}{'ratio':>8}")
    for name, action in cases.items():
        taken = milliseconds(action, runs)
        print(f"{name:<16}{taken:>11.1f} ms{taken / RUNNERS:>11.2f} ms{taken / baseline:>8.2f}", flush=True)
