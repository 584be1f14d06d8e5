# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""References of images, read by the grammar of the registries (distribution/reference) with Docker's defaults."""

from __future__ import annotations

import dataclasses
import re

DEFAULT_REGISTRY = "docker.io"
OFFICIAL = "library/"
DEFAULT_TAG = "latest"

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?", re.ASCII)
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}", re.ASCII)
# The algorithms that registries use, with the digits of their digests, which are in lower case.
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_IDENTIFIER = re.compile(r"[a-f0-9]{64}", re.ASCII)
_MAXIMUM_NAME = 255


@dataclasses.dataclass(frozen=True)
class ImageReference:
    """An image's full name. `tag` is None only beside a digest: then there is no default tag."""

    registry: str
    path: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Read what may stand in `image:`; ValueError says what is wrong with it."""
        if not text:
            raise ValueError("an image reference is empty; write for example alpine:3.20")
        if text != text.strip() or any(character.isspace() for character in text):
            raise ValueError(f"image reference {text!r} has white space in it; remove it")
        if "$" in text:
            raise ValueError(f"image reference {text!r} has a variable in it; write what the variable stands for")
        if "://" in text:
            raise ValueError(f"image reference {text!r} is a URL; leave out what stands before the registry's name")
        rest, digest = _split_digest(text)
        rest, tag = _split_tag(rest, text)
        registry, path = _split_registry(rest, text)
        if tag is None and digest is None:
            tag = DEFAULT_TAG
        return cls(registry, path, tag, digest)

    @property
    def name(self) -> str:
        """The last component of the path: what the image is called wherever it was copied to."""
        return self.path.rpartition("/")[2]

    def familiar(self) -> str:
        """As people write it: without Docker Hub's name and the directory of its official images."""
        path = self.path
        if self.registry != DEFAULT_REGISTRY:
            path = f"{self.registry}/{path}"
        elif path == OFFICIAL + self.name and not _IDENTIFIER.fullmatch(self.name):
            path = self.name
        elif names_registry(path.split("/")[0]):
            # Without Docker Hub in front it would read as another registry's.
            path = f"{self.registry}/{path}"
        return path + self._suffix()

    def canonical(self) -> str:
        """In full, nothing left to defaults."""
        return f"{self.registry}/{self.path}{self._suffix()}"

    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.familiar()


def _split_digest(text: str) -> tuple[str, str | None]:
    rest, at, digest = text.partition("@")
    if not at:
        return rest, None
    if not _DIGEST.fullmatch(digest):
        raise ValueError(
            f"image reference {text!r}: {digest!r} is not a digest such as sha256: and 64 digits from 0 to f"
        )
    algorithm, _, value = digest.partition(":")
    digits = _DIGITS.get(algorithm)
    if digits is not None and (len(value) != digits or value != value.lower()):
        raise ValueError(
            f"image reference {text!r}: a digest by {algorithm} has {digits} digits from 0 to f, in lower case"
        )
    return rest, digest


def _split_tag(rest: str, text: str) -> tuple[str, str | None]:
    head, slash, last = rest.rpartition("/")
    if not slash and rest.startswith("["):
        return rest, None
    name, colon, tag = last.partition(":")
    if not colon:
        return rest, None
    if not _TAG.fullmatch(tag):
        raise ValueError(
            f"image reference {text!r}: {tag!r} is not a tag, which has at most 128 letters, digits, dots, dashes and "
            "underscores, and neither a dot nor a dash in front"
        )
    return f"{head}{slash}{name}", tag


def names_registry(first: str) -> bool:
    """How Docker tells a registry from the first directory of a path on Docker Hub."""
    return any(mark in first for mark in ".:[") or first == "localhost" or first != first.lower()


def _split_registry(rest: str, text: str) -> tuple[str, str]:
    first, slash, path = rest.partition("/")
    if slash and names_registry(first):
        if not _REGISTRY.fullmatch(first):
            raise ValueError(f"image reference {text!r}: {first!r} is not a registry such as registry.example.com:5000")
        registry = DEFAULT_REGISTRY if first == "index.docker.io" else first
    else:
        registry, path = DEFAULT_REGISTRY, rest
    if not slash and _IDENTIFIER.fullmatch(path):
        raise ValueError(f"image reference {text!r} is an image's id, which no registry knows; write its name")
    if path != path.lower():
        raise ValueError(
            f"image reference {text!r}: {path!r} has capital letters, which a repository's name must not have"
        )
    if not path or not all(_COMPONENT.fullmatch(component) for component in path.split("/")):
        raise ValueError(
            f"image reference {text!r}: {path!r} is not a repository's name: lower case letters and digits, "
            "with single dots, underscores or dashes between them"
        )
    if registry == DEFAULT_REGISTRY and "/" not in path:
        path = OFFICIAL + path
    if len(f"{registry}/{path}") > _MAXIMUM_NAME:
        raise ValueError(f"image reference {text[:40]!r}...: its name is longer than {_MAXIMUM_NAME} characters")
    return registry, path
