# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What an image is made of, as far as its name and tag say, and which system calls such images need.

A tag is a promise of whoever moves it, so an answer has a certainty: `stated` in the tag itself; `default` of that
image, from the table; `floating`, a tag that is rebuilt and was at least that when the table was made; `unknown`.
Nothing is guessed: what is not firmly known is None.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Literal

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.image_origins import Origin, origin
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.image_reference import ImageReference

__all__ = ["GENERATIONS", "Generation", "ImageBase", "ImageReference", "generations_of", "image_base"]

Certainty = Literal["stated", "default", "floating", "unknown"]

_TABLE = tables.load("images")
_DISTRIBUTIONS: Mapping[str, Mapping[str, Any]] = _TABLE["distributions"]
_CODENAMES: Mapping[str, tuple[str, str]] = {
    codename: (family, version) for family, names in _TABLE["codenames"].items() for codename, version in names.items()
}
_WELL_KNOWN = frozenset({"docker", *_DISTRIBUTIONS, *_TABLE["languages"]["debian"], *_TABLE["alpine_by_default"]})
_RELEASES = {family: re.compile(pattern) for family, pattern in _TABLE["releases"].items() if family != "about"}
_DOCKER_RELEASE = re.compile("|".join(f"(?:{pattern})" for pattern in _TABLE["docker"]["releases"]))
_WORKAROUND = "3.13"
# A distribution in a part of a tag or of a name: alpine3.13, ubuntu22.04, debian12, ubi9, stream9, al2023.
_STATED = re.compile(
    r"(?P<family>alpine|ubuntu|debian|fedora|centos|stream|rockylinux|almalinux|oraclelinux|amazonlinux|al(?=2(?:023)?$)|ubi|rhel)"
    r"(?P<version>\d+(?:\.\d+)*)?"
)
_FAMILIES = {"stream": "centos", "al": "amazonlinux", "rhel": "redhat"}
_NUMBER = re.compile(r"(?P<number>\d+(?:\.\d+)*)(?P<stage>-(?:rc|beta|tp)\.?\d*)?(?:-ce)?(?=$|[-_+.])")
# Ubuntu's releases as tags write them too: ubuntu2204; ubuntu22 is the one that is kept up for years, in April.
_UBUNTU = re.compile(r"(?P<year>[1-3]\d)(?P<month>04|10)|(?P<lts>[1-3][02468])")


@dataclasses.dataclass(frozen=True)
class ImageBase:
    """The distribution an image is built on. A version without a number (edge, sid, rolling) is the newest there is."""

    family: str | None = None
    version: str | None = None
    certainty: Certainty = "unknown"
    docker_version: str | None = None
    dind: bool = False
    pinned_workaround: bool = False
    notes: tuple[str, ...] = ()
    architecture: str | None = None  # as `uname -m` names it, where the path states it


@dataclasses.dataclass(frozen=True)
class Generation:
    """Images that began to need system calls which engines of the time did not let through."""

    id: str
    what: str
    title: str
    examples: tuple[str, ...]
    needs: tuple[str, ...]
    arches: tuple[str, ...]  # empty: all of them
    severity: str
    symptom: str
    since: Mapping[str, str] = dataclasses.field(hash=False)

    def concerns(self, architecture: str) -> bool:
        """Whether images of this generation need the calls on ARCHITECTURE, as `uname -m` names it."""
        return not self.arches or tables.architecture(architecture) in self.arches

    def needed_by(self, family: str, version: str) -> bool:
        """Whether that release of a distribution is of this generation or newer."""
        since = self.since.get("el" if family in _TABLE["enterprise_linux"] else family)
        return since is not None and _order(version) >= _order(since)


def _generation(entry: Mapping[str, Any]) -> Generation:
    lists: dict[str, Any] = {key: tuple(entry[key]) for key in ("examples", "needs", "arches")}
    return Generation(**{**entry, **lists})


GENERATIONS: tuple[Generation, ...] = tuple(_generation(entry) for entry in _TABLE["generations"])


def _order(version: str) -> tuple[float, ...]:
    """Releases in their order; one without a number is rolling, newer than all."""
    if not version[:1].isdigit():
        return (float("inf"),)
    return tuple(float(part) for part in re.findall(r"\d+", version))


def generations_of(reference: str, architecture: str = "x86_64") -> tuple[Generation, ...] | None:
    """The generations whose calls an image needs; None when its name and tag do not tell. ValueError: no reference.

    An image that states its architecture (arm32v7/alpine) runs as that, whatever the host's is.
    """
    base = image_base(reference)
    family, version = base.family, base.version
    if family is None or version is None:
        return None
    running = base.architecture or architecture
    return tuple(one for one in GENERATIONS if one.concerns(running) and one.needed_by(family, version))


