"""Packages named gitlab-runner that hold a stand-in: the real program is not to be had here."""

from __future__ import annotations

from collections.abc import Iterator

from tests.lab.deb import Content, Package

VERSIONS = ("17.11.0", "18.2.0")

_PROGRAM = """\
#!/bin/sh
# Not GitLab Runner: stands in for it in the runnerkit lab.
case "${{1:-}}" in
--version | -v)
	echo "Version:      {version}"
	echo "runnerkit lab stand-in, not GitLab Runner"
	;;
*)
	echo "gitlab-runner: this is the runnerkit lab's stand-in, not GitLab Runner" >&2
	exit 1
	;;
esac
"""


def packages() -> Iterator[Package]:
    for version in VERSIONS:
        yield Package(
            "gitlab-runner",
            f"{version}-1",
            {
                "Depends": "ca-certificates, git, curl, tar",
                "Suggests": "docker-engine",
                "Description": "stand-in for GitLab Runner in the runnerkit lab",
            },
            {"usr/bin/gitlab-runner": Content(text=_PROGRAM.format(version=version), mode=0o755)},
        )
