# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What many private registries cost on the controller, beside parsing the same certificates with cryptography."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography import x509

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_declared import Checked, check
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_plan import plan
from tests.bench.runner_config import milliseconds
from tests.support import pki

REGISTRIES = 300


def declared() -> list[dict[str, Any]]:
    """Registries, each with an authority and a client of its own."""
    made = []
    for number in range(REGISTRIES):
        authority = pki.Authority(f"CA {number}")
        client = authority.issue(["builder"], client=True)
        made.append(
            {
                "host": f"registry{number}.example:5000",
                "ca": authority.pem,
                "client_cert": client.cert_pem,
                "client_key": client.key_pem,
                "trust": ["engine", "podman", "os", "dind", "helper"],
            }
        )
    return made


def checked(registries: list[dict[str, Any]]) -> Checked:
    """They are good, and the bench is for nothing when they are not."""
    found = check(
        registries, {"url": "https://gitlab.example.com", "ca": registries[0]["ca"]}, lambda _: None, pki.now()
    )
    if found.problems:
        raise SystemExit(found.problems[0])
    return found


def measure(runs: int) -> None:
    """Print the costs."""
    different = declared()
    shared = [{"host": one["host"], "ca": different[0]["ca"]} for one in different]
    texts = [one[key].encode() for one in different for key in ("ca", "client_cert")]
    plain = milliseconds(lambda: [x509.load_pem_x509_certificate(text) for text in texts], runs)
    good = checked(different)
    cases: dict[str, Callable[[], object]] = {
        "parsed": lambda: [x509.load_pem_x509_certificate(text) for text in texts],
        "checked": lambda: checked(different),
        "planned": lambda: plan(good),
        "one CA for all": lambda: plan(checked(shared)),
    }
    print(f"\n{f'{REGISTRIES} registries':<16}{'controller':>14}{'per registry':>14}{'ratio':>8}")
    for name, action in cases.items():
        taken = milliseconds(action, runs)
        print(f"{name:<16}{taken:>11.1f} ms{taken / REGISTRIES:>11.2f} ms{taken / plain:>8.2f}", flush=True)
