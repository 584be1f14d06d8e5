# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What has to be done to certificates and keys on a host: decided from what is wanted, what is there and the record.

- What is wanted and not there is written, and what had been there is kept in the record.
- What is wanted and was there before, byte for byte, is somebody else's: not touched, not recorded, never removed.
- What the record has and nobody wants any more goes, and what had been there before it comes back; unless somebody
  changed it meanwhile, which is told.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import CaError, Found, look, real
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_record import Entry, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Verbs of steps.
WRITE, REMOVE, RESTORE = "write", "remove", "restore"
# A certificate without its key, and a key without its certificate, fail every connection: so a pair comes key first,
# and goes certificate first.
_RANK = {".key": 1, ".cert": 2}


class Wanted(NamedTuple):
    """A file as it shall be."""

    path: str
    content: bytes
    mode: int

    @property
    def sha256(self) -> str:
        """Of the content."""
        return hashlib.sha256(self.content).hexdigest()


class Step(NamedTuple):
    """One thing to do: REAL is the path without links to folders, AFTER what shall be there, FOUND what is."""

    verb: str
    path: str
    real: str
    after: Found
    found: Found


class Decision(NamedTuple):
    """The steps in their order, the record while they are taken and after them, what stays although nobody wants it,
    and what people should know.
    """

    steps: list[Step]
    during: Record
    after: Record
    kept: list[str]
    warnings: list[str]


class Place(NamedTuple):
    """A path of this host."""

    real: str
    found: Found


def decide(wanted: Iterable[Wanted], record: Record, record_path: str) -> Decision:
    """What is to be done; CaError where that cannot be said. Nothing is changed."""
    wanted = list(wanted)
    places = _places(wanted, record)
    _no_contradictions(wanted, places)
    names = {each.path for each in wanted}
    # A file that gets another name by a link stays ours.
    renamed = {places[path].real: entry for path, entry in record.files.items() if path not in names}
    entries: dict[str, Entry] = {}
    steps: dict[str, Step] = {}
    unfinished: dict[str, Entry] = {}
    for each in wanted:
        place = places[each.path]
        entry = record.files.get(each.path) or renamed.get(place.real)
        _settle_wanted(each, entry, place, entries, unfinished, steps)
    taken = {places[each.path].real for each in wanted}
    kept, warnings = [], []
    for path in sorted(set(record.files) - names):
        place = places[path]
        if place.real in taken:
            continue
        step, warning = _leave(path, record.files[path], place)
        if warning:
            warnings.append(warning)
        if step is not None:
            steps.setdefault(place.real, step)
            unfinished[path] = record.files[path]
        elif warning and place.found.exists:
            kept.append(path)
            entries[path] = record.files[path]
    ordered = sorted(steps.values(), key=_order)
    writes = [step.real for step in ordered if step.verb != REMOVE]
    folders = tuple(dict.fromkeys([*record.folders, *_missing_folders([record_path, *writes] if ordered else [])]))
    held = [record_path, *(places[path].real for path in entries)] if entries else []
    return Decision(
        ordered,
        Record({**entries, **unfinished}, folders, record.store_pending),
        Record(entries, _needed(folders, held)),
        kept,
        warnings,
    )


def _places(wanted: Iterable[Wanted], record: Record) -> Mapping[str, Place]:
    """What is at all the paths that matter. Where nothing is wanted any more, nothing can be in the way either."""
    found = {}
    for each in wanted:
        path = real(each.path)
        found[each.path] = Place(path, look(path))
    for path in set(record.files) - set(found):
        found[path] = Place(path, Found())
        with contextlib.suppress(CaError):
            place = real(path)
            # What is no file is not what was written.
            found[path] = Place(place, Found(target=""))
            found[path] = Place(place, look(place))
    return found


def _no_contradictions(wanted: Iterable[Wanted], places: Mapping[str, Place]) -> None:
    """Folders that are links can make one file of two."""
    first: dict[str, Wanted] = {}
    for each in wanted:
        other = first.setdefault(places[each.path].real, each)
        if other.content != each.content:
            raise CaError(
                f"{other.path} and {each.path} are one file on this host ({places[each.path].real}), and not the same "
                "is declared for both; take the link away, or declare the same"
            )


def _settle_wanted(
    wanted: Wanted,
    entry: Entry | None,
    place: Place,
    entries: dict[str, Entry],
    unfinished: dict[str, Entry],
    steps: dict[str, Step],
) -> None:
    """One file that is wanted."""
    found = place.found
    if _is_right(found, wanted) or place.real in steps:
        if entry is not None:
            entries[wanted.path] = Entry((wanted.sha256,), entry.before)
        return
    before = entry.before if entry is not None else (found if found.exists else None)
    entries[wanted.path] = Entry((wanted.sha256,), before)
    earlier = entry.sha256 if entry is not None else ()
    unfinished[wanted.path] = Entry(tuple(dict.fromkeys([*earlier, wanted.sha256])), before)
    after = Found(wanted.content, wanted.mode)
    steps[place.real] = Step(WRITE, wanted.path, place.real, after, found)


def _is_right(found: Found, wanted: Wanted) -> bool:
    """Whether nothing has to be done: a mode that is stricter will do, as long as it lets those read who have to."""
    if found.content != wanted.content or found.target is not None:
        return found.content == wanted.content
    needed, allowed = wanted.mode & 0o444, wanted.mode | 0o111
    return (found.mode or 0) & needed == needed and not (found.mode or 0) & ~allowed & 0o077


def _leave(path: str, entry: Entry, place: Place) -> tuple[Step | None, str | None]:
    """One file that nobody wants any more: the step, or why there is none, where that is worth a word."""
    found, before = place.found, entry.before
    if not found.exists:
        if before is None:
            return None, None
        return None, (
            f"{path} was removed by somebody since it was written; what had stood there before that is not brought back"
        )
    if found.sha256 in entry.sha256:
        if before is None:
            return Step(REMOVE, path, place.real, Found(), found), None
        same = found.same(before) and (found.mode, found.uid, found.gid) == (before.mode, before.uid, before.gid)
        return (None if same else Step(RESTORE, path, place.real, before, found)), None
    if before is not None and found.same(before):
        return None, None
    return None, (
        f"{path} is not declared any more, but somebody changed it since it was written, so it stays; remove it by "
        "hand, or declare what it holds"
    )


def _order(step: Step) -> tuple[bool, str, int, str]:
    """What is new comes before what is old goes, one folder after the other; see _RANK."""
    rank = _RANK.get(os.path.splitext(step.path)[1], 0)
    removed = step.verb == REMOVE
    return removed, os.path.dirname(step.path), -rank if removed else rank, step.path


def _missing_folders(files: Iterable[str]) -> list[str]:
    """Folders that have to be made, outer ones first."""
    found: dict[str, None] = {}
    for path in files:
        chain = []
        folder = os.path.dirname(path)
        while folder not in found and not os.path.isdir(folder):
            chain.append(folder)
            folder = os.path.dirname(folder)
        found.update(dict.fromkeys(reversed(chain)))
    return list(found)


def _needed(folders: Iterable[str], files: Iterable[str]) -> tuple[str, ...]:
    """Those of the folders that hold one of the files."""
    held = set()
    for path in files:
        while path not in held and path != "/":
            held.add(path)
            path = os.path.dirname(path)
    return tuple(folder for folder in folders if folder in held)
