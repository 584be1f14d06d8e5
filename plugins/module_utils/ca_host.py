# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""A host's certificates and keys of private registries, kept as they are declared: looked at, compared, changed."""

from __future__ import annotations

import os
import time
from typing import Any, NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils import ca_record, ca_store
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths as paths
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_act import Change, act
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_decide import (
    REMOVE,
    RESTORE,
    WRITE,
    Decision,
    Wanted,
    decide,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import CaError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_shown import difference
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import make_folders, why
from ansible_collections.runnerkit.gitlab.plugins.module_utils.runner_file_store import StoreError, locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Run

_ANCHOR_MODE = 0o644


class Declared(NamedTuple):
    """What shall be on the host: files, and certificates of its trust store by their name."""

    files: list[Wanted]
    anchors: dict[str, bytes]

    @classmethod
    def read(cls, plan: Any) -> Declared:
        """From what the controller sends; CaError when it is not of that shape."""
        try:
            files = [Wanted(each["path"], each["content"].encode(), int(each["mode"], 8)) for each in plan["files"]]
            anchors = {each["name"]: each["content"].encode() for each in plan["anchors"]}
        except (AttributeError, KeyError, TypeError, ValueError):
            files, anchors = [], {"": b""}
        strange = [each.path for each in files if not _is_plain(each.path)]
        if strange or not all(name and "/" not in name for name in anchors):
            raise CaError("the plan is not one of runnerkit.gitlab.ca_certificates, which is what calls this module")
        return cls(files, anchors)


class View(NamedTuple):
    """The host as it is, and what is to be done to it. STORE is there where the bundle has to be made anew."""

    record: ca_record.Record
    decided: Decision
    found_store: ca_store.Store | None
    store: ca_store.Store | None
    # Whether daemons that read the store at their start may trust what it does not have any more.
    distrusted: bool

    @property
    def changes(self) -> bool:
        """Whether something is not as it shall be."""
        return bool(self.decided.steps) or self.store is not None

    @property
    def work(self) -> bool:
        """Whether there is anything to write, be it in the record alone."""
        return self.changes or self.decided.after != self.record


def keep(declared: Declared, run: Run, check: bool, root: str = "") -> tuple[View, list[str]]:
    """Bring the host to what is declared, unless CHECK; what was found, and warnings about the trust store."""
    view = _view(declared, root)
    if check or not view.work:
        return view, []
    above = os.path.dirname(os.path.dirname(root + paths.RECORD))
    try:
        make_folders(above)
        # Somebody else may have been at it since.
        with locked(above):
            view = _view(declared, root)
            if view.distrusted:
                _note_distrust(root + paths.DISTRUSTED)
            return view, _act(declared, view, run, root) if view.work else []
    except StoreError as error:
        problem = str(error)
    except OSError as error:
        problem = f"cannot write in {above}: {why(error)}"
    raise CaError(problem)


def _note_distrust(path: str) -> None:
    """Before it is done: a run that dies afterwards leaves the rest to the next one.

    Never with the same content twice: the engine is restarted for each of them (module docker_daemon, read_at_start).
    """
    try:
        make_folders(os.path.dirname(path))
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(f"{time.time_ns()}\n")
            return
    except OSError as error:
        problem = f"cannot write {path}: {why(error)}; everything is as it was before"
    raise CaError(problem)


def _act(declared: Declared, view: View, run: Run, root: str) -> list[str]:
    anchors = list(declared.anchors.values())
    return act(Change(root + paths.RECORD, view.record, view.decided, view.store, anchors, root), run)


def _view(declared: Declared, root: str) -> View:
    """The host compared with what is declared."""
    record = ca_record.read(root + paths.RECORD)
    anchored = [path for path in record.files if ca_store.is_anchor(path, root)]
    noted = os.path.exists(root + paths.DISTRUSTED)
    store = ca_store.find(root) if declared.anchors or anchored or record.store_pending or noted else None
    if declared.anchors and store is None:
        raise CaError(
            f"trust 'os' is declared, and this host has neither {paths.DEBIAN_UPDATE} nor {paths.REDHAT_UPDATE}; "
            "install the package ca-certificates, or take 'os' out of the trust"
        )
    wanted = list(declared.files)
    if store is not None:
        wanted += [Wanted(store.anchor(name), content, _ANCHOR_MODE) for name, content in declared.anchors.items()]
    decided = decide(wanted, record, root + paths.RECORD)
    due = store is not None and (
        record.store_pending
        or any(ca_store.is_anchor(step.path, root) for step in decided.steps)
        or ca_store.missing(store, declared.anchors.values())
    )
    goes = any(step.verb == REMOVE and ca_store.is_anchor(step.path, root) for step in decided.steps)
    return View(record, decided, store, store if due else None, noted or goes)


def told(view: View, complaints: list[str], diff: bool) -> dict[str, Any]:
    """What became of it, for people."""
    steps = view.decided.steps
    answer: dict[str, Any] = {
        "changed": view.changes,
        "files": {
            "written": _paths(view, WRITE),
            "removed": _paths(view, REMOVE),
            "restored": _paths(view, RESTORE),
            "kept": view.decided.kept,
        },
        "store_updated": view.store is not None,
        "store_path": view.found_store.bundle if view.found_store else None,
        "distrusted": view.distrusted,
        "warnings": [*view.decided.warnings, *complaints],
        "diff": [],
    }
    if diff:
        answer["diff"] = [difference(step) for step in steps]
        if view.store is not None:
            answer["diff"].append({"prepared": f"{view.store.bundle} is made anew\n"})
    return answer


def _paths(view: View, verb: str) -> list[str]:
    return sorted(step.path for step in view.decided.steps if step.verb == verb)


def _is_plain(path: Any) -> bool:
    """Whether a path leads where it seems to."""
    return isinstance(path, str) and path.startswith("/") and os.path.normpath(path) == path
