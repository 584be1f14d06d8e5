# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""apt's source files as text: what ours looks like, and which other files name the same repository.

apt refuses to do anything at all while two entries for one repository name different keys, so entries that other
tools left are taken over: a file with nothing else in it is set aside under a name that apt ignores, in any other file
just those entries are switched off. Nothing is deleted.
"""

from __future__ import annotations

import dataclasses
import os
import re

_ONE_LINE = re.compile(r"^\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s*)?(?P<uri>\S+)\s+\S+")
# A folded field may have comments between its lines, which apt drops before it reads anything.
_URIS = re.compile(r"^URIs:.*(?:(?:\n#.*)*\n[ \t]+\S.*)*", re.MULTILINE | re.IGNORECASE)
_COMMENT = re.compile(r"^#.*(?:\n|\Z)", re.MULTILINE)
_NOTE = "# switched off, {0} has this repository now: "


@dataclasses.dataclass(frozen=True)
class AptSource:
    """One deb822 source: where packages come from and the key file that must have signed them."""

    name: str
    uri: str
    suite: str
    components: tuple[str, ...]
    architecture: str
    signed_by: str

    def render(self, managed: str = "") -> str:
        """The text of the .sources file."""
        return (
            "# {managed}\nTypes: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {components}\n"
            "Architectures: {architecture}\n"
            "Signed-By: {signed_by}\n"
        ).format(
            managed=managed or "Ansible managed",
            uri=self.uri,
            suite=self.suite,
            components=" ".join(self.components),
            architecture=self.architecture,
            signed_by=self.signed_by,
        )


@dataclasses.dataclass(frozen=True)
class Takeover:
    """What to do with one file of another tool: its new content, or None to set the whole file aside."""

    path: str
    before: str
    text: str | None


def set_aside_name(path: str) -> str:
    """A free name for a file that is set aside; apt passes over names that end in .save."""
    name, number = path + ".runnerkit.save", 1
    while os.path.exists(name):
        number += 1
        name = f"{path}.runnerkit-{number}.save"
    return name


def _same(uri: str, uris: list[str]) -> bool:
    return uri.rstrip("/") in [other.rstrip("/") for other in uris]


def _takeover_one_line(text: str, uris: list[str], ours: str) -> str | None:
    """New content of a .list file, the same text when nothing is ours, None when nothing would be left in it."""
    lines = text.splitlines(keepends=True)
    hits = {number for number, line in enumerate(lines) if (m := _ONE_LINE.match(line)) and _same(m["uri"], uris)}
    if not hits:
        return text
    others = [
        line
        for number, line in enumerate(lines)
        if number not in hits and line.strip() and not line.lstrip().startswith("#")
    ]
    if not others:
        return None
    return "".join(_NOTE.format(ours) + line if number in hits else line for number, line in enumerate(lines))


def _stanza_fields(stanza: str) -> dict[str, str]:
    fields = {}
    stanza = _COMMENT.sub("", stanza)
    for match in re.finditer(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+\S.*)*)", stanza, re.MULTILINE):
        fields[match[1].lower()] = match[2]
    return fields


def _without(stanza: str, note: str, others: list[str]) -> str:
    """The stanza with other addresses, and with the comments that stood between the old ones."""

    def replacement(match: re.Match[str]) -> str:
        return "".join(f"{comment.rstrip()}\n" for comment in _COMMENT.findall(match[0])) + (
            f"{note}\nURIs: {' '.join(others)}"
        )

    return _URIS.sub(replacement, stanza)


def _takeover_deb822(text: str, uris: list[str], ours: str) -> str | None:
    """As above for a .sources file, where an entry is a stanza and is switched off by `Enabled: no`."""
    pieces = re.split(r"(\n[ \t]*\n+)", text)
    left = changed = 0
    for number in range(0, len(pieces), 2):
        fields = _stanza_fields(pieces[number])
        if "uris" not in fields:
            continue
        if fields.get("enabled", "yes").strip().lower() in ("no", "false", "0"):
            continue
        others = [uri for uri in fields["uris"].split() if not _same(uri, uris)]
        if others and len(others) < len(fields["uris"].split()):
            # The stanza goes on with what else it names.
            note = _NOTE.format(ours) + " ".join(fields["uris"].split())
            pieces[number] = _without(pieces[number], note, others)
            changed += 1
            left += 1
        elif not others:
            kept = re.sub(r"^Enabled:.*\n?", "", pieces[number], flags=re.MULTILINE | re.IGNORECASE)
            pieces[number] = kept.rstrip("\n") + "\nEnabled: no" + ("\n" if pieces[number].endswith("\n") else "")
            changed += 1
        else:
            left += 1
    if not changed:
        return text
    return "".join(pieces) if left else None


def takeovers(files: dict[str, str], uris: list[str], ours: str) -> list[Takeover]:
    """What has to change in the source files (path to content) so that only `ours` names the repository."""
    found = []
    for path in sorted(files):
        if path == ours:
            continue
        text = files[path]
        new = (
            _takeover_deb822(text, uris, os.path.basename(ours))
            if path.endswith(".sources")
            else _takeover_one_line(text, uris, os.path.basename(ours))
        )
        if new is None and os.path.basename(path) == "sources.list":
            # The system's own list stays where it is even when it ends up empty.
            new = "".join(
                _NOTE.format(os.path.basename(ours)) + line if _ONE_LINE.match(line) else line
                for line in text.splitlines(keepends=True)
            )
        if new != text:
            found.append(Takeover(path, text, new))
    return found


def read_source_files(directory: str = "/etc/apt") -> dict[str, str]:
    """All files that apt reads sources from, path to content."""
    parts = os.path.join(directory, "sources.list.d")
    paths = [os.path.join(directory, "sources.list")]
    if os.path.isdir(parts):
        paths += [
            os.path.join(parts, name) for name in sorted(os.listdir(parts)) if name.endswith((".list", ".sources"))
        ]
    files = {}
    for path in paths:
        if os.path.isfile(path):
            with open(path, encoding="utf-8", errors="surrogateescape") as stream:
                files[path] = stream.read()
    return files
