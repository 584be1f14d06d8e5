"""What the packages of GitLab Runner do to a host when they come and go."""

from __future__ import annotations

# Comes with every package and is called by postinst. It stops the service as systemd does by default (SIGTERM, so
# running jobs are aborted) unless the unit says otherwise, and writes the unit anew.
POST_INSTALL = """\
#!/bin/sh
set -e

user=gitlab-runner
if ! id -u "$user" >/dev/null 2>&1; then
	echo "GitLab Runner: creating $user..."
	useradd --system --shell /bin/bash --comment 'GitLab Runner' --create-home --skel /dev/null "$user"
fi
if id -nG "$user" | grep -qw docker; then
	echo "WARNING: $user belongs to group docker which is insecure, because allows to have root access to host"
fi
home=$(getent passwd "$user" | cut -d: -f6)

mkdir -p /etc/gitlab-runner
chmod 0700 /etc/gitlab-runner
if [ -f "$home/config.toml" ] && [ ! -f /etc/gitlab-runner/config.toml ]; then
	echo "GitLab Runner: importing configuration to /etc/gitlab-runner/config.toml"
	cp "$home/config.toml" /etc/gitlab-runner/config.toml
	chmod 0600 /etc/gitlab-runner/config.toml
fi

if ! command -v systemctl >/dev/null; then
	echo "GitLab Runner: WARNING - Service management is not available on this system."
	exit 0
fi
gitlab-runner stop >/dev/null 2>&1 || :
gitlab-runner uninstall >/dev/null 2>&1 || :
gitlab-runner install --user="$user" --working-directory="$home"
gitlab-runner start || :
"""

# For an upgrade, too, as the real package does it.
PRE_REMOVE = """\
#!/bin/sh
gitlab-runner stop >/dev/null 2>&1
gitlab-runner uninstall >/dev/null 2>&1
exit 0
"""

CLEAR_CACHE = """\
#!/bin/sh
# Remove stopped containers, networks and images that jobs left; with prune-volumes (the default) volumes, too.
set -eu
command -v docker >/dev/null || { echo "INFO: Docker installation not found, skipping clear-docker-cache"; exit 0; }
docker version >/dev/null
case "${1:-prune-volumes}" in
prune) exec docker system prune --all --force --filter label=com.gitlab.gitlab-runner.managed=true ;;
prune-volumes)
	docker system prune --all --force --filter label=com.gitlab.gitlab-runner.managed=true
	exec docker volume prune --force --filter label=com.gitlab.gitlab-runner.managed=true
	;;
space) exec docker system df ;;
*) echo "Usage: $0 prune-volumes|prune|space"; exit 1 ;;
esac
"""

SCRIPTS = {
    "postinst": """\
#!/bin/sh
set -e
if [ "$1" = configure ]; then
	/usr/share/gitlab-runner/post-install
	/usr/share/gitlab-runner/clear-docker-cache prune || :
fi
""",
    "prerm": """\
#!/bin/sh
set -e
/usr/share/gitlab-runner/pre-remove
""",
}
