# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Options by which an action plugin reaches GitLab's API, and the client that they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_transport import base_url

# The documentation of module runner_registration describes them.
SPEC: dict[str, Any] = {
    "url": {"type": "str"},
    "api_token": {"type": "str", "no_log": True},
    "ca": {"type": "str"},
    "proxy": {"type": "str"},
    "timeout": {"type": "int", "default": 30},
}


def read(action: ActionBase, options: Mapping[str, Any]) -> dict[str, Any]:
    """OPTIONS with these as they are meant: nothing but blanks is nothing, and a file of the CA is one of `files`."""
    read = {**options}
    for name in ("url", "api_token", "ca", "proxy"):
        read[name] = str(options[name]).strip() or None if options[name] is not None else None
    if read["ca"] and "-----BEGIN" not in read["ca"]:
        read["ca"] = _file(action, read["ca"])
    return read


def _file(action: ActionBase, path: str) -> str:
    """A relative path as Ansible means it: in `files` of the role, or beside the playbook."""
    try:
        return str(action._find_needle("files", path))
    except AnsibleError:
        return path


def problems(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with them, without quoting a token."""
    token = options["api_token"]
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        return ["gitlab_runner_api_token has blanks or line ends in it; give the token alone"]
    return []


def client(options: Mapping[str, Any], url: str) -> GitLab:
    """The GitLab at URL. The API token goes to the one that it belongs to, and nowhere else."""
    ours = bool(options["url"]) and base_url(options["url"]) == url
    return GitLab(
        url,
        private_token=options["api_token"] if ours else None,
        ca=options["ca"],
        proxy=options["proxy"],
        timeout=options["timeout"],
    )


def plain_http(urls: Iterable[str]) -> list[str]:
    """What goes unencrypted."""
    return [
        f"{url} is not https, so tokens go over the network as they are; use https in gitlab_runner_url"
        for url in urls
        if url.startswith("http://")
    ]
