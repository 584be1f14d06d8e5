# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""Whose podman is asked, and how a process becomes that user's as if the user had logged in."""

from __future__ import annotations

import os
import pwd
import shutil
from typing import NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SESSIONS = "/run/user"


class Account(NamedTuple):
    """A user of this host; `prefix` is what a command begins with that runs as that user."""

    name: str
    uid: int
    gid: int
    home: str
    prefix: tuple[str, ...]

    def environment(self, runtime_folder: str) -> dict[str, str]:
        """What podman looks at after a login. RUNTIME_FOLDER is in place of the session's, which may not exist."""
        found = {
            "HOME": self.home,
            "USER": self.name,
            "LOGNAME": self.name,
            "PATH": SEARCH_PATH,
            "LC_ALL": "C.UTF-8",
            "XDG_RUNTIME_DIR": runtime_folder,
            "TMPDIR": runtime_folder,
        }
        bus = os.path.join(SESSIONS, str(self.uid), "bus")
        if self.uid != 0 and os.path.exists(bus):
            found["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={bus}"
        return found

    def limited(self, seconds: float) -> list[str]:
        """What a command begins with that runs as the user, and ends in time with all that it started.

        Whoever starts it can kill runuser, but not what that has become.
        """
        return [*self.prefix, "timeout", "--signal=KILL", f"{seconds:g}"]


def account_of(user: str | None) -> Account:
    """The account of USER, None is root; EngineError with a sentence where its podman cannot be asked."""
    try:
        entry = pwd.getpwnam(user or "root")
    except KeyError as error:
        raise EngineError(
            "missing", f"there is no user {user} on this host; correct podman_users or create the user"
        ) from error
    mine = os.geteuid()
    # The user's own rights would not do: the folder that everything is in stays root's.
    if mine != 0:
        raise EngineError("permission", f"podman of {entry.pw_name} can be asked by root only; become root")
    if not os.path.isdir(entry.pw_dir):
        raise EngineError(
            "missing",
            f"the home {entry.pw_dir} of the user {entry.pw_name} does not exist, and podman needs it; create it",
        )
    prefix: tuple[str, ...] = ()
    if mine != entry.pw_uid:
        runuser = shutil.which("runuser", path=SEARCH_PATH)
        if runuser is None:
            raise EngineError("missing", "this host has no runuser to become another user with; install util-linux")
        prefix = (runuser, "-u", entry.pw_name, "--")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, prefix)