def image_base(reference: str) -> ImageBase:
    """What REFERENCE says of its base; ValueError when it is no image reference."""
    image = ImageReference.parse(reference)
    source = origin(image)
    base = _base(image, source)
    notes = (*base.notes, *_whose(image, source, base))
    if image.digest and base.certainty == "floating":
        base = dataclasses.replace(base, version=None, certainty="unknown")
        notes = (*notes, "the digest pins one build of a tag that is rebuilt: which one cannot be told")
    pinned = base.family == "alpine" and base.version == _WORKAROUND and base.certainty == "stated"
    if pinned:
        notes = (
            *notes,
            "pinned to Alpine 3.13, the way around engines that block faccessat2: temporary, it gets no fixes any more",
        )
    dind = "dind" in _parts(image.tag) or "dind" in _parts(image.name)
    return dataclasses.replace(base, dind=dind, pinned_workaround=pinned, notes=notes, architecture=source.architecture)


def _parts(text: str | None) -> list[str]:
    return re.split(r"[-_]", text or "")


def _whose(image: ImageReference, source: Origin, base: ImageBase) -> tuple[str, ...]:
    """How far the name is to be trusted."""
    if source.name is None and not source.named_by_base:
        own = f"an image of its own, for all that its path tells, though it is called {image.name}"
        alone = "by the tag alone: the image is not one of the official ones"
        found = ((own, image.name in _WELL_KNOWN), (alone, base.family is not None))
        return tuple(note for note, applies in found if applies)
    return (f"taken for a copy of the well-known image {image.name} by its path",) if source.copy else ()


def _base(image: ImageReference, source: Origin) -> ImageBase:
    if image.tag and any(part.startswith(("windowsservercore", "nanoserver")) for part in _parts(image.tag)):
        return ImageBase(notes=("a Windows image: seccomp does not concern it",))
    name = source.name or ""
    if name == "docker":
        return _docker(image)
    if name in _DISTRIBUTIONS:
        return _distribution(_DISTRIBUTIONS[name], image)
    # A directory may be called ubuntu or noble for whatever reason, but for the registries that name them by the base.
    named = _named_by_base(image) if source.named_by_base else None
    stated = _stated(image.tag)
    if stated is None or stated.version is None:
        stated = named or stated
    if stated is not None and stated.version is not None:
        return stated
    language = _language(name, image.tag, alpine=stated is not None and stated.family == "alpine")
    if language is not None and (stated is None or stated.family == language.family):
        return language
    if stated is not None:
        return stated
    if name in _TABLE["alpine_by_default"]:
        return ImageBase("alpine", notes=("the tag does not say which release of alpine",))
    return ImageBase(notes=("neither the name nor the tag says what the image is built on",))


def _stated(tag: str | None) -> ImageBase | None:
    """The distribution named in a tag, with its release if there is one."""
    without_release: ImageBase | None = None
    for part in _parts(tag):
        if part in _CODENAMES:
            family, version = _CODENAMES[part]
            return ImageBase(family, version, "stated" if version[0].isdigit() else "floating")
        base = _named(part)
        if base is not None and base.version is not None:
            return base
        without_release = without_release or base
    return without_release


def _named_by_base(image: ImageReference) -> ImageBase | None:
    """The base in a path such as distroless/cc-debian12 or ubi9/python-311."""
    found = (_named(part) for directory in image.path.split("/") for part in _parts(directory))
    return next((base for base in found if base is not None and base.version is not None), None)


def _named(part: str) -> ImageBase | None:
    match = _STATED.fullmatch(part)
    if not match:
        return None
    family, number = _FAMILIES.get(match["family"], match["family"]), match["version"]
    if number is None:
        if family != match["family"]:
            return None
        return ImageBase(family, None, "floating", notes=(f"the tag does not say which release of {family}",))
    newest = _DISTRIBUTIONS.get(family, {"floating": {}})["floating"].get(number)
    if newest is not None:
        return ImageBase(family, newest, "floating", notes=_moving(part, family, newest))
    ubuntu = _UBUNTU.fullmatch(number) if family == "ubuntu" else None
    if ubuntu:
        number = f"{ubuntu['lts']}.04" if ubuntu["lts"] else f"{ubuntu['year']}.{ubuntu['month']}"
    return _numbered(family, number)


def _numbered(family: str, number: str) -> ImageBase:
    """A release as its distribution calls it (3.14 for Alpine 3.14.2, 12 for Debian 12.5), if it has had such a one."""
    keep = {"alpine": 2, "debian": 1}.get(family)
    version = ".".join(number.split(".")[:keep])
    if family in _RELEASES and _RELEASES[family].fullmatch(version):
        return ImageBase(family, version, "stated")
    return ImageBase(family, notes=(f"{family} {number} is no release that is known of it",))


