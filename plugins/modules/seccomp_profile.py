#!/usr/bin/python
# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: seccomp_profile
short_description: Write the engine's own default seccomp profile with ENOSYS as the answer to unknown calls
version_added: 0.1.0
description:
  - For an engine that blocks system calls of newer images (musl's faccessat2, glibc's clone3) and cannot be upgraded.
  - Derives the default profile that this very engine has, changes its default action from C(SCMP_ACT_ERRNO) to
    C(SCMP_ACT_TRACE), and writes it to a file. A call that the profile does not name is then answered C(ENOSYS)
    instead of C(EPERM), upon which programs take the older call.
  - The engine itself is asked, since distributions patch the profile. Throw-away containers with different sets of
    capabilities are started without a network and from an empty image, and what the engine hands to its OCI runtime for
    each of them is compared. The result has to explain every one of these lists, and the engine has to hand over the
    same again when it is given the result, or else nothing is written. This takes 15 to 20 containers and a few
    seconds.
  - A record of what it was derived from is kept. While the engine is the same, no container is started, and a file that
    was edited is put right from the record.
  - The file does nothing by itself. C(seccomp-profile) in daemon.json names it (M(runnerkit.gitlab.docker_daemon)),
    which takes a restart of the daemon. When a file that the daemon has loaded was put right, that module is made to
    restart it.
  - Containers that run already keep the filter that they were started with.
