"""Tests of a scenario run on all of its hosts, or on those that their file names in `testinfra_hosts`."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Molecule names all hosts on the command line, which testinfra takes over `testinfra_hosts`; undo that."""
    items[:] = [item for item in items if _is_for_host(item)]


def _is_for_host(item: pytest.Item) -> bool:
    wanted = getattr(getattr(item, "module", None), "testinfra_hosts", None)
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    host = parameters.get("_testinfra_host")
    return wanted is None or host is None or _uri(host) in wanted


def _uri(host: object) -> str:
    backend = getattr(host, "backend", None)
    return f"ansible://{backend.get_hostname()}" if backend else ""
