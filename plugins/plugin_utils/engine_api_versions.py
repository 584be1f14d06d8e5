# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which API versions engines and clients speak, as far as that breaks jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text, version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

# Engine 29.0 raised its minimum to this.
RAISED = EngineVersion.parse("1.44")
# The first client that speaks it.
FIRST_CLIENT = EngineVersion.parse("25.0")
# Runners up to here were seen to speak API 1.43 at most; of those between it and the fix nothing is known.
LAST_OLD_RUNNER = (17, 0)
# The newest API of the release lines that matter to a rule, oldest first; newer lines speak more.
_NEWEST = ((EngineVersion.parse("18.09"), "1.39"), (EngineVersion.parse("19.03"), "1.40"))


def minimum_api(docker: Mapping[str, Any]) -> str | None:
    """The oldest API version that an engine speaks."""
    found = text(docker.get("minimum_api_version"))
    return found if version(found) else None


def refuses_old_clients(minimum: str) -> bool:
    found = version(minimum)
    return found is not None and found >= RAISED


def api_of(engine: EngineVersion, docker: Mapping[str, Any]) -> dict[str, str | None]:
    """The API versions that another release of the engine would speak with a host's settings."""
    least = "1.44" if engine.release[0] >= 29 else "1.24" if engine.release[0] >= 25 else "1.12"
    # The daemon's own setting lowers what the release raised.
    lowered = text(mapping(docker.get("daemon_config")).get("min-api-version"))
    newest = next((speaks for first, speaks in _NEWEST if engine < _next(first)), None)
    return {"minimum_api_version": lowered or least, "api_version": newest}


def _next(line: EngineVersion) -> EngineVersion:
    return EngineVersion((line.release[0], line.release[1] + 1))