notes:
  - "B(Security): a call that the profile does not name is not refused any more, it is left to a tracer. A process in a
    container that traces another one (C(ptrace), which docker's default profile allows from kernel 4.8 on) can let that
    one make it, without any capability, as any user and in spite of C(no-new-privileges): keyctl, userfaultfd, and
    unshare with a user namespace were made that way. To a job that wants to break out, this profile is hardly more of
    a barrier than none. Upgrade the engine when you can."
options:
  path:
    description: Where the profile is.
    type: path
    default: /etc/docker/runnerkit-seccomp-trace.json
  state:
    description:
      - V(present) derives and writes the profile.
      - V(absent) removes it, and the record. Refused while daemon.json names the file, without which the daemon would
        not start.
    type: str
    choices: [present, absent]
    default: present
  defer:
    description:
      - Whether to say so in RV(deferred) and do nothing when the profile has to be derived, but the engine does not run
        with its default profile at the moment; otherwise the module fails.
    type: bool
    default: false
  record:
    description: Where the record is.
    type: path
    default: /var/lib/runnerkit/seccomp_workaround.json
  config:
    description: The daemon's configuration file.
    type: path
    default: /etc/docker/daemon.json
  unit:
    description: Name of the daemon's systemd unit.
    type: str
    default: docker.service
  socket:
    description: Where the daemon answers.
    type: path
    default: /var/run/docker.sock
  timeout:
    description: Seconds that deriving the profile may take, 1 to 600.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    description: The profile is derived in check mode, too, where the engine can be asked.
  diff_mode:
    support: full
    description: Shows the profile's file.
  platform:
    support: full
    platforms: linux
    description: Hosts with systemd, where the engine's OCI bundles can be read.
seealso:
  - module: runnerkit.gitlab.docker_daemon
  - module: runnerkit.gitlab.seccomp_probe
author:
  - The runnerkit contributors (@runnerkit)
"""

EXAMPLES = r"""
- name: Write the profile
  runnerkit.gitlab.seccomp_profile:

- name: Have the engine use it
  runnerkit.gitlab.docker_daemon:
    config:
      seccomp-profile: /etc/docker/runnerkit-seccomp-trace.json
      live-restore: true
"""

RETURN = r"""
deferred:
  description: Whether the profile has to be derived, but could not be.
  type: bool
  returned: O(state=present)
reason:
  description: Why the profile was derived, put right or deferred.
  type: str
  returned: O(state=present), null when there was nothing to do
in_force:
  description: Whether daemon.json names the file, and the daemon runs with what is in it.
  type: bool
  returned: O(state=present)
engine:
  description: Version of the engine that the profile belongs to.
  type: str
  returned: O(state=present)
package:
  description: Its package, C(name=version).
  type: str
  returned: O(state=present), null for an engine without a package
sha256:
  description: Checksum of the file.
  type: str
  returned: O(state=present), when not deferred
containers:
  description: How many throw-away containers it took.
  type: int
  returned: O(state=present)
"""

import os
import stat

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.runnerkit.gitlab.plugins.module_utils import profile_record
from ansible_collections.runnerkit.gitlab.plugins.module_utils.daemon import PENDING, Daemon, DaemonError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import read_text, remove, write_atomically
from ansible_collections.runnerkit.gitlab.plugins.module_utils.profile_daemon import ProfileDaemon, bounding_status
from ansible_collections.runnerkit.gitlab.plugins.module_utils.profile_rules import ProfileError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.profile_source import bounding_set, default_profile
from ansible_collections.runnerkit.gitlab.plugins.module_utils.systemd import UnitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MODE = 0o644
# What is older than an hour is taken for left behind by probes; no container may come near that.
MAX_TIMEOUT = 600


def difference(path: str, before: str | None, after: str | None) -> dict[str, str]:
    """The profile's file, for --diff."""
    return {"before_header": path, "after_header": path, "before": before or "", "after": after or ""}


def is_ours_to_read(path: str) -> bool:
    """Whether the file belongs to whom it should, and nobody else may write to it."""
    found = os.stat(path)
    return (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (MODE, os.geteuid(), os.getegid())


def present(module: AnsibleModule, daemon: Daemon) -> dict[str, Any]:
    """Compare, derive when it has to be, write."""
    path = module.params["path"]
    host = ProfileDaemon(daemon, path)
    foreign = host.foreign()
    if foreign:
        raise ProfileError(foreign)
    engine, package = host.installed()
    kernel = os.uname().release
    found = profile_record.read(module.params["record"])
    reason, containers = None, 0
    if found is not None and found.fits(engine, package, kernel, path):
        record = found
    else:
        reason = why(found, engine, package)
        cannot = host.cannot_be_asked() if engine else "there is no engine"
        if cannot:
            return deferred(module, f"{reason}, but {cannot}", engine, package)
        profile, containers = default_profile(
            daemon.engine, bounding_set(bounding_status()), float(module.params["timeout"])
        )
        record = profile_record.Record(str(engine), package, kernel, path, profile)
    text = read_text(path)
    wrong = text != record.text or not is_ours_to_read(path)
    if wrong and reason is None:
        reason = f"{path} is missing" if text is None else f"{path} was changed by somebody else"
    changed = wrong or record != found
    if changed and not module.check_mode:
        store(module, record, wrong, restart=host.named == path)
    return {
        "changed": changed,
        "deferred": False,
        "reason": reason,
        "in_force": not changed and host.taken_over(),
        "engine": engine,
        "package": package,
        "sha256": record.sha256,
        "containers": containers,
        "diff": difference(path, text, record.text),
    }


def why(record: profile_record.Record | None, engine: str | None, package: str | None) -> str:
    """Why a profile has to be derived."""
    if record is None:
        return "the profile has to be derived from the engine"
    if (record.engine, record.package) == (engine, package):
        return "the profile was derived on a newer kernel or for another file"
    return f"the profile was derived from {record.package or record.engine}, and {package or engine} is installed"


def deferred(module: AnsibleModule, reason: str, engine: str | None, package: str | None) -> dict[str, Any]:
    """The engine cannot be asked now."""
    if not module.params["defer"] and not module.check_mode:
        raise ProfileError(reason)
    # In check mode nobody makes it possible in between.
    return {
        "changed": module.check_mode,
        "deferred": True,
        "reason": reason,
        "in_force": False,
        "engine": engine,
        "package": package,
        "containers": 0,
    }


def store(module: AnsibleModule, record: profile_record.Record, wrong: bool, restart: bool) -> None:
    """The record first: a file that does not fit it is put right by the next run, if this one ends here."""
    profile_record.write(record, module.params["record"])
    if not wrong:
        return
    if restart:
        # The daemon may have loaded what is replaced now.
        write_atomically(PENDING, b"restart")
    write_atomically(record.path, record.text.encode(), MODE)
    os.chown(record.path, os.geteuid(), os.getegid())


def absent(module: AnsibleModule, daemon: Daemon) -> dict[str, Any]:
    """Remove the file and the record."""
    path = module.params["path"]
    if ProfileDaemon(daemon, path).named == path and not module.check_mode:
        raise ProfileError(
            f"{module.params['config']} on this host has seccomp-profile '{path}', and without that file the daemon "
            "would not start again; remove the key first"
        )
    files = [each for each in (path, module.params["record"]) if os.path.lexists(each)]
    before = read_text(path)
    if not module.check_mode:
        for each in files:
            remove(each)
    return {"changed": bool(files), "diff": difference(path, before, None)}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/docker/runnerkit-seccomp-trace.json"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "defer": {"type": "bool", "default": False},
            "record": {"type": "path", "default": "/var/lib/runnerkit/seccomp_workaround.json"},
            "config": {"type": "path", "default": "/etc/docker/daemon.json"},
            "unit": {"type": "str", "default": "docker.service"},
            "socket": {"type": "path", "default": "/var/run/docker.sock"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    if not 1 <= module.params["timeout"] <= MAX_TIMEOUT:
        module.fail_json(msg=f"timeout is {module.params['timeout']}; give seconds from 1 to {MAX_TIMEOUT}")
    params = {**module.params, "path": module.params["config"]}
    try:
        daemon = Daemon(module.run_command, params)
        result = (present if module.params["state"] == "present" else absent)(module, daemon)
    except (ProfileError, DaemonError, EngineError, UnitError, OSError) as error:
        module.fail_json(msg=f"the seccomp profile {module.params['path']} is left as it is: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
