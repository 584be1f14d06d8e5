# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Versions as engines and package managers write them, parsed and ordered.

Two orders are needed. `EngineVersion` is the upstream release behind any spelling of it:
5:20.10.24~3-0~debian-bookworm, 20.10.24+dfsg1-1+deb12u1 and v20.10.24 are all the release 20.10.24. `compare_debian` is
the package manager's own order of whole package versions (Debian Policy 5.6.12), which also tells two builds of one
release apart.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable

_UPSTREAM = re.compile(
    r"""^\s*
    (?:\d+:)?                                         # Debian epoch
    v?
    (?P<release>\d+(?:\.\d+)*)
    (?:[-~.]?(?P<stage>alpha|beta|tp|rc)[.-]?(?P<number>\d*))?
    (?P<rest>.*)$
    """,
    re.VERBOSE | re.IGNORECASE,
)
_STAGES = {"alpha": 0, "beta": 1, "tp": 1, "rc": 2}
_FINAL = 3


@functools.total_ordering
@dataclasses.dataclass(frozen=True, eq=False)
class EngineVersion:
    """An upstream release: its numbers and, before a final release, the stage and its number (rc 93)."""

    release: tuple[int, ...]
    stage: str = ""
    stage_number: int = 0
    numbers: str = ""  # as written, so that 18.06.3 stays 18.06.3

    @classmethod
    def parse(cls, text: str) -> EngineVersion:
        """Read any spelling of a version; ValueError names the text when there is no number in front."""
        match = _UPSTREAM.match(str(text))
        if not match:
            raise ValueError(f"{text!r} is not a version: it has to begin with numbers such as 20.10.24")
        return cls(
            release=tuple(int(part) for part in match["release"].split(".")),
            stage=(match["stage"] or "").lower(),
            stage_number=int(match["number"] or 0),
            numbers=match["release"],
        )

    @property
    def key(self) -> tuple[tuple[int, ...], int, int]:
        numbers = list(self.release)
        while len(numbers) > 1 and numbers[-1] == 0:
            numbers.pop()
        return tuple(numbers), _STAGES.get(self.stage, _FINAL), self.stage_number

    @property
    def semver(self) -> str:
        """In semantic versioning's form (three numbers, rc.93), which Ansible's `version` test orders rightly."""
        numbers = ".".join(str(number) for number in (*self.release, 0, 0)[: max(3, len(self.release))])
        return f"{numbers}-{self.stage}.{self.stage_number}" if self.stage else numbers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EngineVersion) and self.key == other.key

    def __lt__(self, other: EngineVersion) -> bool:
        return self.key < other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        return f"{self.numbers}-{self.stage}{self.stage_number or ''}" if self.stage else self.numbers


def _character_order(character: str) -> int:
    """The weight of one character in the non-digit parts: ~ before the end, letters before everything else."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _debian_part_key(part: str) -> list[tuple[list[int], int]]:
    """A comparable form of an upstream version or revision: pairs of (weights of the non-digits, number)."""
    return [
        # The 0 is the end of the text: it sorts after "~" and before every other character.
        ([_character_order(character) for character in text] + [0], int(digits or 0))
        for text, digits in re.findall(r"(\D*)(\d*)", part)
    ]


def _debian_key(version: str) -> tuple[int, list[tuple[list[int], int]], list[tuple[list[int], int]]]:
    # The epoch ends at the first colon; an upstream version may have more of them.
    epoch, _, rest = version.partition(":") if ":" in version else ("", "", version)
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    return int(epoch or 0), _debian_part_key(upstream), _debian_part_key(revision)


def compare_debian(left: str, right: str) -> int:
    """-1, 0 or 1 as `dpkg --compare-versions` orders two package versions."""
    left_key, right_key = _debian_key(left), _debian_key(right)
    return (left_key > right_key) - (left_key < right_key)


def compare_packages(left: str, right: str) -> int:
    """The package manager's order; a version read from a file's name may lack its epoch, and then neither has one."""
    if (":" in left) != (":" in right):
        left, right = left.rpartition(":")[2], right.rpartition(":")[2]
    return compare_debian(left, right)


def newest_first(versions: Iterable[str]) -> list[str]:
    """Package versions in the package manager's order."""
    return sorted(versions, key=functools.cmp_to_key(compare_packages), reverse=True)
