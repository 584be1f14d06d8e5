# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Where a smoke job's containers meet: volumes, network, folders of the host. Nothing of it stays."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from typing import Any, Iterator, Mapping, NamedTuple, Sequence
from urllib.parse import quote

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_leftovers import LABEL, NAME
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import remaining
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_mode import DEFAULT_BUILDS_DIR
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_plan import Plan, Service, Volume
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_script import PREFIX

REMOVAL_TIMEOUT = 5.0
# Networks in which the engine knows no names; there the runner links containers to each other.
LINKED = ("", "default", "bridge")
NAMELESS = (*LINKED, "host", "none")

# Gone is what does not exist, and what others have put something into.
_REMOVE_EMPTY = (
    'rmdir "$@" 2>/dev/null; for each; do [ ! -d "$each" ] || [ -n "$(ls -A "$each")" ] || exit 1; done; exit 0'
)


class Place(NamedTuple):
    """`folder` is the checkout, in the job's container."""

    binds: tuple[str, ...]
    network: str
    folder: str

    @property
    def links(self) -> bool:
        """Whether services are reached by links, instead of names in the network."""
        return self.network in LINKED

    @property
    def host_config(self) -> dict[str, Any]:
        """What job and services have in common."""
        return {"Binds": list(self.binds), "NetworkMode": self.network or "default"}

    def known_as(self, service: Service) -> dict[str, Any]:
        """How a service gets its names, where that is the network's business."""
        if self.network in NAMELESS or self.network.startswith("container:"):
            return {}
        return {"NetworkingConfig": {"EndpointsConfig": {self.network: {"Aliases": list(service.aliases)}}}}


@contextlib.contextmanager
def settled(engine: Engine, janitor: Janitor, plan: Plan, mark: str, deadline: float) -> Iterator[Place]:
    """Volumes and network, for as long as the block lasts."""
    builds = (plan.builds or DEFAULT_BUILDS_DIR).rstrip("/") or DEFAULT_BUILDS_DIR
    with contextlib.ExitStack() as stack:
        volumes = [*plan.volumes, *([] if _covering(plan.volumes, builds) else [Volume(None, builds, None)])]
        stack.enter_context(host_folders(janitor, _sources(volumes), _checkouts(volumes, builds, mark)))
        binds = []
        for volume in volumes:
            source = volume.source
            if source is None or not (volume.on_host or _exists(engine, source, deadline)):
                source = stack.enter_context(_made(engine, janitor, "volumes", {}, deadline))
            binds.append(":".join(part for part in (source, volume.target, volume.mode) if part))
        network = plan.network_mode or ""
        # The runner makes one for services alone.
        if plan.network_per_build and not network and plan.services:
            network = stack.enter_context(_made(engine, janitor, "networks", {"CheckDuplicate": True}, deadline))
        yield Place(tuple(binds), network, os.path.join(builds, PREFIX + mark, "0", "group", "project"))


@contextlib.contextmanager
def host_folders(janitor: Janitor, sources: Sequence[str], checkouts: Sequence[str]) -> Iterator[None]:
    """Remove checkouts from the host, and what an engine, or a user, made for them and for SOURCES if it is empty."""
    made = sorted({path for each in (*sources, *checkouts) for path in _missing(each)}, key=len, reverse=True)
    made = [path for path in made if path not in checkouts]
    if made:
        janitor.command(["/bin/sh", "-c", _REMOVE_EMPTY, "sh", *made])
    for checkout in checkouts:
        janitor.folder(checkout)
    try:
        yield
    finally:
        for checkout in checkouts:
            shutil.rmtree(checkout, ignore_errors=True)
            if os.path.lexists(checkout):
                janitor.keep()
        for path in made:
            with contextlib.suppress(OSError):
                os.rmdir(path)


def remove_left_behind(engine: Engine, before: float) -> int:
    """Networks and volumes of smoke jobs that were cut off BEFORE; how many there were."""
    count = 0
    for kind, key in (("networks", None), ("volumes", "Volumes")):
        answer = engine.get(f"/{kind}", query={"filters": {"label": [LABEL]}})
        for found in _entries(answer.get(key) if key and isinstance(answer, dict) else answer):
            name = str(found.get("Name"))
            labels = found.get("Labels")
            made = labels.get(f"{LABEL}.made") if isinstance(labels, dict) else None
            if name.startswith(NAME) and str(made).isdigit() and float(str(made)) < before:
                count += 1
                with contextlib.suppress(EngineError):
                    engine.delete(f"/{kind}/{quote(name)}")
    return count


def _entries(answer: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in answer if isinstance(entry, dict)] if isinstance(answer, list) else []


@contextlib.contextmanager
def _made(engine: Engine, janitor: Janitor, kind: str, body: Mapping[str, Any], deadline: float) -> Iterator[str]:
    """The name of a new network or volume."""
    name = f"{NAME}{uuid.uuid4().hex[:12]}"
    path = f"/{kind}/{name}"
    janitor.request(engine.socket_path, path)
    # An engine tells when a network was made, and of some volumes.
    labels = {LABEL: janitor.mark, f"{LABEL}.made": str(int(time.time()))}
    limit = remaining(deadline, f"one of the {kind} was made")
    try:
        with janitor.making(limit):
            engine.post(f"/{kind}/create", {"Name": name, "Labels": labels, **body}, timeout=limit)
        yield name
    finally:
        try:
            engine.delete(path, timeout=REMOVAL_TIMEOUT)
        except EngineError as error:
            if error.status != 404:
                janitor.keep()


def _exists(engine: Engine, name: str, deadline: float) -> bool:
    try:
        engine.get(f"/volumes/{quote(name)}", timeout=remaining(deadline, "a volume was looked for"))
    except EngineError as error:
        if error.status == 404:
            return False
        raise
    return True


def _covering(volumes: Sequence[Volume], folder: str) -> list[Volume]:
    """Those in which FOLDER lies."""
    targets = [(volume, volume.target.rstrip("/")) for volume in volumes]
    return [volume for volume, target in targets if folder == target or folder.startswith(target + "/")]


def _sources(volumes: Sequence[Volume]) -> list[str]:
    return [str(volume.source) for volume in volumes if volume.on_host]


def _checkouts(volumes: Sequence[Volume], builds: str, mark: str) -> list[str]:
    """Where the checkout may come into being on the host: in a volume, or because the job's own path is taken there.

    The latter is what goes wrong without a mount of the builds folder: the engine makes an empty directory.
    """
    inside = [
        os.path.normpath(f"{volume.source}/{os.path.relpath(builds, volume.target)}")
        for volume in _covering(volumes, builds)
        if volume.on_host
    ]
    return [os.path.join(folder, PREFIX + mark) for folder in dict.fromkeys([*inside, builds])]


def _missing(path: str) -> list[str]:
    """PATH and the folders above it that do not exist."""
    found = []
    while path not in ("", "/") and not os.path.lexists(path):
        found.append(path)
        path = os.path.dirname(path)
    return found
