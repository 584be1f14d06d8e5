# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Registry mirrors (pull-through caches) as engines take them: the roots of addresses, asked before Docker Hub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_hosts
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import printable

_OPTION = "--registry-mirror"


def errors(mirrors: Any, variable: str) -> list[str]:
    """One sentence for each that dockerd would not take; with one of them it does not start."""
    if not isinstance(mirrors, list | tuple):
        return [f"{variable} is {mirrors!r}, where a list of addresses is wanted, such as [https://mirror.example]"]
    return [error for number, each in enumerate(mirrors) for error in _wrong(f"{variable}[{number}]", each)] + [
        f"{variable} has {each!r} twice; name it once" for each in _twice(plain(mirrors))
    ]


def plain(mirrors: Any) -> list[str]:
    """Without a slash at their ends, as they are compared."""
    return [str(each).rstrip("/") for each in mirrors or []]


def arguments(mirrors: Iterable[str]) -> list[str]:
    """As words of dockerd's command line. One word each: the first that begins without a dash is taken for a program
    by the entry point of dind images.
    """
    return [f"{_OPTION}={each}" for each in mirrors]


def in_arguments(words: Iterable[str]) -> list[str]:
    """The mirrors among the words of a command line."""
    return [word.partition("=")[2] for word in words if word.startswith(f"{_OPTION}=")]


def _twice(given: list[str]) -> list[str]:
    return sorted({each for each in given if given.count(each) > 1})


def _wrong(where: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value.strip():
        yield f"{where} is {value!r}, where an address is wanted, such as https://mirror.example"
        return
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - it is read to see whether it can be
    except ValueError:
        yield f"{where} is no address; write one such as https://mirror.example"
        return
    if "@" in parts.netloc:
        # Not shown: it may well be a password.
        yield f"{where} has a user's name in it, with which dockerd does not start; mirrors are asked without a login"
        return
    shown = repr(printable(value))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        yield f"{where} is {shown}, which dockerd does not take; begin it with https:// or http:// and the host"
        return
    if parts.path.strip("/") or parts.query or parts.fragment or value.endswith(("?", "#")):
        root = f"{parts.scheme}://{parts.netloc}"
        yield f"{where} is {shown}, and a mirror is the root of an address; write {root}"
        return
    try:
        registry_hosts.split(parts.netloc)
    except registry_hosts.HostError as error:
        yield f"{where}: its host {error}"
