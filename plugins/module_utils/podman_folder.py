# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The folder that podman works in, shared by root and a user who may wish root ill.

    /run/runnerkit-probe-.../        root's, and what root writes is in it: settings, the container's root
    /run/runnerkit-probe-.../user/   the user's, empty when it is given away

Root gives `user` away last, with one call, and touches nothing below it from then on, since any name there may lead
anywhere: it is read and emptied by processes of that user.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import Callable, Iterator

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.podman_account import Account
from ansible_collections.runnerkit.gitlab.plugins.module_utils.podman_process import run
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor

# podman refuses a --runroot of more than 50 characters: names below have to be short.
RUN = "/run"
USER = "user"
# For each step of the removal.
LIMIT = 10.0

# As the user. Waits for the user's processes that name the folder: the container's monitor has podman tidy up, and is
# not to be overtaken; but podman 3.0 can wait for ever for a container that is gone. Ends the process that holds the
# user's name space, and that podman leaves behind on purpose; it is not the word of a file that decides, but what this
# user may kill. $1 is a pattern that does not match itself.
_EMPTY = r"""
folder=/${1#???}
mine() {
    for entry in $(grep -ls -- "$1" /proc/[0-9]*/cmdline 2>/dev/null); do
        [ ! -O "${entry%/cmdline}" ] || echo "${entry%/cmdline}"
    done
}
n=0
while [ "$n" -lt 100 ] && [ -n "$(mine "$1")" ]; do sleep 0.05; n=$((n + 1)); done
[ "$n" -lt 100 ] || for entry in $(mine "$1"); do
    [ "$(head -c 20 "$entry/comm")" != podman ] || kill -9 "${entry#/proc/}"
done 2>/dev/null
for file in "$folder/tmp/pause.pid" "$folder/libpod/tmp/pause.pid"; do
    [ -f "$file" ] || continue
    pid=$(head -c 20 "$file")
    case $pid in '' | *[!0-9]*) continue ;; esac
    [ "$pid" -gt 1 ] && [ -O "/proc/$pid" ] && kill -9 "$pid"
done 2>/dev/null
rm -rf --one-file-system -- "$folder" 2>/dev/null
[ "$n" -lt 100 ] || exit "$2"
exit 0
"""
# Somebody still names the folder. The janitor has a look later; that one does not wait for what a stranger may name.
_BUSY = 3

# As root, for what the user could not remove, or did not want to. It follows no link, and enters no other file system,
# which might be one that the user answers for.
_REMOVE = 'timeout --signal=KILL "$1" rm -rf --one-file-system -- "$2" 2>/dev/null; [ ! -e "$2" ]'


@contextlib.contextmanager
def shared_folder(janitor: Janitor, account: Account, fill: Callable[[str], None]) -> Iterator[str]:
    """The path of a new folder, which FILL has put root's part into."""
    path = os.path.join(RUN, f"runnerkit-probe-{janitor.mark}-{os.urandom(3).hex()}")
    janitor.command(_remove(path))
    janitor.command(_empty(path, account, 0), account.environment("/"))
    try:
        os.mkdir(path, 0o711)
    except PermissionError as error:
        raise EngineError(
            "permission", f"podman needs a folder in {RUN}, which this user may not make; become root"
        ) from error
    try:
        with _readable_by_all():
            os.chmod(path, 0o711)  # noqa: S103 - the user has to pass, and nobody may list it
            fill(path)
        _give(path, account)
        yield path
    finally:
        if not _take_down(path, account):
            janitor.keep()


@contextlib.contextmanager
def _readable_by_all() -> Iterator[None]:
    """What root writes for the user is of use only if the user can read it, whatever root keeps to itself elsewhere."""
    usual = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(usual)


def _give(path: str, account: Account) -> None:
    """One empty folder for the user, whose name stays root's."""
    parent = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.mkdir(USER, 0o700, dir_fd=parent)
        if account.uid != os.geteuid():
            os.chown(USER, account.uid, account.gid, dir_fd=parent, follow_symlinks=False)
    finally:
        os.close(parent)


def _take_down(path: str, account: Account) -> bool:
    """Remove the folder; whether it is gone for good."""
    below = os.path.join(path, USER)
    quiet = True
    if os.path.lexists(below):
        try:
            quiet = run(_empty(path, account, _BUSY), account.environment("/"), "/", LIMIT + 1).code != _BUSY
        except EngineError:
            quiet = False
        with contextlib.suppress(OSError):
            os.rmdir(below)
    if os.path.lexists(below):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(_remove(path), stdin=subprocess.DEVNULL, timeout=LIMIT + 1, check=False)
    else:
        # Nothing is left in it but what root made.
        shutil.rmtree(path, ignore_errors=True)
    return quiet and not os.path.lexists(path)


def _empty(path: str, account: Account, busy: int) -> list[str]:
    below = os.path.join(path, USER)
    # `[/]run/...`: what looks for it must not find itself.
    return [*account.limited(LIMIT), "/bin/sh", "-c", _EMPTY, "sh", f"[/]{below[1:]}", str(busy)]


def _remove(path: str) -> list[str]:
    return ["/bin/sh", "-c", _REMOVE, "sh", f"{LIMIT:g}", path]
