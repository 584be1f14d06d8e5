# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Declared registries by their shape: keys, kinds, hosts and layers. No certificate is looked at."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_paths import FOLDERS, LAYERS
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_hosts
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import printable

REGISTRIES, GITLAB = "registry_ca_registries", "registry_ca_gitlab"
# What vouches for more than one registry, or is read by jobs, has to be asked for.
DEFAULT, DEFAULT_WITH_KEY, DEFAULT_GITLAB = ("engine", "podman", "dind"), ("engine", "podman"), ("runner", "helper")
GITLAB_LAYERS = ("runner", "helper", "os")

_KEYS = ("host", "ca", "client_cert", "client_key", "trust")
_GITLAB_KEYS = ("url", "ca", "trust")


@dataclass(frozen=True)
class Declared:
    """One declaration whose shape is good. `place` is its path, `host` as in front of images or in an address."""

    place: str
    host: str
    layers: tuple[str, ...]
    ca: tuple[str, ...] = field(repr=False)
    # Whether `ca` was given as a list, and its values are told apart by numbers.
    numbered: bool = False
    client_cert: str | None = field(default=None, repr=False)
    client_key: str | None = field(default=None, repr=False)
    url: str | None = None

    def path(self, key: str) -> str:
        """How sentences begin that are about one of its keys."""
        return _path(self.place, key, self.host)


def registries(value: Any) -> tuple[list[Declared], list[str]]:
    """Declarations of registries, and what is wrong with the others."""
    if value is None or value == "":
        return [], []
    if not isinstance(value, list | tuple):
        return [], [f"{REGISTRIES} is {kind(value)}, where a list of registries is wanted, each with host and ca"]
    found, problems = [], []
    for number, each in enumerate(value):
        place = f"{REGISTRIES}[{number}]"
        wrong = list(_registry_problems(place, each))
        problems += wrong
        if not wrong:
            found.append(_registry(place, each))
    return found, [*problems, *_twice(found)]


def gitlab(value: Any) -> tuple[Declared | None, list[str]]:
    """The declaration of the GitLab server, or what is wrong with it; none is no mistake."""
    if value is None or value == "" or value == {}:
        return None, []
    if not isinstance(value, Mapping):
        return None, [f"{GITLAB} is {kind(value)}, where a dictionary with url and ca is wanted"]
    problems = list(_gitlab_problems(value))
    if problems:
        return None, problems
    url = str(value["url"])
    layers = _layers(value.get("trust"), DEFAULT_GITLAB)
    return Declared(GITLAB, registry_hosts.of_url(url), layers, *_values(value["ca"]), url=url), []


def _registry(place: str, value: Mapping[str, Any]) -> Declared:
    certificate, private = (str(value[key]) if value.get(key) else None for key in ("client_cert", "client_key"))
    layers = _layers(value.get("trust"), DEFAULT_WITH_KEY if private else DEFAULT)
    return Declared(place, str(value["host"]), layers, *_values(value.get("ca")), certificate, private)


def _values(ca: Any) -> tuple[tuple[str, ...], bool]:
    if not ca:
        return (), False
    return ((str(ca),), False) if isinstance(ca, str) else (tuple(str(each) for each in ca), True)


