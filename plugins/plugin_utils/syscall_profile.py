# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A seccomp profile as far as the model needs it: what it does with each recent call, by a rule or by default."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping
from typing import Any, Literal

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

Answer = Literal["allowed", "ENOSYS", "EPERM", "killed"]

EPERM = 1
ENOSYS = 38
_ACTION = re.compile(r"^SCMP_ACT_(?P<name>[A-Z_]+)(?::(?P<errno>\d+))?(?P<conditional>\s+conditional)?$")


@dataclasses.dataclass(frozen=True)
class Action:
    """What a profile does with a call: an action of libseccomp by name, for ERRNO with the number."""

    name: str
    errno: int | None = None
    conditional: bool = False

    @classmethod
    def parse(cls, text: str) -> Action:
        """Read `SCMP_ACT_ERRNO:38 conditional`; ValueError for anything else."""
        match = _ACTION.match(text)
        if not match:
            raise ValueError(
                f"{text!r} is not an action of a seccomp profile such as SCMP_ACT_ALLOW or SCMP_ACT_ERRNO:38"
            )
        return cls(match["name"], int(match["errno"]) if match["errno"] else None, bool(match["conditional"]))

    @property
    def allows(self) -> bool:
        # A supervisor that is notified (NOTIFY) may do anything; what it is there for is to let calls through.
        return self.name in ("ALLOW", "LOG", "NOTIFY")

    @property
    def permissive(self) -> bool:
        """Whether runc leaves out its stub when this is the profile's default."""
        return self.name in ("ALLOW", "LOG", "TRACE")

    def answer(self, errno_ret: bool) -> Answer:
        """What a program sees; ERRNO_RET: whether the runtime passes the number of SCMP_ACT_ERRNO on."""
        if self.allows:
            return "allowed"
        if self.name == "TRACE":
            # Without a tracer the kernel answers ENOSYS (seccomp(2)).
            return "ENOSYS"
        if self.name != "ERRNO":
            return "killed"
        errno = self.errno if errno_ret and self.errno is not None else EPERM
        if errno == EPERM:
            return "EPERM"
        # Any other number looks like the call's own answer.
        return "ENOSYS" if errno == ENOSYS else "allowed"

    def __str__(self) -> str:
        if self.name == "ERRNO":
            text = {None: "answers EPERM to", EPERM: "answers EPERM to", ENOSYS: "answers ENOSYS to"}.get(
                self.errno, f"answers error number {self.errno} to"
            )
        else:
            text = {
                "ALLOW": "allows",
                "LOG": "allows (and logs)",
                "NOTIFY": "hands over to a supervisor",
                "TRACE": "leaves to a tracer, and without one answers ENOSYS to",
            }.get(self.name, "kills whoever makes")
        return f"{text} (with certain arguments)" if self.conditional else text


ALLOW = Action("ALLOW")


@dataclasses.dataclass(frozen=True)
class Profile:
    """The filter of a container: `rules` for recent calls, `default` for what is not named."""

    name: str
    rules: Mapping[str, Action]
    default: Action
    confined: bool = True
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)  # call -> capability the container lacks
    notes: tuple[str, ...] = ()


def unconfined(name: str) -> Profile:
    """No filter at all."""
    return Profile(name, {}, ALLOW, confined=False)


def handed_over(content: Mapping[str, Any]) -> Profile:
    """The profile that an engine handed to its runtime, as the probe read it from the container's configuration."""
    if content.get("default") is None:
        return unconfined("the container's configuration")
    default = dataclasses.replace(Action.parse(content["default"]), errno=content.get("default_errno"))
    rules = {call: Action.parse(text) for call, text in (content.get("rules") or {}).items() if call in tables.CALLS}
    return Profile("the profile in the container's configuration", rules, default)


def docker_default(engine: EngineVersion, capabilities: Collection[str] = ()) -> Profile:
    """The default profile of a Docker Engine, by upstream's sources."""
    row, note = tables.docker_row(engine)
    return _from_row(f"the default profile of Docker {engine}", row, capabilities, (note,) if note else ())


def podman_default(engine: EngineVersion, capabilities: Collection[str] = ()) -> Profile:
    """The default profile of podman; one that is not known blocks everything until it is measured."""
    row = tables.podman_row(engine)
    name = f"the default profile of podman {engine}"
    if row is None:
        return Profile(
            name, {}, Action("ERRNO"), notes=(f"{name} is not known; taken as blocked until it is measured",)
        )
    return _from_row(name, row, capabilities, ())


def _from_row(name: str, row: tables.EngineRow, capabilities: Collection[str], notes: tuple[str, ...]) -> Profile:
    missing = {
        call: capability
        for call in row.capability
        if (capability := tables.missing_capability(call, capabilities)) is not None
    }
    rules = dict.fromkeys(row.allow | (row.capability - missing.keys()), ALLOW)
    # The engine leaves a rule out that the container's capabilities do not ask for; clone3's ENOSYS is for the others.
    rules |= dict.fromkeys(row.enosys - (row.capability - missing.keys()), Action("ERRNO", ENOSYS))
    rules |= dict.fromkeys(row.eperm, Action("ERRNO", EPERM))
    if row.default == "ENOSYS":
        # Podman's profile answers EPERM itself where a capability is missing, everything unheard-of gets ENOSYS.
        rules |= dict.fromkeys(missing.keys() - row.enosys, Action("ERRNO", EPERM))
    default = Action("ERRNO", ENOSYS) if row.default == "ENOSYS" else Action("ERRNO")
    return Profile(name, rules, default, missing=missing, notes=notes)
