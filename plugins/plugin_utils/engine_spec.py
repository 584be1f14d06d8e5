# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The form of readiness_what_if: which versions a host would have."""

from __future__ import annotations

import dataclasses
import re

VARIABLE = "readiness_what_if"
PROGRAMS = ("docker", "runc", "libseccomp")
_FORM = "give docker:VERSION, optionally with runc:VERSION and libseccomp:VERSION, such as docker:29.7.2,runc:1.3.6"
# A release in full, in the spellings of upstream and of packages; EngineVersion alone reads any text that begins so.
_RELEASE = re.compile(
    r"(?:[0-9]+:)?v?[0-9]{1,9}(?:\.[0-9]{1,9})*(?:[-~.]?(?:alpha|beta|tp|rc)[.-]?[0-9]{0,9})?"
    r"(?:[-+~][0-9A-Za-z]+(?:[-+~.][0-9A-Za-z]+)*)?",
    re.IGNORECASE,
)


def is_release(release: str) -> bool:
    """Whether the whole text is a version."""
    return _RELEASE.fullmatch(release) is not None


class SettingError(ValueError):
    """A setting that cannot be read; the text names the variable, the value and the remedy."""


@dataclasses.dataclass(frozen=True)
class EngineSpec:
    """What a host would run; None stays as it is there."""

    docker: str
    runc: str | None = None
    libseccomp: str | None = None

    @classmethod
    def parse(cls, spec: object) -> EngineSpec:
        """Read a specification; ValueError names the variable, the value and the form."""
        if not isinstance(spec, str) or not spec.strip():
            raise SettingError(f"{VARIABLE} is {spec!r}; {_FORM}")
        spec = str(spec).strip()
        if any(character.isspace() for character in spec):
            raise SettingError(f"{VARIABLE} is {spec!r}, which has white space in it; {_FORM}")
        found: dict[str, str] = {}
        for part in spec.split(","):
            program, _, release = part.partition(":")
            if program not in PROGRAMS:
                raise SettingError(f"{VARIABLE} is {spec!r}, and {program!r} is none of {', '.join(PROGRAMS)}; {_FORM}")
            if program in found:
                raise SettingError(f"{VARIABLE} is {spec!r}, which names {program} twice; {_FORM}")
            if not is_release(release):
                raise SettingError(f"{VARIABLE} is {spec!r}, and {release!r} is no version of {program}; {_FORM}")
            found[program] = release
        if "docker" not in found:
            raise SettingError(f"{VARIABLE} is {spec!r}, which does not name docker; {_FORM}")
        return cls(**found)

    def __str__(self) -> str:
        parts = [(program, getattr(self, program)) for program in PROGRAMS]
        return ",".join(f"{program}:{release}" for program, release in parts if release)
