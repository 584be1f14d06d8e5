# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Doing what was decided for certificates and keys on a host: all of it, or nothing.

The record is written first, so that the next run knows of everything that a killed one may have done. What fails while
it is done is taken back: files, folders, the record, and the bundle of the trust store.
"""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils import ca_record, ca_store
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths as paths
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_decide import REMOVE, RESTORE, Decision, Step
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import CaError, Found, look, put, put_back
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_record import Record
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import LEFTOVER, remove, remove_leftovers, why

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Run

# The runner's folder has its tokens, the record's has what was there before: for root alone. The others are read by
# all who talk to registries.
_PRIVATE = (os.path.dirname(paths.RUNNER), paths.RUNNER, os.path.dirname(paths.RECORD))


class Change(NamedTuple):
    """One call: what was DECIDED, what the record was BEFORE, and the STORE where its bundle has to be made anew.

    ANCHORS are the contents that the bundle shall have.
    """

    record_path: str
    before: Record
    decided: Decision
    store: ca_store.Store | None
    anchors: list[bytes]
    root: str = ""


class _StepError(Exception):
    """A step failed; the text says which, and why."""


class _Aside(NamedTuple):
    """A file as it was before a change: a second name for it, by which it comes back without any space on the disk.

    FOUND is what was there. Without a NAME there was nothing, or there is no second name to be had: it comes back by
    what it holds.
    """

    path: str
    real: str
    found: Found
    name: str | None


def act(change: Change, run: Run) -> list[str]:
    """Take the steps; what people should know about the store then. CaError when nothing was changed after all."""
    bundle = ca_store.state(change.store) if change.store else None
    aside: list[_Aside] = []
    made: list[str] = []
    try:
        said = _forwards(change, run, aside, made)
    except BaseException as error:
        left = _backwards(aside, made) + _store_back(change, run, bundle)
        if not isinstance(error, (_StepError, OSError, CaError)):
            raise
        problem, outcome = _words(error), "; ".join(left) or "everything is as it was before"
    else:
        _finish(change, aside)
        return said
    raise CaError(f"{problem}; {outcome}")


def _forwards(change: Change, run: Run, aside: list[_Aside], made: list[str]) -> list[str]:
    """All of it. ASIDE gets each file before it is changed, MADE each folder that was made."""
    decided = change.decided
    private = {change.root + each for each in _PRIVATE}
    _make(os.path.dirname(change.record_path), private, made)
    during = decided.during._replace(store_pending=change.store is not None or change.before.store_pending)
    for path in sorted({change.record_path, *change.before.files, *during.files}):
        with contextlib.suppress(OSError):
            remove_leftovers(path, follow=False)
    if during != change.before:
        with _told(change.record_path):
            aside.append(_set_aside(change, change.record_path, change.record_path, look(change.record_path)))
            ca_record.write(change.record_path, during)
    for step in decided.steps:
        with _told(step.path):
            if step.verb != REMOVE:
                _make(os.path.dirname(step.real), private, made)
            aside.append(_set_aside(change, step.path, step.real, step.found))
            _take(step)
    if change.store is None:
        return []
    said = ca_store.update(run, change.store)
    if ca_store.missing(change.store, change.anchors):
        raise CaError(
            f"{os.path.basename(change.store.program)} ran, and not all certificates came to {change.store.bundle}: "
            "some leave out what is no authority, and what was taken out by hand stays out; take os out of their trust"
        )
    return [*(f"the trust store's update says: {line}" for line in said), *_left_behind(change, change.store)]


def _left_behind(change: Change, store: ca_store.Store) -> list[str]:
    """A warning where the bundle still has what was taken out: RedHat's program can fail and say that all is well."""
    steps = [step for step in change.decided.steps if step.verb == REMOVE]
    removed = [step.found.content or b"" for step in steps if ca_store.is_anchor(step.path, change.root)]
    count = len(ca_store.left(store, removed)) if removed else 0
    if not count:
        return []
    name = os.path.basename(store.program)
    warning = (
        f"{store.bundle} still has {count} of the certificates that were taken out of {store.anchors}: either {name} "
        "did not do its work, or the system itself brings them; run it by hand and see what it says"
    )
    return [warning]


