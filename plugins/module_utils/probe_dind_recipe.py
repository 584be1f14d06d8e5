# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""The container in which a nested engine runs: what is started in it, and what it gets of the host."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import Layout

MEETING_POINT = "/probe"  # in the container; not under /run, which entry points tidy up
SOCKET = "docker.sock"
HOST_FILES = "/host"  # where the nested engine finds this host's interpreter and libraries
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# vfs needs nothing of the kernel, so that no driver is tried and no kernel module loaded; the containers are empty.
DAEMON = (
    "dockerd",
    f"--host=unix://{MEETING_POINT}/{SOCKET}",
    "--bridge=none",
    "--iptables=false",
    "--ip-forward=false",
    "--ip-masq=false",
    "--userland-proxy=false",
    "--storage-driver=vfs",
)
# The option came with 20.10, and is on unless it is said since 27.0.
IP6TABLES_SINCE = (20, 10)
IP6TABLES_OFF = "--ip6tables=false"

# No TLS: the official image's entry point would make certificates. `container` tells dockerd not to touch AppArmor.
ENVIRONMENT = ("DOCKER_TLS_CERTDIR=", "container=docker")

# With cgroup v2, a group that has processes of its own cannot give controllers to groups below it: the container's
# processes move aside first, as in the official image. Only where the tree that is seen is the container's own (the
# machine's has no cgroup.events at its root): the host's would be changed. The shell stays, to bury processes that
# nobody waits for.
WRAPPER = """
mkdir -p /run && ln -s ../run /var/run
if [ "$(cat /proc/self/cgroup)" = 0::/ ] && cd /sys/fs/cgroup && [ -f cgroup.controllers ] && [ -f cgroup.events ]; then
    mkdir -p init
    for process in $(cat cgroup.procs); do echo "$process" >init/cgroup.procs; done
    for controller in $(cat cgroup.controllers); do echo "+$controller" >cgroup.subtree_control; done
fi 2>/dev/null
cd /
"$@"
exit $?
"""


def recipe(
    source: str, own: bool, version: tuple[int, ...], folder: str, place: Layout, info: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The container as the API wants it: its configuration, and what it gets of the host.

    INFO is what the host's engine says of itself.
    """
    daemon = [*DAEMON, *([IP6TABLES_OFF] if version >= IP6TABLES_SINCE else [])]
    config: dict[str, Any] = {
        "Image": source,
        "Cmd": daemon,
        "Env": list(ENVIRONMENT),
        "Volumes": {"/var/lib/docker": {}},
        # More than the network "none": nothing is set up, so nothing has to be cleared away later.
        "NetworkDisabled": True,
    }
    mounts = [{**mount, "Target": HOST_FILES + mount["Target"]} for mount in place.mounts()]
    mounts.append({"Type": "bind", "Source": folder, "Target": MEETING_POINT})
    if own:
        config["Cmd"] = ["/bin/sh", "-c", WRAPPER, "sh", *daemon]
        config["Env"] += [f"PATH={SEARCH_PATH}", *place.environment()]
        mounts += place.mounts()
    host_config: dict[str, Any] = {"Privileged": True, "UsernsMode": "host", "Mounts": mounts}
    if str(info.get("CgroupVersion")) == "2":
        # daemon.json may have another default, with which the container would see the host's groups, and change them.
        host_config["CgroupnsMode"] = "private"
    return config, host_config
