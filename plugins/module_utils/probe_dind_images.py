# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Images for a nested engine: the one that it comes from, and those that are tried in it. None is ever pulled."""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence
from urllib.parse import quote

from ansible_collections.runnerkit.gitlab.plugins.module_utils import engine_api
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import remaining


def find_image(engine: Engine, image: str, deadline: float) -> Mapping[str, Any]:
    """What the engine knows of an image; it is never pulled."""
    try:
        known = engine.get(f"/images/{quote(image, safe='/:@')}/json", timeout=remaining(deadline, "looking for it"))
    except EngineError as error:
        if error.status == 404:
            raise EngineError(
                "missing",
                f"the image {image} is not on this host and the probe pulls nothing; run `docker pull {image}`",
            ) from error
        raise
    return known if isinstance(known, dict) else {}


def version_in(known: Mapping[str, Any]) -> tuple[int, ...]:
    """The engine's version by the variable that the official images have; empty when it is not told."""
    entries = (known.get("Config") or {}).get("Env") or []
    return version_numbers(next((str(entry) for entry in entries if str(entry).startswith("DOCKER_VERSION=")), ""))


def version_numbers(text: str) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)", text)
    return tuple(int(number) for number in found.groups()) if found else ()


def bring_images(engine: Engine, nested: Engine, images: Sequence[str], deadline: float) -> dict[str, str]:
    """Give the nested engine this host's images; those that cannot be brought, and why."""
    trouble = {image: _bring_image(engine, nested, image, deadline) for image in images}
    return {image: reason for image, reason in trouble.items() if reason}


def _bring_image(engine: Engine, nested: Engine, image: str, deadline: float) -> str:
    try:
        name = quote(image, safe="/:@")
        known = engine.get(f"/images/{name}/json", timeout=remaining(deadline, f"{image} was looked for"))
        # The engine would write the whole image to its disk before it said the first byte.
        size = known.get("Size") if isinstance(known, dict) else None
        if isinstance(size, int) and size > engine_api.MAX_BODY_BYTES:
            return _too_large(image)
        path = f"/images/{name}/get"
        content = engine.request("GET", path, timeout=remaining(deadline, f"{image} was read")).body
        nested.post("/images/load", content, query={"quiet": 1}, timeout=remaining(deadline, f"{image} was loaded"))
    except EngineError as error:
        return _why_not(image, error)
    return ""


def _why_not(image: str, error: EngineError) -> str:
    if error.status == 404:
        return f"{image} is not on this host and the probe pulls nothing; pull it first"
    if error.kind == "protocol" and "exceeds" in error.message:
        return _too_large(image)
    return error.message


def _too_large(image: str) -> str:
    return f"{image} is too large to be carried into the nested engine; name a small one"
