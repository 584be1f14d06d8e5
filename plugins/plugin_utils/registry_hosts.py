# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""How registries are named: as in front of an image's name, a name or an address with an optional port."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import printable

# Docker Hub: an engine with this in front of an image's name speaks to another host, and looks into no folder for it.
HUB = ("docker.io", "index.docker.io")
MAX_PORT = 65535

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_MAX_NAME = 253


class HostError(ValueError):
    """A host is not one; the text goes on after the variable's path and tells the value and the remedy."""


def split(host: str) -> tuple[str, int | None]:
    """Name or address without brackets, and port; HostError for what images cannot have in front of their names."""
    _refuse_urls(host)
    if host.startswith("["):
        return _bracketed(host)
    if host.count(":") > 1:
        raise HostError(_unbracketed(host))
    name, colon, port = host.partition(":")
    _check_name(host, name)
    return name, _port(host, port) if colon else None


def key(host: str) -> str:
    """The same text for what is the same host, however it is spelled."""
    name, port = split(host)
    try:
        name = ipaddress.ip_address(name).compressed
    except ValueError:
        name = name.lower()
    return f"[{name}]{'' if port is None else f':{port}'}"


def note(host: str) -> str | None:
    """What is odd about a good host, for the layers that go by it; None when nothing is."""
    name, port = split(host)
    if name.lower() in HUB and port is None:
        return (
            "the engine goes to registry-1.docker.io for it and takes no authority from its folder; "
            "declare the mirror that stands in for it, or trust: [os]"
        )
    if host != host.lower():
        return "folders are looked up in the spelling of images' names; write it in small letters unless they do not"
    if port is None and "." not in name and ":" not in name and name != "localhost":
        return (
            f"engines take {host}/image for an image of Docker Hub; give the port, {host}:443, or the name with its "
            "domain, as images have it"
        )
    return None


def of_url(url: str) -> str:
    """The host of an https address, with its port when it has one; HostError else."""
    shown = _shown(url)
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it is read to see whether it can be
    except ValueError:
        raise HostError("is no address; give one such as https://gitlab.example.com") from None
    if "@" in parts.netloc:
        raise HostError("has a user's name in it; give the address without it")
    if parts.scheme.lower() == "http":
        raise HostError(f"is {shown}, and without https there is no certificate to trust; leave it out")
    if parts.scheme.lower() != "https" or not parts.netloc:
        raise HostError(f"is {shown}, which is no address; give one such as https://gitlab.example.com")
    try:
        split(parts.netloc)
    except HostError as error:
        raise HostError(f"is {shown}: its host {error}") from None
    return parts.netloc


def answers_for(names: Iterable[str], host: str) -> bool:
    """Whether a server's certificate with these names is for HOST, as Go sees it: no common name, and `*` stands for
    the whole first label.
    """
    name, _ = split(host)
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return any(_covers(each.lower().rstrip("."), name.lower()) for each in names)
    return any(_is_address(each, address) for each in names)


def _covers(pattern: str, name: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == name
    first, dot, rest = name.partition(".")
    return bool(first and dot) and rest == pattern[2:]


def _is_address(text: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return ipaddress.ip_address(text) == address
    except ValueError:
        return False


def _shown(value: str) -> str:
    return repr(printable(value[:100]))


def _refuse_urls(host: str) -> None:
    """What is more than a host, told apart so that the sentence can say what to write instead."""
    shown = _shown(host)
    if not host.strip():
        raise HostError("is empty; give the registry as in front of an image's name, such as registry.example:5000")
    if "@" in host:
        raise HostError("has a user's name in it; give the host alone, and the login as gitlab_runner_registry_auth")
    if "://" in host:
        raise HostError(f"is {shown}, an address with a scheme; write {_plain(_parts(host))}")
    if "/" in host:
        raise HostError(f"is {shown}, which has a path; write {_plain(_parts(f'//{host}'))}")
    if "*" in host:
        raise HostError(
            f"is {shown}, and there are no wildcards; declare each registry, or trust: [os] for one of them"
        )
    if any(letter.isspace() for letter in host):
        raise HostError(f"is {shown}, which has blanks in it; leave them out")
    if not host.isascii():
        raise HostError(f"is {shown}, which is not plain ASCII; write the name as DNS has it, beginning with xn--")
    if not host.isprintable():
        raise HostError(f"is {shown}, which has characters that no name has; leave them out")


def _parts(text: str) -> SplitResult | None:
    """The parts of an address, None when it has none."""
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _plain(parts: SplitResult | None) -> str:
    """What to write instead of an address, when that is clear."""
    host = parts.netloc if parts else ""
    try:
        split(host)
    except HostError:
        return "the host alone, such as registry.example:5000"
    return host


def _bracketed(host: str) -> tuple[str, int | None]:
    inside, closing, rest = host[1:].partition("]")
    if not closing or (rest and not rest.startswith(":")):
        raise HostError(f"is {_shown(host)}, where [IPv6 address] or [IPv6 address]:port is wanted")
    if not _is_ipv6(inside):
        raise HostError(f"is {_shown(host)}, and what stands in brackets is no IPv6 address (zones have no place here)")
    return inside, _port(host, rest[1:]) if rest else None


def _is_ipv6(text: str) -> bool:
    try:
        return "%" not in text and isinstance(ipaddress.ip_address(text), ipaddress.IPv6Address)
    except ValueError:
        return False


def _unbracketed(host: str) -> str:
    """Several colons and no brackets: an IPv6 address, with or without a port, or a mistake."""
    shown = _shown(host)
    before, _, last = host.rpartition(":")
    candidates = [f"[{host}]"] if _is_ipv6(host) else []
    if _is_ipv6(before) and last.isdecimal() and 0 < int(last) <= MAX_PORT:
        candidates.append(f"[{before}]:{last}")
    if not candidates:
        return f"is {shown}, which has too many colons; write name:port, or [IPv6 address]:port"
    return f"is {shown}, an IPv6 address without brackets; write {' or '.join(candidates)}"


def _check_name(host: str, name: str) -> None:
    shown = _shown(host)
    if not name:
        raise HostError(f"is {shown}, which has a port and no name; write registry.example:5000")
    if re.fullmatch(r"[0-9.]+", name):
        try:
            ipaddress.IPv4Address(name)
        except ValueError:
            raise HostError(f"is {shown}, which is no IPv4 address; write four numbers up to 255") from None
    if name.endswith("."):
        raise HostError(f"is {shown}, and names of images have no dot at their host's end; leave it out")
    if len(name) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise HostError(
            f"is {shown}, which is no name of a host; write letters, digits, dots and hyphens, and perhaps a port"
        )


def _port(host: str, text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > MAX_PORT:
        raise HostError(
            f"is {_shown(host)}, and its port is none of 1 to {MAX_PORT}; write it in digits, or leave it out"
        )
    return int(text)
