# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What may be wrong with the options of runnerkit.gitlab.dind_image, found before a host is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_mirrors
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.image_reference import (
    DEFAULT_REGISTRY,
    ImageReference,
    names_registry,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_shape import REGISTRIES
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

MAX_TIMEOUT = 3600.0
# Tags that are another engine from one day to the next.
_MOVING = ("latest", "stable")
_LOGIN = ("username", "password")
_PATH = re.compile(rf"\b{REGISTRIES}\[(\d+)\]")


def problems(options: Mapping[str, Any]) -> list[str]:
    """All of it, but for the registries."""
    return [
        *_names(options["name"], options["base"], options["push"]),
        *_login(options["auth"]),
        *registry_mirrors.errors(options["mirrors"], "mirrors"),
        *_least(options["minimum_version"]),
        *_seconds(options["timeout"]),
    ]


def notes(options: Mapping[str, Any]) -> list[str]:
    """What is worth a word."""
    tag = ImageReference.parse(options["name"]).tag
    if tag not in _MOVING:
        return []
    what = f"name is {options['name']}, whose tag says nothing of the engine in it"
    return [f"{what}, and clients have to be of its version; give a tag with the version"]


def _names(name: str, base: str, push: bool) -> Iterator[str]:
    target, source = _parsed(name), _parsed(base)
    for option, found in (("name", target), ("base", source)):
        if isinstance(found, ValueError):
            yield f"{option}: {found}"
    if isinstance(target, ImageReference):
        yield from _target(name, target, push)
        if isinstance(source, ImageReference) and source.canonical() == target.canonical():
            yield f"name and base are both {name}, and each run would build on the one before; give them two names"


def _parsed(text: str) -> ImageReference | ValueError:
    try:
        return ImageReference.parse(text)
    except ValueError as error:
        return error


def _target(name: str, target: ImageReference, push: bool) -> Iterator[str]:
    if target.digest:
        yield f"name is {name!r}, and a digest is known only afterwards; leave it out"
    elif ":" not in name.rpartition("/")[2]:
        yield f"name is {name!r}, which has no tag; give it one with the engine's version, such as {name}:28.5.2"
    # Docker Hub has to be meant: its name is what is filled in where somebody forgot the registry.
    first, slash, _ = name.partition("/")
    if push and target.registry == DEFAULT_REGISTRY and not (slash and names_registry(first)):
        yield (
            f"name is {name!r}, which has no registry to push to; write registry.example:5000/{name}, or set push to "
            "false"
        )


def _login(auth: Any) -> Iterator[str]:
    """No value is quoted: one of them is a password."""
    if not auth:
        return
    if not isinstance(auth, Mapping):
        yield "auth has to be a dictionary with username and password"
        return
    for key in _LOGIN:
        if not isinstance(auth.get(key), str) or not auth[key]:
            yield f"auth.{key} is missing; give both, username and password, or leave auth out"
    if set(auth) - set(_LOGIN):
        yield f"auth has more than {' and '.join(_LOGIN)}; leave the rest out"


def _least(version: str) -> Iterator[str]:
    try:
        EngineVersion.parse(version)
    except ValueError as error:
        yield f"minimum_version: {error}"


def _seconds(timeout: float) -> Iterator[str]:
    # Written so that NaN is refused as well.
    if not 0 < timeout <= MAX_TIMEOUT:
        yield f"timeout is {timeout:g}; give seconds above 0 and up to {MAX_TIMEOUT:g}"


def declared(registries: Any, os_store: bool) -> tuple[Any, list[int]]:
    """Declared registries without all that has no place in an image, and which of the given ones they are.

    What is not of the right shape stays as it is: who checks it says so. A registry with a public certificate that
    wants to know its client has no authority to be put anywhere.
    """
    if not isinstance(registries, Sequence) or isinstance(registries, str):
        return registries, []
    found, places = [], []
    for index, each in enumerate(registries):
        if isinstance(each, Mapping):
            if not each.get("ca") and each.get("client_cert"):
                continue
            kept = {key: value for key, value in each.items() if key not in ("client_cert", "client_key", "trust")}
            found.append({**kept, "trust": ["dind", "os"] if os_store else ["dind"]})
        else:
            found.append(each)
        places.append(index)
    return found, places


def placed(sentence: str, places: Sequence[int]) -> str:
    """A sentence about a declaration with the path that the option has."""
    text = _PATH.sub(lambda match: f"registries[{places[int(match[1])]}]", sentence)
    return text.replace(REGISTRIES, "registries")


def keys_left_out(registries: Any) -> list[str]:
    """Registries that want to know who asks: what would tell them stays out of the image."""
    given = registries if isinstance(registries, Sequence) and not isinstance(registries, str) else []
    hosts = [str(each.get("host")) for each in given if isinstance(each, Mapping) and each.get("client_key")]
    if not hosts:
        return []
    what = (
        f"{', '.join(hosts)} wants a client's certificate, whose key is not put into an image that everybody can pull"
    )
    return [f"{what}; have it mounted, with dind in trust of registry_ca_registries, where jobs may read it"]
