# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What the layers of the sample report answered, as engines of these distributions do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.syscalls import numbers

NUMBERS = numbers("x86_64")

# Of a call that is not simply allowed: (measured, by, model, reason).
Answer = tuple[str, str | None, str, str | None]
Answers = Mapping[str, Answer]
ALLOWED: Answer = ("allowed", None, "allowed", None)
BLOCKED: Answer = ("EPERM", "profile", "EPERM", None)
STUBBED: Answer = ("ENOSYS", "profile", "ENOSYS", None)
ABSENT: Answer = ("ENOSYS", "kernel", "ENOSYS", None)

PRIVILEGED = ("open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "pidfd_getfd", "process_madvise")
LANDLOCK = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")
IO_URING = ("io_uring_setup", "io_uring_enter", "io_uring_register")
OF_6_6 = ("cachestat", "fchmodat2", "futex_wake", "futex_wait", "futex_requeue")
OF_6_17 = ("open_tree_attr", "file_getattr", "file_setattr")
NEWEST = tuple(name for name, number in NUMBERS.items() if number >= NUMBERS["statmount"])


def _learned(call: str) -> str:
    return f"this host's libseccomp 2.5.1 knows {call}, upstream's learned it in 2.5.2"


BOOKWORM: Answers = {
    **dict.fromkeys((*PRIVILEGED, "mount_setattr", "quotactl_fd"), BLOCKED),
    **dict.fromkeys((*OF_6_6, *NEWEST, "set_mempolicy_home_node", "clone3"), STUBBED),
    "map_shadow_stack": ("ENOSYS", "unknown", "ENOSYS", None),
}
TRIXIE: Answers = {
    **BOOKWORM,
    **dict.fromkeys((*IO_URING, "set_mempolicy_home_node"), BLOCKED),
    **dict.fromkeys(OF_6_6, ALLOWED),
    **dict.fromkeys(OF_6_17, ABSENT),
    "map_shadow_stack": ("ENOSYS", "kernel", "allowed", "this kernel was built without map_shadow_stack"),
}
BULLSEYE: Answers = {
    **BOOKWORM,
    **dict.fromkeys(("mount_setattr", "quotactl_fd", "memfd_secret", "process_mrelease", "futex_waitv"), STUBBED),
    **dict.fromkeys(LANDLOCK, STUBBED),
    "clone3": (
        "ENOSYS", "profile", "EPERM",
        "the default profile of this engine's package differs from upstream's 20.10.5: clone3 answers ENOSYS",
    ),
    "close_range": ("allowed", None, "EPERM", _learned("close_range")),
    "epoll_pwait2": ("allowed", None, "ENOSYS", _learned("epoll_pwait2")),
    "process_madvise": ("EPERM", "profile", "ENOSYS", _learned("process_madvise")),
}  # fmt: skip
# Without runc's stub every call that the profile does not name is refused.
BUSTER: Answers = dict.fromkeys((name for name in NUMBERS if name not in ("statx", "io_pgetevents")), BLOCKED)


def rows(layer: str, answers: Answers) -> list[dict[str, Any]]:
    """Every call of the architecture at a layer; those that are not named are allowed."""
    kind = layer.split(maxsplit=1)[0]
    found = []
    for call, number in NUMBERS.items():
        measured, by, model, reason = answers.get(call, ALLOWED)
        found.append(
            {
                "layer": kind, "name": layer, "call": call, "number": number, "measured": measured, "by": by,
                "model": model, "reason": reason, "explained": measured == model or reason is not None,
            }
        )  # fmt: skip
    return found
