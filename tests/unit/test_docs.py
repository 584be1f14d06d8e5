# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The documents say what the code says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import images

MAKERS = ("Finding", "Trouble", "_trouble", "trouble")
CHECKOUT = Path(__file__).resolve().parents[2]


def finding_ids() -> Iterator[str]:
    """The first argument of every Finding (or Trouble, which becomes one) that is made.

    Where that is no constant it is that of a blocked call, or is one of a Trouble.
    """
    for path in (CHECKOUT / "plugins" / "plugin_utils").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS):
                continue
            if not node.args:  # one that is read again
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant):
                yield str(first.value)
            elif node.func.id == "Finding":
                yield from (f"call_blocked_{each.id.replace('-', '_')}" for each in images.GENERATIONS)


def test_every_finding_is_documented_and_no_other() -> None:
    table = (CHECKOUT / "docs" / "findings.md").read_text(encoding="utf-8")
    documented = [found for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for found in row.split(", ")]
    assert sorted(documented) == sorted(f"`{found}`" for found in set(finding_ids()))
