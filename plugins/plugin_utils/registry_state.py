# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What is known of the private registries of a host, read once: who is trusted for them, and what they answered."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_connection, registry_paths
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text, texts

# Layers that have a folder for each registry. The runner has a file for its server; the others are for every address.
OF_A_REGISTRY = tuple(registry_paths.FOLDERS)
STORES = {"os": "the OS store", "helper": "the helper's store"}
# What somebody makes of a subject may be long; nobody reads more of it.
_LONGEST = 100
_FOREVER = 86400
# How a registry does not answer, in words about the host.
NO_WAY = {
    "dns": "the host finds no address for its name",
    "refused": "its address refuses the connection",
    "timeout": "it does not answer in time",
    "unreachable": "the host finds no way to its address",
}


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A certificate that lies somewhere on the host: that of an authority, or one to show to a registry."""

    host: str | None
    name: str | None
    layers: tuple[str, ...]
    paths: tuple[str, ...]
    sha256: str
    subject: str
    issuer: str
    not_before: datetime.datetime | None
    not_after: datetime.datetime | None
    # What is not said of a certificate is what most of them are.
    ca: bool = True
    self_signed: bool = True
    key: bool = True
    managed: bool = False

    @property
    def kind(self) -> str:
        """Whether it is for a registry, for the server of the runner or for every address (the name of a store)."""
        if set(self.layers) & set(OF_A_REGISTRY):
            return "registry"
        if "runner" in self.layers:
            return "gitlab"
        return next((layer for layer in STORES if layer in self.layers), "os")

    @property
    def about(self) -> str:
        """What it is trusted for, in words for people."""
        if self.kind == "registry":
            return self.host or "a registry without a name"
        if self.kind == "gitlab":
            return gitlab_at(self.name or self.host or "an unknown address")
        return STORES[self.kind]

    @property
    def until(self) -> str:
        """The day on which it ends."""
        return self.not_after.date().isoformat() if self.not_after else "an unknown day"

    def expired(self, now: datetime.datetime) -> bool:
        """Whether its time is over."""
        return self.not_after is not None and self.not_after < now

    def early(self, now: datetime.datetime) -> bool:
        """Whether its time has not come."""
        return self.not_before is not None and self.not_before > now

    def valid(self, now: datetime.datetime) -> bool:
        """Whether this is its time."""
        return not self.expired(now) and not self.early(now)

    def ends_within(self, days: int, now: datetime.datetime) -> bool:
        """Whether its time is over in less than DAYS, and is not yet."""
        soon = now + datetime.timedelta(days=days)
        return self.not_after is not None and now <= self.not_after < soon


@dataclasses.dataclass(frozen=True)
class Problem:
    """What is wrong with a file, and how many certificates were found in it all the same."""

    path: str
    error: str
    certificates: int

    @property
    def registry(self) -> str | None:
        """The registry whose folder it is in."""
        for folder in registry_paths.FOLDERS.values():
            if self.path.startswith(f"{folder}/"):
                return self.path[len(folder) + 1 :].split("/", 1)[0] or None
        return None


@dataclasses.dataclass(frozen=True)
class Check:
    """What a registry answered to the host."""

    host: str
    kind: str
    detail: str
    address: str | None
    seconds: float | None
    tls_version: str | None
    subject: str
    issuer: str
    not_after: datetime.datetime | None
    names: tuple[str, ...]
    status: int | None
    # Whether it is the host's own store that trusts it, whatever its folder has.
    by_store: bool

    @property
    def ok(self) -> bool:
        """Whether the engine can talk to it."""
        return self.kind == "ok"

    @property
    def reached(self) -> bool:
        """Whether anybody answered to the host at all."""
        return self.kind not in NO_WAY


@dataclasses.dataclass(frozen=True)
class Registries:
    """All that is known of them; EXPECTED is what somebody declared, None where nobody said."""

    authorities: tuple[Certificate, ...] = ()
    clients: tuple[Certificate, ...] = ()
    problems: tuple[Problem, ...] = ()
    managed: frozenset[str] = frozenset()
    store: str | None = None
    store_current: bool | None = None
    checks: tuple[Check, ...] = ()
    expected: tuple[tuple[str, tuple[str, ...]], ...] = ()
    # Whether somebody looked: then what is not there is missing.
    looked: bool = False

    @functools.cached_property
    def by_host(self) -> Mapping[str, Check]:
        """What each registry answered."""
        return {check.host: check for check in self.checks}

    def works(self, certificate: Certificate) -> bool:
        """Whether the registry that a certificate is for was seen to be trusted, whatever may be said of it."""
        check = self.by_host.get((certificate.host or "").lower())
        return certificate.kind == "registry" and check is not None and check.ok

    def trusted(self, layer: str, host: str) -> list[Certificate]:
        """The authorities that a layer trusts for a registry or a server."""
        if layer in STORES:
            return [each for each in self.authorities if layer in each.layers]
        if layer == "runner":
            names = {registry_paths.name_of(host), host}
            return [each for each in self.authorities if layer in each.layers and (each.name or each.host) in names]
        return [each for each in self.authorities if layer in each.layers and (each.host or "").lower() == host]

    def to_ask(self) -> list[str]:
        """Registries to ask as the engine does: those that it has files for, or should; it trusts the OS store, too."""
        found: dict[str, str] = {}
        for each in (*self.authorities, *self.clients):
            if "engine" in each.layers and each.host and _is_host(each.host):
                found.setdefault(each.host.lower(), each.host)
        for name, layers in self.expected:
            if {"engine", "os"} & set(layers) and label(name, layers) == name and _is_host(name):
                found.setdefault(name, name)
        return list(found.values())


def _is_host(name: str) -> bool:
    """Whether it is a registry's name at all: engines never look into folders of other names."""
    try:
        registry_connection.split(name)
    except ValueError:
        return False
    return True


