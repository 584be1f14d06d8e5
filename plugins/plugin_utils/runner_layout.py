# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What declared runners need on their host beside config.toml, and which of it facts do not know to be there."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths, runner_mode
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, texts


def authority_errors(given: str, authority: str) -> list[str]:
    """What is wrong with gitlab_runner_ca: GIVEN is its value, AUTHORITY the text that it is or names.

    Runners that work with the authority that is there would not with a broken one.
    """
    if not given:
        return []
    if not authority.strip():
        wrong = f"gitlab_runner_ca is {given!r}, and the controller has no such file, or an empty one"
        return [f"{wrong}; give the path of one, or the text of a PEM file"]
    if "PRIVATE KEY-----" in authority:
        return ["gitlab_runner_ca has a private key in it; give the certificates alone"]
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=authority.encode("ascii", "ignore").decode()
        )
    except (ssl.SSLError, ValueError):
        return ["gitlab_runner_ca is no certificate in the form of PEM; give the text of a PEM file, or its path"]
    return []


def certificates(
    runners: Iterable[Mapping[str, Any]], authority: str, there: Mapping[str, Any], managed: Iterable[str] = ()
) -> list[str]:
    """Names of the files in the runner's folder `certs` that lack AUTHORITY; THERE is {name: SHA-256} of those it has.

    GitLab Runner looks for HOST.crt, without the port and as its address spells it, where a runner has no tls-ca-file.
    MANAGED are paths that role registry_ca keeps: two roles that write one file would never come to rest.
    """
    theirs = set(managed)
    digest = hashlib.sha256(authority.encode()).hexdigest()
    hosts = {
        urlsplit(str(one.get("url") or "")).netloc.rpartition("@")[2]
        for one in runners
        if one.get("state") != "absent" and not mapping(one.get("config")).get("tls-ca-file")
    }
    names = {registry_paths.name_of(host) for host in hosts if host and registry_paths.runner(host) not in theirs}
    return sorted(f"{name}.crt" for name in names if there.get(f"{name}.crt") != digest)


def folders(runners: Iterable[Mapping[str, Any]], there: Iterable[str]) -> list[str]:
    """Folders on the host that jobs have their checkouts in, at the same path as in the job, and that are not THERE."""
    wanted = {
        parts[0]
        for one in runners
        if one.get("state") != "absent"
        for parts in map(runner_mode.parts_of, texts(mapping(mapping(one.get("config")).get("docker")).get("volumes")))
        if len(parts) > 1 and runner_mode.shares_builds([":".join(parts)], mapping(one.get("config")).get("builds_dir"))
    }
    return sorted(wanted - set(entries(there)))
