"""The first stage of a job: its sources, fetched by git.

The real runner does one thing more. Over https it always puts CI_SERVER_TLS_CA_FILE among the job's variables, with the
content of its own CA file or else the chain by which it came to trust GitLab, and has git use that for GitLab's address
(`http.ADDRESS.sslCAInfo`). So there the clone itself works as soon as the runner's own connection does, and what the
container trusts decides about everything else: submodules, LFS and caches that lie elsewhere. Left out here on purpose:
the clone then shows what the container trusts.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from .script import notice, prelude, whole
from .variables import Variables
from .version import VERSION

STRATEGIES = ("fetch", "clone", "none")
LOCKS = ("index.lock", "shallow.lock", "HEAD.lock", "config.lock")


class StrategyError(Exception):
    """GIT_STRATEGY is none that there is."""


def _git(*words: str) -> str:
    return shlex.join(["git", *words])


def _fetch(folder: str, information: Mapping[str, Any]) -> list[str]:
    url, depth = str(information["repo_url"]), int(information.get("depth") or 0)
    fetch = ["-c", f"http.userAgent=gitlab-runner {VERSION} linux/amd64", "fetch", "origin"]
    fetch += [str(spec) for spec in information.get("refspecs") or []]
    fetch += [*(["--depth", str(depth)] if depth else []), "--prune", "--quiet"]
    sha = str(information["sha"])
    return [
        notice(f"Fetching changes with git depth set to {depth}..." if depth else "Fetching changes..."),
        # What a fetch that was cut short leaves behind keeps the next one from beginning.
        shlex.join(["rm", "-f", *(f"{folder}/.git/{name}" for name in LOCKS)]),
        _git("-c", "init.defaultBranch=none", "init", folder),
        f"cd {shlex.quote(folder)}",
        f"if {_git('remote', 'add', 'origin', url)} 2>/dev/null; then {notice('Created fresh repository.')}",
        f"else {_git('remote', 'set-url', 'origin', url)}; fi",
        _git(*fetch),
        notice(f"Checking out {sha[:8]} as detached HEAD (ref is {information.get('ref')})..."),
        _git("checkout", "-f", "-q", sha),
        _git("clean", "-ffdx"),
    ]


def compose(variables: Variables, folder: str, information: Mapping[str, Any]) -> str:
    """The stage as a script; StrategyError when the job wants its sources in a way that is unknown."""
    strategy = variables.values.get("GIT_STRATEGY") or "fetch"
    if strategy not in STRATEGIES:
        raise StrategyError(f"unknown GIT_STRATEGY {strategy}")
    body = prelude(variables, folder)
    if strategy == "none":
        return whole([*body, notice("Skipping Git repository setup"), f"mkdir -p {shlex.quote(folder)}"])
    if strategy == "clone":
        body.append(f"rm -rf {shlex.quote(folder)}")
    return whole([*body, *_fetch(folder, information)])
