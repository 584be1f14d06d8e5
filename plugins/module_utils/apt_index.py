# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which versions are on offer: in a repository that the host may not use yet, and in the sources that it has."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Apt
from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt_repository import Repository, RepositoryError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import make_folders, write_atomically

INDEX_DIRECTORY = "/var/cache/runnerkit/index"
SYSTEM_LISTS = "/var/lib/apt/lists"

# Reading an index of our own is nothing that other programs on the host should hear of. An option on the command line
# cannot empty a list, a file can.
_WITHOUT_HOOKS = b"".join(
    b"#clear APT::Update::%s;\n" % hook for hook in (b"Pre-Invoke", b"Post-Invoke", b"Post-Invoke-Success")
)
_UNSIGNED = ("signature", "NO_PUBKEY", "EXPKEYSIG", "KEYEXPIRED", "REVKEYSIG", "not signed", "GPG error")


class Offer(NamedTuple):
    """What the host's own sources have."""

    complaints: list[str]
    available: dict[str, list[dict[str, str]]]
    candidates: dict[str, str]


def scratch_options(directory: str, source_file: str | None = None) -> list[str]:
    """Options that make apt keep its index below `directory`, and read `source_file` alone when one is given."""
    for part in ("lists/partial", "archives/partial"):
        make_folders(os.path.join(directory, part))
    configuration = os.path.join(directory, "apt.conf")
    if not _has(configuration, _WITHOUT_HOOKS):
        write_atomically(configuration, _WITHOUT_HOOKS)
    options = [
        "-c", configuration,
        "-o", f"Dir::State::lists={directory}/lists",
        "-o", f"Dir::Cache={directory}",
        "-o", f"Dir::Cache::archives={directory}/archives",
        "-o", "APT::Sandbox::User=root",
    ]  # fmt: skip
    if source_file:
        options += ["-o", f"Dir::Etc::sourcelist={source_file}", "-o", "Dir::Etc::sourceparts=/dev/null"]
    return options


def is_fresh(directory: str, seconds: int) -> bool:
    """Whether the index below a lists directory was read within the last `seconds`."""
    try:
        names = [name for name in os.listdir(directory) if name.endswith(("Release", "_Packages"))]
        # apt keeps the server's times on the files; the directory's own time is when it last wrote there.
        return bool(names) and time.time() - os.stat(os.path.join(directory, "partial")).st_mtime < seconds
    except OSError:
        return False


def touch(directory: str) -> None:
    """Note that the index was read now, also when apt found nothing new to write."""
    os.utime(os.path.join(directory, "partial"))


def scratch_directory() -> str:
    """A folder that goes when the module ends. Not the module's own: that one makes a folder in root's home."""
    directory = tempfile.mkdtemp(prefix="runnerkit-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def _has(path: str, content: bytes) -> bool:
    """Whether a file has this very content."""
    try:
        with open(path, "rb") as stream:
            return stream.read() == content
    except OSError:
        return False


def look_into(
    module: AnsibleModule, repository: Repository, names: list[str], fetch: Callable[[str], bytes]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(state of the repository, versions on offer per name); the system's own sources stay out of it."""
    try:
        key = repository.key(fetch)
    except RepositoryError as error:
        return {"current": False, "error": {"kind": error.kind, "message": str(error)}}, {}
    state, offer = _read(module, repository, names, key)
    if state["error"] and state["error"]["kind"] == "index_unsigned" and key == repository.installed_key():
        # The owner may have prolonged the key: its fingerprint is the same then, its content is not.
        try:
            newer = repository.fetch_key(fetch)
        except RepositoryError as error:
            # Another key altogether: that is what people have to know, not that the index is unsigned.
            rotated = error.kind == "key_mismatch"
            return {**state, "error": {"kind": error.kind, "message": str(error)}} if rotated else state, offer
        if newer != key:
            return _read(module, repository, names, newer)
    return state, offer


def _read(
    module: AnsibleModule, repository: Repository, names: list[str], key: bytes
) -> tuple[dict[str, Any], dict[str, Any]]:
    state: dict[str, Any] = {"current": not repository.changes(key), "error": None}
    if not module.params["index"]:
        return state, {}
    # Only a repository in use is worth a lasting index, and check mode leaves nothing behind at all.
    lasting = state["current"] and not module.check_mode
    directory = os.path.join(INDEX_DIRECTORY, repository.spec["name"]) if lasting else scratch_directory()
    make_folders(directory)
    key_path = os.path.join(directory, "key" + os.path.splitext(repository.key_path(key))[1])
    source_path = os.path.join(directory, "repository.sources")
    lists = os.path.join(directory, "lists")
    for path, content in ((key_path, key), (source_path, repository.source_text(key_path).encode())):
        if not _has(path, content):
            # An index that was read from another address, or by another key, says nothing.
            shutil.rmtree(lists, ignore_errors=True)
            write_atomically(path, content)
    apt = Apt(module.run_command, module.params["lock_timeout"], scratch_options(directory, source_path))
    if not is_fresh(lists, module.params["cache_valid_time"]):
        complaints = apt.update()
        if complaints:
            unsigned = any(word in text for text in complaints for word in _UNSIGNED)
            kind = "index_unsigned" if unsigned else "index_unreachable"
            said = [" ".join(text[3:].split()) for text in complaints if "Some index files failed" not in text]
            state["error"] = {"kind": kind, "message": "; ".join(said[:3])}
            # What is left of an older index must not pass for this one the next time.
            shutil.rmtree(lists, ignore_errors=True)
            return state, {}
        touch(lists)
    return state, apt.available(names)


def look_around(module: AnsibleModule, names: list[str]) -> Offer:
    """What the sources that the host uses already have."""
    options: list[str] = []
    complaints: list[str] = []
    lists = SYSTEM_LISTS
    fresh = is_fresh(lists, module.params["cache_valid_time"])
    if not fresh and module.check_mode:
        directory = scratch_directory()
        options, lists = scratch_options(directory), os.path.join(directory, "lists")
    apt = Apt(module.run_command, module.params["lock_timeout"], options)
    if not fresh:
        complaints = apt.update()
        if not complaints:
            touch(lists)
    return Offer(complaints, apt.available(names), apt.candidates(names))