def _distribution(entry: Mapping[str, Any], image: ImageReference) -> ImageBase:
    family: str = entry["family"]
    tag = image.tag
    if tag is None:
        return ImageBase(family, notes=("a digest without a tag does not tell the release",))
    floating = entry["floating"].get(tag)
    if floating is not None:
        return ImageBase(family, floating, "floating", notes=_moving(tag, family, floating))
    stated = _stated(tag)
    if stated is not None and stated.family == family and stated.version is not None:
        return stated
    number = _NUMBER.match(tag)
    if number:
        return _numbered(family, number["number"])
    return ImageBase(family, notes=(f"the tag {tag} does not tell the release",))


def _moving(tag: str, family: str, version: str) -> tuple[str, ...]:
    if not version[0].isdigit():
        return (f"the tag {tag} is rebuilt on newer bases as they come",)
    return (f"the tag {tag} moves: {family} {version} at least, and it may be built on a newer one by now",)


def _docker(image: ImageReference) -> ImageBase:
    tag = image.tag or ""
    words = _parts(tag)
    match = _NUMBER.match(tag)
    version = match["number"] + (match["stage"] or "") if match else None
    if match and not _DOCKER_RELEASE.fullmatch(match["number"]):
        return ImageBase("alpine", notes=(f"Docker {version} is no release that is known of it",))
    stated = _stated(tag)
    if stated is not None and stated.version is not None:
        return dataclasses.replace(stated, docker_version=version)
    frozen = _TABLE["docker"]["frozen"].get(words[0])
    if frozen is not None:
        note = f"docker:{tag} is not renewed any more: it stayed at {frozen['at']}"
        return ImageBase("alpine", frozen["alpine"], "floating", notes=(note,))
    if version is None and not set(words) <= set(_TABLE["docker"]["variants"]):
        note = f"docker:{tag} is not in the table" if tag else "a digest without a tag does not tell the release"
        return ImageBase("alpine", notes=(note,))
    table: Mapping[str, str | None] = _TABLE["docker"]["alpine"]
    if version is None:
        newest = next(alpine for alpine in reversed(list(table.values())) if alpine)
        return ImageBase("alpine", newest, "floating", notes=_moving(tag, "alpine", newest))
    numbers = _order(version)
    whole = len(numbers) >= len(("year", "month", "patch"))
    # The tag of a line stands for the newest release of it.
    asked = numbers if whole else (*numbers, float("inf"))
    rows = [alpine for since, alpine in table.items() if _order(since) <= asked]
    alpine = rows[-1] if rows else None
    if alpine is None:
        note = f"which Alpine docker:{version} was last built on is not known"
        return ImageBase("alpine", docker_version=version, notes=(note,))
    if whole or len(rows) == 1:
        older = " or older" if len(rows) == 1 else ""
        note = f"docker:{version} was last built on about Alpine {alpine}{older}"
        return ImageBase("alpine", alpine, "default" if whole else "floating", docker_version=version, notes=(note,))
    return ImageBase("alpine", alpine, "floating", docker_version=version, notes=_moving(tag, "alpine", alpine))


def _language(name: str, tag: str | None, alpine: bool) -> ImageBase | None:
    """The default base of a programming language's official image; None for an image that is not in the table."""
    table = _TABLE["languages"]
    lines: Mapping[str, list[str]] | None = table["debian"].get(name)
    if lines is None or tag is None:
        return None
    family = "alpine" if alpine else "debian"
    match = _NUMBER.match(tag)
    if match is None or (match["number"] + ".").count(".") < _depth(lines):
        # No line: latest, slim, 3. The newest line's.
        newest = table["newest"].get(name)
        return (
            _rebuilt(family, newest, tag) if newest else ImageBase(family, notes=(f"{tag} does not tell the release",))
        )
    number = match["number"]
    line = next((one for one in lines if _within(number, one)), None)
    if line is None:
        return ImageBase(family, notes=(f"the base of {name}:{tag} is not in the table",))
    first, last = lines[line]
    if number.count(".") < _depth(lines):
        return _rebuilt(family, last, tag, table["alpine_of_line"].get(name, {}).get(line))
    if first != last or alpine:
        return ImageBase(family, notes=(f"{name}:{number} was built between Debian {first} and {last} as the default",))
    return ImageBase(family, last, "default", notes=(f"{name}:{number} is built on Debian {last} by default",))


def _depth(lines: Mapping[str, Any]) -> int:
    """How many numbers name a line: two for Python 3.12, one for Node.js 20."""
    return next(iter(lines)).split("..")[0].count(".") + 1


def _within(number: str, line: str) -> bool:
    """Whether a version belongs to a line (3.12) or to a span of lines (1.71..1.88, 1.90..)."""
    first, dots, last = line.partition("..")
    own = _order(number)[: first.count(".") + 1]
    if not dots:
        return own == _order(first)
    return _order(first) <= own and (not last or own <= _order(last))


def _rebuilt(family: str, debian: str, tag: str, alpine: str | None = None) -> ImageBase:
    version: str = (alpine or _TABLE["languages"]["alpine"][debian]) if family == "alpine" else debian
    return ImageBase(family, version, "floating", notes=_moving(tag, family, version))