def _layers(trust: Any, default: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(layer for layer in LAYERS if layer in (default if trust is None else trust))


def _registry_problems(place: str, value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{place} is {kind(value)}, where a dictionary with host and ca is wanted"
        return
    yield from _unknown(place, value, _KEYS)
    host = value.get("host")
    if host is None:
        yield f"{place}.host is missing; give the registry as in front of an image's name"
    elif not isinstance(host, str):
        yield f"{place}.host is {kind(host)}, where a text such as registry.example:5000 is wanted"
    else:
        try:
            registry_hosts.split(str(host))
        except registry_hosts.HostError as error:
            yield f"{place}.host {error}"
        else:
            yield from _kinds(place, str(host), value)
            yield from _needs(place, str(host), value)


def _kinds(place: str, host: str, value: Mapping[str, Any]) -> Iterator[str]:
    yield from _ca(_path(place, "ca", host), value.get("ca"))
    yield from _trust(_path(place, "trust", host), value.get("trust"), LAYERS)
    for key in ("client_cert", "client_key"):
        if value.get(key) is not None and not isinstance(value[key], str):
            yield f"{_path(place, key, host)} is {kind(value[key])}, where PEM or the path of a file is wanted"


def _needs(place: str, host: str, value: Mapping[str, Any]) -> Iterator[str]:
    """What the values of a registry need of one another."""
    certificate, private = bool(value.get("client_cert")), bool(value.get("client_key"))
    if certificate and not private:
        yield f"{_path(place, 'client_key', host)} is missing; engines refuse a client's certificate without its key"
    if private and not certificate:
        yield f"{_path(place, 'client_cert', host)} is missing; a key is of no use without its certificate"
    trust = value.get("trust")
    layers = [each for each in trust if each in LAYERS] if isinstance(trust, list | tuple) else []
    elsewhere = ", ".join(layer for layer in layers if layer not in FOLDERS)
    if certificate and layers and not any(layer in FOLDERS for layer in layers):
        wrong = f"is {elsewhere}, and client_cert would go nowhere"
        yield f"{_path(place, 'trust', host)} {wrong}; add engine, podman or dind"
    if value.get("ca"):
        return
    if not certificate:
        yield f"{_path(place, 'ca', host)} is missing; give PEM, or the path of a file on the controller"
    elif elsewhere:
        yield f"{_path(place, 'ca', host)} is missing, and trust has {elsewhere}; give it, or leave them out"


def _path(place: str, key: str, host: str) -> str:
    return f"{place}.{key} ({host})"


def _gitlab_problems(value: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(GITLAB, value, _GITLAB_KEYS)
    url = value.get("url")
    if not url:
        yield f"{GITLAB}.url is missing; give the server's address, such as https://gitlab.example.com"
    elif not isinstance(url, str):
        yield f"{GITLAB}.url is {kind(url)}, where an address such as https://gitlab.example.com is wanted"
    else:
        try:
            registry_hosts.of_url(str(url))
        except registry_hosts.HostError as error:
            yield f"{GITLAB}.url {error}"
    if not value.get("ca"):
        yield f"{GITLAB}.ca is missing; give PEM, or the path of a file on the controller"
    yield from _ca(f"{GITLAB}.ca", value.get("ca"))
    yield from _trust(f"{GITLAB}.trust", value.get("trust"), GITLAB_LAYERS)


def _unknown(place: str, value: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[str]:
    for key in value:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            yield f"{place} has a key {printable(str(key)[:60])!r} that means nothing; {hint}"


def _ca(path: str, value: Any) -> Iterator[str]:
    if value is None or isinstance(value, str):
        return
    if not isinstance(value, list | tuple):
        yield f"{path} is {kind(value)}, where PEM, the path of a file, or a list of them is wanted"
        return
    for number, each in enumerate(value):
        if not isinstance(each, str):
            yield f"{path} is a list whose value {number} is {kind(each)}, where PEM or the path of a file is wanted"


def _trust(path: str, value: Any, known: tuple[str, ...]) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, list | tuple):
        yield f"{path} is {kind(value)}, where a list out of {', '.join(known)} is wanted"
        return
    if not value:
        yield f"{path} is empty, so nothing would trust it; name a layer, or leave the declaration out"
    for each in value:
        if each in known:
            continue
        if each in LAYERS:
            yield f"{path} has {each}, which is for registries; declare it in {REGISTRIES} with its port as host"
            continue
        near = difflib.get_close_matches(str(each), known, 1)
        hint = f"; did you mean {near[0]}?" if near else "; take one of them"
        yield f"{path} has {printable(str(each)[:60])!r}, which is none of {', '.join(known)}{hint}"


def _twice(found: list[Declared]) -> Iterator[str]:
    places: dict[str, list[Declared]] = {}
    for one in found:
        places.setdefault(registry_hosts.key(one.host), []).append(one)
    for same in places.values():
        if len(same) > 1:
            named = " and ".join(one.place for one in same)
            yield f"{named} are the same registry, {same[0].host}; declare it once, with all its authorities in ca"


def kind(value: Any) -> str:
    """A type in YAML's words; its value may be a secret."""
    names: tuple[tuple[type, str], ...] = (
        (bool, "true or false"), (str, "a text"), (Mapping, "a dictionary"), (list, "a list"), (tuple, "a list"),
        (int, "a number"), (float, "a number"),
    )  # fmt: skip
    return next((name for of, name in names if isinstance(value, of)), "nothing" if value is None else "something else")
