# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What a fact cache would keep of a host: what three modules tell, each of which is tested to tell no secret."""

from __future__ import annotations

import ast
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
TELLING = {"registry_check", "runtime_facts", "seccomp_probe"}


def returns_facts(path: Path) -> bool:
    """Whether a module has a result with `ansible_facts`, which is what Ansible caches."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(
        (isinstance(node, ast.keyword) and node.arg == "ansible_facts")
        or (isinstance(node, ast.Dict) and any(getattr(key, "value", None) == "ansible_facts" for key in node.keys))
        for node in ast.walk(tree)
    )


def test_only_the_modules_that_look_return_facts() -> None:
    assert {path.stem for path in CHECKOUT.glob("plugins/modules/*.py") if returns_facts(path)} == TELLING


def test_no_role_has_what_it_works_out_cached() -> None:
    tasks = [*CHECKOUT.glob("roles/*/tasks/*.yml"), *CHECKOUT.glob("playbooks/*.yml")]
    assert tasks
    assert [path for path in tasks if "cacheable" in path.read_text(encoding="utf-8")] == []
