# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A stand-in for an engine with a seccomp profile, as profile_source sees it: containers, and what runc is given."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import profile_source
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.profile_rules import handed_over

JOB = ["CHOWN", "KILL", "SYS_CHROOT"]
RULES: list[dict[str, Any]] = [
    {"names": ["read", "faccessat2"], "action": "SCMP_ACT_ALLOW"},
    {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["chroot"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_CHROOT"]}},
    {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
]
PROFILE: dict[str, Any] = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": RULES}


class ProfileEngine:
    """Starts containers under `profile`, and knows the capabilities of its time."""

    def __init__(self, profile: Mapping[str, Any] | None = PROFILE) -> None:
        self.profile = profile
        self.unknown = {"BPF", "PERFMON", "CHECKPOINT_RESTORE"}
        self.error: EngineError | None = None
        self.hides_bundles = False
        # What it makes of a profile that it is given.
        self.twist: Callable[[dict[str, Any]], dict[str, Any]] = dict
        self.bundles: dict[str, dict[str, Any]] = {}
        self.started = 0
        self.images = 0
        # Images that somebody else removed.
        self.pruned: set[str] = set()
        self._lock = threading.Lock()

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have profile_source use it."""
        monkeypatch.setattr(profile_source, "Janitor", lambda: contextlib.nullcontext(SimpleNamespace()))
        monkeypatch.setattr(profile_source, "empty_image", self._empty_image)
        monkeypatch.setattr(profile_source, "throw_away", self._throw_away)
        monkeypatch.setattr(profile_source, "find_config", self.bundles.get)

    def _empty_image(self, *_: object) -> contextlib.nullcontext[str]:
        with self._lock:
            self.images += 1
            return contextlib.nullcontext(f"empty:{self.images}")

    @contextlib.contextmanager
    def _throw_away(
        self, _engine: object, _janitor: object, config: Mapping[str, Any], host: Mapping[str, Any], _deadline: float
    ) -> Iterator[SimpleNamespace]:
        if config["Image"] in self.pruned:
            raise EngineError("http", f"could not make a container: No such image: {config['Image']}", 404)
        assert config["Image"].startswith("empty:")
        if self.error:
            raise self.error
        added = host.get("CapAdd", JOB)
        for name in added:
            if name in self.unknown:
                raise EngineError("http", f'was answered 400: invalid CapAdd: unknown capability: "CAP_{name}"', 400)
        given = [json.loads(option.removeprefix("seccomp=")) for option in host.get("SecurityOpt", [])]
        with self._lock:
            self.started += 1
            name = f"container{self.started}"
        if not self.hides_bundles:
            self.bundles[name] = self._bundle([f"CAP_{each}" for each in added], *given)
        yield SimpleNamespace(id=name)
        self.bundles.pop(name, None)

    def _bundle(self, bounding: list[str], given: dict[str, Any] | None = None) -> dict[str, Any]:
        profile = self.twist(given) if given else self.profile
        section = profile and {**profile, "syscalls": handed_over(profile, frozenset(bounding))}
        return {"linux": {"seccomp": section}, "process": {"capabilities": {"bounding": bounding} if bounding else {}}}