def gitlab_at(name: str) -> str:
    """How the server of the runner is called."""
    return f"GitLab at {name}"


def label(name: str, layers: Iterable[str]) -> str:
    """What a declaration is for: a registry, or the server of the runner."""
    given = set(layers)
    return gitlab_at(name) if "runner" in given and not given & set(OF_A_REGISTRY) else name


def read_registries(facts: Any, checks: Any = None, expected: Any = None) -> Registries:
    """From what runtime_facts, registry_check and the filter registry_ca_expected returned, whatever stands there."""
    known = mapping(facts)
    managed = frozenset(texts(known.get("managed")))
    current = known.get("store_current")
    declared = {}
    for each in entries(expected):
        host = text(mapping(each).get("host"))
        if host:
            layers = [layer for layer in texts(mapping(each).get("layers")) if layer in registry_paths.LAYERS]
            declared[host.lower()] = tuple(layers)
    return Registries(
        authorities=tuple(_certificate(mapping(each), managed) for each in entries(known.get("authorities"))),
        clients=tuple(_certificate(mapping(each), managed) for each in entries(known.get("clients"))),
        problems=tuple(_problem(mapping(each)) for each in entries(known.get("errors"))),
        managed=managed,
        store=text(known.get("store")),
        store_current=current if isinstance(current, bool) else None,
        checks=tuple(check for check in map(_check, entries(checks)) if check),
        expected=tuple(declared.items()),
        looked="authorities" in known,
    )


def _certificate(given: Mapping[str, Any], managed: frozenset[str]) -> Certificate:
    paths = tuple(texts(given.get("paths")))
    return Certificate(
        host=text(given.get("host")),
        name=text(given.get("name")),
        layers=tuple(layer for layer in texts(given.get("layers")) if layer in registry_paths.LAYERS),
        paths=paths,
        sha256=text(given.get("sha256")) or "",
        subject=_short(given.get("subject")) or "without a subject",
        issuer=_short(given.get("issuer")) or "without an issuer",
        not_before=when(given.get("not_before")),
        not_after=when(given.get("not_after")),
        ca=given.get("ca") is not False,
        self_signed=given.get("self_signed") is not False,
        key=given.get("key") is not False,
        managed=any(path in managed for path in paths),
    )


def _problem(given: Mapping[str, Any]) -> Problem:
    return Problem(
        path=text(given.get("path")) or "a file",
        error=text(given.get("error")) or "no reason is known",
        certificates=_number(given.get("certificates")) or 0,
    )


def _check(each: Any) -> Check | None:
    given = mapping(each)
    host = text(given.get("host"))
    if host is None:
        return None
    kind = text(given.get("kind")) or ""
    return Check(
        host=host.lower(),
        # Only what says both is a yes.
        kind="" if kind == "ok" and given.get("ok") is not True else kind,
        detail=text(given.get("detail")) or "",
        address=text(given.get("address")),
        seconds=_seconds(given.get("seconds")),
        tls_version=text(given.get("tls_version")),
        subject=_short(given.get("subject")),
        issuer=_short(given.get("issuer")),
        not_after=when(given.get("not_after")),
        names=tuple(texts(given.get("names"))),
        status=_number(given.get("status")),
        by_store=text(given.get("trust")) == "store",
    )


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _FOREVER else None


def _short(value: Any) -> str:
    found = text(value) or ""
    return found if len(found) <= _LONGEST else f"{found[:_LONGEST]}…"


def when(value: Any) -> datetime.datetime | None:
    """A time in UTC, None for what is none."""
    found = text(value)
    try:
        time = datetime.datetime.fromisoformat(found) if found else None
        if time is None:
            return None
        # Without a zone it is the one that all of these times have.
        return time.astimezone(datetime.UTC) if time.tzinfo else time.replace(tzinfo=datetime.UTC)
    except (ValueError, OverflowError):
        return None
