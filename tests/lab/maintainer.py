"""Units and maintainer scripts with the behaviour of those in docker's own packages."""

from __future__ import annotations

from collections.abc import Sequence

DOCKER_SERVICE = """\
[Unit]
Description=Docker Application Container Engine
Documentation=https://docs.docker.com
After=network-online.target docker.socket firewalld.service containerd.service time-set.target
Wants=network-online.target containerd.service
Requires=docker.socket

[Service]
Type=notify
ExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock
ExecReload=/bin/kill -s HUP $MAINPID
TimeoutStartSec=0
RestartSec=2
Restart=always
StartLimitBurst=3
StartLimitInterval=60s
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
Delegate=yes
KillMode=process
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
"""

DOCKER_SOCKET = """\
[Unit]
Description=Docker Socket for the API

[Socket]
ListenStream=/run/docker.sock
SocketMode=0660
SocketUser=root
SocketGroup=docker

[Install]
WantedBy=sockets.target
"""

CONTAINERD_SERVICE = """\
[Unit]
Description=containerd container runtime
Documentation=https://containerd.io
After=network.target local-fs.target

[Service]
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/bin/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
LimitNOFILE=infinity
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
"""

CONTAINERD_CONFIG = """\
#   Licensed under the Apache License, Version 2.0 (the "License");

disabled_plugins = ["cri"]
"""

DOCKER_DEFAULTS = """\
# Docker Upstart and SysVinit configuration file
#
# THIS FILE DOES NOT APPLY TO SYSTEMD
"""

DOCKER_GROUP = """\
if [ "$1" = configure ] && [ -z "$2" ]; then
	if ! getent group docker >/dev/null; then
		groupadd --system docker
	fi
fi
"""

_SHEBANG = "#!/bin/sh\nset -e\n"

# What debhelper's dh_installsystemd puts into maintainer scripts.
_ENABLE = """\
case "$1" in configure | abort-upgrade | abort-deconfigure | abort-remove)
	deb-systemd-helper unmask '{unit}' >/dev/null || true
	if deb-systemd-helper --quiet was-enabled '{unit}'; then
		deb-systemd-helper enable '{unit}' >/dev/null || true
	else
		deb-systemd-helper update-state '{unit}' >/dev/null || true
	fi
	;;
esac
"""
_START = """\
case "$1" in configure | abort-upgrade | abort-deconfigure | abort-remove)
	if [ -d /run/systemd/system ]; then
		systemctl --system daemon-reload >/dev/null || true
		if [ -n "$2" ]; then
			_dh_action=restart
		else
			_dh_action=start
		fi
		deb-systemd-invoke $_dh_action {units} >/dev/null || true
	fi
	;;
esac
"""
_STOP = """\
if [ -d /run/systemd/system ] && [ "$1" = remove ]; then
	deb-systemd-invoke stop {units} >/dev/null || true
fi
"""
_FORGET = """\
if [ -d /run/systemd/system ]; then
	systemctl --system daemon-reload >/dev/null || true
fi
if [ "$1" = "purge" ]; then
	if [ -x "/usr/bin/deb-systemd-helper" ]; then
		deb-systemd-helper purge {units} >/dev/null || true
	fi
fi
"""


def scripts(units: Sequence[str], before: str = "") -> dict[str, str]:
    """postinst, prerm and postrm for a package that brings these units."""
    quoted = " ".join(f"'{unit}'" for unit in units)
    return {
        "postinst": _SHEBANG
        + before
        + "".join(_ENABLE.format(unit=unit) for unit in units)
        + _START.format(units=quoted),
        "prerm": _SHEBANG + _STOP.format(units=quoted),
        "postrm": _SHEBANG + _FORGET.format(units=quoted),
    }