def _take(step: Step) -> None:
    """One step."""
    if step.verb == REMOVE:
        remove(step.real)
    elif step.verb == RESTORE:
        put_back(step.real, step.after)
    else:
        put(step.real, step.after.content or b"", step.after.mode or 0o600, step.found)


def _set_aside(change: Change, path: str, real: str, found: Found) -> _Aside:
    """Give what is there a second name; a killed run leaves it as it leaves a write that was not finished. In the
    store's own folder every file is an authority, whatever its name is.
    """
    name = None
    if found.exists:
        folder, base = os.path.split(change.record_path if ca_store.is_anchor(path, change.root) else real)
        wanted = os.path.join(folder, f".{base}.{os.urandom(4).hex()}{LEFTOVER}")
        with contextlib.suppress(OSError):
            os.link(real, wanted, follow_symlinks=False)
            name = wanted
    return _Aside(path, real, found, name)


def _backwards(aside: list[_Aside], made: Iterable[str]) -> list[str]:
    """Take back what was done, the record last, as it knows of all of it; sentences about what could not be."""
    problems: list[str] = []
    for each in reversed(aside):
        problem = None if problems and each is aside[0] else _brought_back(each)
        if problem:
            problems.append(problem)
    _remove_folders(made)
    return [*problems, "run again once that can be done"] if problems else []


def _brought_back(each: _Aside) -> str | None:
    """Have there what was there; a sentence when that cannot be done."""
    try:
        if each.name is not None and _seen(each.real) != each.found:
            os.replace(each.name, each.real)
        if each.name is not None:
            # Of two names of one file a rename leaves both.
            remove(each.name)
        if _seen(each.real) != each.found:
            put_back(each.real, each.found)
    except OSError as error:
        return f"{each.path} could not be brought back ({why(error)})"
    return None


def _seen(path: str) -> Found | None:
    """What is at a path; None where that cannot be seen."""
    with contextlib.suppress(CaError):
        return look(path)
    return None


def _store_back(change: Change, run: Run, bundle: object) -> list[str]:
    """Have the bundle made of what is there again, where it is not what it was."""
    store = change.store
    if store is None or ca_store.state(store) == bundle:
        return []
    try:
        ca_store.update(run, store)
    except CaError as error:
        if ca_store.state(store) == bundle:
            # It was made before the program failed, which runs hooks at its end.
            return []
        with contextlib.suppress(OSError, _StepError):
            _note_pending(change)
        return [f"the files are as they were before, and the bundle is not ({error})"]
    return []


def _note_pending(change: Change) -> None:
    """Leave the bundle to the next run."""
    home, made = os.path.dirname(change.record_path), list(change.before.folders)
    _make(home, (home,), made)
    ca_record.write(change.record_path, change.before._replace(folders=tuple(made), store_pending=True))


def _finish(change: Change, aside: Iterable[_Aside]) -> None:
    """What is left when all is as it shall be. A folder that is somebody's by now stays."""
    decided = change.decided
    for each in aside:
        if each.name is not None:
            with contextlib.suppress(OSError):
                remove(each.name)
    over = [folder for folder in decided.during.folders if folder not in decided.after.folders]
    home = os.path.dirname(change.record_path)
    _remove_folders(folder for folder in over if not (home + "/").startswith(folder + "/"))
    try:
        ca_record.write(change.record_path, decided.after)
    except OSError as error:
        raise CaError(
            f"all is as declared, but {change.record_path} could not be completed: {why(error)}; run again once that "
            "can be done"
        ) from error
    _remove_folders(over)


def _make(folder: str, private: Iterable[str], made: list[str]) -> None:
    """A folder and those above it that are missing, whatever the umask is."""
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        with _told(each):
            os.mkdir(each, 0o700)
            made.append(each)
            if each not in private:
                os.chmod(each, 0o755)  # noqa: S103


def _remove_folders(folders: Iterable[str]) -> None:
    """Those that are empty, inner ones first."""
    for folder in sorted(folders, key=len, reverse=True):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    """Says in which file an error of the system came about."""
    try:
        yield
    except OSError as error:
        raise _StepError(f"cannot write {path}: {why(error)}") from error


def _words(error: BaseException) -> str:
    return f"it could not be done: {why(error)}" if isinstance(error, OSError) else str(error)
