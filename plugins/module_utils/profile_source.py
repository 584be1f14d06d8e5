# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Asking an engine for its default seccomp profile: by containers that live for as long as it takes to read their OCI
bundle. Nobody else knows it: distributions patch the profile, and the engine has no call that tells it.
"""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterable, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils import profile_rules
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.oci_bundle import find_config
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_again import again_if_vanished
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_container import empty_image, throw_away
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import Layout, layout
from ansible_collections.runnerkit.gitlab.plugins.module_utils.profile_rules import (
    Capabilities,
    ProfileError,
    Sections,
)

# By number (linux/capability.h).
CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()

# An engine knows the capabilities of its time; 20.10: `invalid CapAdd: unknown capability: "CAP_BPF"`.
_UNKNOWN = re.compile(r'unknown capability[^"]*"(?:CAP_)?(\w+)"', re.IGNORECASE)

# Starting a container is waiting for the most part; more at a time did not end sooner on two cores.
THREADS = 4
# What the containers run; they are removed long before.
PROGRAM = "import time; time.sleep(600)"


class Source:
    """The containers of one engine."""

    def __init__(self, engine: Engine, janitor: Janitor, image: str, content: Layout, deadline: float) -> None:
        self._engine = engine
        self._janitor = janitor
        self._image = image
        self._layout = content
        self._deadline = deadline
        self.containers = 0

    def ask(self, sets: Iterable[Capabilities], profile: str | None = None) -> Sections:
        """linux.seccomp by the capabilities that the containers really got; under the engine's own profile."""
        return dict(self._all([self._host_config(each, profile) for each in sets]))

    def ask_default(self) -> tuple[Capabilities, dict[str, Any]]:
        """The same for a container as a job has it."""
        self.containers += 1
        return self._one(self._host_config(None, None))

    def _all(self, configs: list[dict[str, Any]]) -> list[tuple[Capabilities, dict[str, Any]]]:
        self.containers += len(configs)
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self._one, configs))

    def _host_config(self, capabilities: Capabilities | None, profile: str | None) -> dict[str, Any]:
        config: dict[str, Any] = {"Mounts": self._layout.mounts()}
        if capabilities is not None:
            config["CapDrop"] = ["ALL"]
            config["CapAdd"] = sorted(name.replace("CAP_", "") for name in capabilities)
        if profile is not None:
            config["SecurityOpt"] = [f"seccomp={profile}"]
        return config

    def _one(self, host_config: Mapping[str, Any]) -> tuple[Capabilities, dict[str, Any]]:
        return again_if_vanished(
            lambda: self._run(self._image, host_config), again=lambda: self._in_another_image(host_config)
        )

    def _in_another_image(self, host_config: Mapping[str, Any]) -> tuple[Capabilities, dict[str, Any]]:
        """Somebody may have removed the one that all share."""
        with empty_image(self._engine, self._janitor, self._deadline, self._layout) as image:
            return self._run(image, host_config)

    def _run(self, image: str, host_config: Mapping[str, Any]) -> tuple[Capabilities, dict[str, Any]]:
        config = {
            "Image": image,
            "Cmd": self._layout.command(PROGRAM),
            "Env": self._layout.environment(),
        }
        with throw_away(self._engine, self._janitor, config, host_config, self._deadline) as container:
            bundle = find_config(container.id)
        if bundle is None:
            raise ProfileError("what the engine hands to its OCI runtime cannot be found on this host")
        section = (bundle.get("linux") or {}).get("seccomp")
        if not section:
            raise ProfileError(
                "the engine starts containers without a seccomp profile, so that there is none to change"
            )
        bounding = ((bundle.get("process") or {}).get("capabilities") or {}).get("bounding") or []
        return frozenset(bounding), section

    def all_known(self, names: Iterable[str]) -> tuple[Capabilities, dict[str, Any]]:
        """For a container with all of NAMES, but those that the engine does not know."""
        left = {name.replace("CAP_", "") for name in names}
        found = None
        while found is None:
            found = self._known(left)
        self.containers += 1
        return found

    def _known(self, left: set[str]) -> tuple[Capabilities, dict[str, Any]] | None:
        """The answer; or None with one name less."""
        try:
            return self._one(self._host_config(frozenset(left), None))
        except EngineError as error:
            unknown = _UNKNOWN.search(error.message)
            if not unknown or unknown[1] not in left:
                raise
            left.discard(unknown[1])
            return None


def bounding_set(status: str) -> list[str]:
    """Capabilities that a container can have at most, by the text of its engine's /proc/PID/status."""
    match = re.search(r"^CapBnd:\s*([0-9a-f]+)", status, re.MULTILINE)
    mask = int(match[1], 16) if match else 0
    return [name for number, name in enumerate(CAPABILITIES) if mask >> number & 1]


def default_profile(engine: Engine, names: Iterable[str], timeout: float) -> tuple[dict[str, Any], int]:
    """(the engine's default profile with TRACE as its default action, the containers it took).

    The engine has to have its default profile in force. It is asked at last to start containers with the result, as it
    would with that file in daemon.json.
    """
    deadline = time.monotonic() + timeout
    content = layout()
    with Janitor() as janitor, empty_image(engine, janitor, deadline, content) as image:
        source = Source(engine, janitor, image, content, deadline)
        first = dict([source.all_known(names), source.ask_default()])
        profile = profile_rules.derive(first, source.ask)
        _prove(source, profile, first)
    return profile, source.containers


def _prove(source: Source, profile: Mapping[str, Any], first: Sections) -> None:
    """The engine itself takes the profile for what it is."""
    text = json.dumps(profile)
    for capabilities, section in source.ask(first, text).items():
        expected = profile_rules.handed_over(profile, capabilities)
        found = [profile_rules.plain(rule) for rule in section.get("syscalls") or []]
        if section.get("defaultAction") != profile_rules.TRACE or found != expected:
            raise ProfileError("the engine makes something else of the derived profile than it is")
