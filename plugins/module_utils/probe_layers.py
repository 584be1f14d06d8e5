# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Everything seccomp_probe returns: the kernel, and each layer with each profile."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Iterator, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import DEFAULT_SOCKET, Engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_dind import measure_dind
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_engine import DEFAULT, measure_engine
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_kernel import Kernel
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_podman import measure_podman

LAYERS = ("host", "dind", "podman", "podman_rootless")
TIMEOUT = 30.0

Measure = Callable[..., Mapping[str, Any]]


def probe(params: Mapping[str, Any]) -> dict[str, Any]:
    """The value of `ansible_facts.runnerkit_probe`; `params` are the module's parameters."""
    kernel = Kernel()
    with Janitor() as janitor:
        # It runs while the first container starts.
        kernel.start()
        layers = [
            dict(measure(janitor=janitor, kernel=kernel, deadline=time.monotonic() + params.get("timeout", TIMEOUT)))
            for measure in _measurements(params)
        ]
    return {"architecture": os.uname().machine, "kernel": kernel.result(), "layers": layers}


def _measurements(params: Mapping[str, Any]) -> Iterator[Measure]:
    """What is to be done, in the order in which it is reported."""
    engine = Engine(params.get("socket", DEFAULT_SOCKET))
    images = tuple(_each(params.get("images", ())))
    wanted = set(params.get("layers", ("host",)))
    for profile in _each(params.get("profiles", (DEFAULT,))):
        common = {"profile": profile, "images": images}
        if "host" in wanted:
            yield _bound(_measure_host, engine=engine, **common)
        if "dind" in wanted:
            for image in _each(params.get("dind_images", ())) or [None]:
                yield _bound(measure_dind, engine=engine, image=image, **common)
        if "podman" in wanted:
            yield _bound(measure_podman, user=None, **common)
        if "podman_rootless" in wanted:
            for user in _each(params.get("podman_users", ())):
                yield _bound(measure_podman, user=user, **common)


def _bound(measure: Measure, **settings: Any) -> Measure:
    return lambda **more: measure(**settings, **more)


def _each(values: Any) -> list[Any]:
    """VALUES without repetitions."""
    return list(dict.fromkeys(values))


def _measure_host(**settings: Any) -> dict[str, Any]:
    return {"layer": "host", "name": "host", "user": None, **measure_engine(**settings)}
