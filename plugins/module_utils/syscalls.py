# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The system calls that came after 2017, in the order of their numbers: engines differ only in these.

Numbers are those of Linux's own tables (arch/x86/entry/syscalls/syscall_64.tbl, and scripts/syscall.tbl for aarch64).
None: the architecture has no such call; the time64 calls exist on 32-bit architectures alone.
"""

from __future__ import annotations

from typing import NamedTuple


class Syscall(NamedTuple):
    """One call and its number on each architecture."""

    name: str
    x86_64: int | None
    aarch64: int | None


RECENT = (
    Syscall("statx", 332, 291),
    Syscall("io_pgetevents", 333, 292),
    Syscall("rseq", 334, 293),
    Syscall("pidfd_send_signal", 424, 424),
    Syscall("io_uring_setup", 425, 425),
    Syscall("io_uring_enter", 426, 426),
    Syscall("io_uring_register", 427, 427),
    Syscall("open_tree", 428, 428),
    Syscall("move_mount", 429, 429),
    Syscall("fsopen", 430, 430),
    Syscall("fsconfig", 431, 431),
    Syscall("fsmount", 432, 432),
    Syscall("fspick", 433, 433),
    Syscall("pidfd_open", 434, 434),
    Syscall("clone3", 435, 435),
    Syscall("close_range", 436, 436),
    Syscall("openat2", 437, 437),
    Syscall("pidfd_getfd", 438, 438),
    Syscall("faccessat2", 439, 439),
    Syscall("process_madvise", 440, 440),
    Syscall("epoll_pwait2", 441, 441),
    Syscall("mount_setattr", 442, 442),
    Syscall("quotactl_fd", 443, 443),
    Syscall("landlock_create_ruleset", 444, 444),
    Syscall("landlock_add_rule", 445, 445),
    Syscall("landlock_restrict_self", 446, 446),
    Syscall("memfd_secret", 447, 447),
    Syscall("process_mrelease", 448, 448),
    Syscall("futex_waitv", 449, 449),
    Syscall("set_mempolicy_home_node", 450, 450),
    Syscall("cachestat", 451, 451),
    Syscall("fchmodat2", 452, 452),
    Syscall("map_shadow_stack", 453, 453),
    Syscall("futex_wake", 454, 454),
    Syscall("futex_wait", 455, 455),
    Syscall("futex_requeue", 456, 456),
    Syscall("statmount", 457, 457),
    Syscall("listmount", 458, 458),
    Syscall("lsm_get_self_attr", 459, 459),
    Syscall("lsm_set_self_attr", 460, 460),
    Syscall("lsm_list_modules", 461, 461),
    Syscall("mseal", 462, 462),
    Syscall("setxattrat", 463, 463),
    Syscall("getxattrat", 464, 464),
    Syscall("listxattrat", 465, 465),
    Syscall("removexattrat", 466, 466),
    Syscall("open_tree_attr", 467, 467),
    Syscall("file_getattr", 468, 468),
    Syscall("file_setattr", 469, 469),
    Syscall("clock_gettime64", None, None),
    Syscall("clock_settime64", None, None),
    Syscall("clock_adjtime64", None, None),
    Syscall("clock_getres_time64", None, None),
    Syscall("clock_nanosleep_time64", None, None),
    Syscall("timer_gettime64", None, None),
    Syscall("timer_settime64", None, None),
    Syscall("timerfd_gettime64", None, None),
    Syscall("timerfd_settime64", None, None),
    Syscall("utimensat_time64", None, None),
    Syscall("pselect6_time64", None, None),
    Syscall("ppoll_time64", None, None),
    Syscall("io_pgetevents_time64", None, None),
    Syscall("recvmmsg_time64", None, None),
    Syscall("mq_timedsend_time64", None, None),
    Syscall("mq_timedreceive_time64", None, None),
    Syscall("semtimedop_time64", None, None),
    Syscall("rt_sigtimedwait_time64", None, None),
    Syscall("futex_time64", None, None),
    Syscall("sched_rr_get_interval_time64", None, None),
)
NAMES = tuple(call.name for call in RECENT)


def numbers(architecture: str) -> dict[str, int]:
    """Number of each call that ARCHITECTURE (as `uname -m` prints it) has; empty for one that is not in the table."""
    if architecture not in ("x86_64", "aarch64"):
        return {}
    found = ((call.name, getattr(call, architecture)) for call in RECENT)
    return {name: number for name, number in found if number is not None}
