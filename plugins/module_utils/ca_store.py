# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The host's own trust store: a folder of certificates, a program that makes a bundle of them, the bundle.

Debian and those like it, and the RedHat family. ROOT is where their file system begins, for tests.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
import tempfile
import time
from typing import NamedTuple

from ansible_collections.runnerkit.gitlab.plugins.module_utils import ca_program
from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths as paths
from ansible_collections.runnerkit.gitlab.plugins.module_utils.ca_look import CaError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.commands import SEARCH_PATH, find_program
from ansible_collections.runnerkit.gitlab.plugins.module_utils.files import remove, why
from ansible_collections.runnerkit.gitlab.plugins.module_utils.os_store import store_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt import Run

_PEM = re.compile(rb"-----BEGIN (?:TRUSTED )?CERTIFICATE-----(.*?)-----END", re.DOTALL)
# Debian's list of the certificates that packages bring; a line `!NAME` takes one out.
_CONFIGURATION = "/etc/ca-certificates.conf"
# Where packages put what shall run after each update.
_HOOKS = "/etc/ca-certificates/update.d"


class Store(NamedTuple):
    """A store. Only Debian's has LINKS, a folder with a link per certificate."""

    program: str
    anchors: str
    suffix: str
    bundle: str
    configuration: str | None = None
    links: str | None = None

    def anchor(self, name: str) -> str:
        """The file of the certificate that is called so."""
        return os.path.join(self.anchors, name + self.suffix)


def find(root: str = "", search_path: str = SEARCH_PATH) -> Store | None:
    """This host's store; None where its update program is missing."""
    places = ":".join(root + each for each in search_path.split(":"))
    kind = store_kind(root or "/")
    if kind == "debian":
        program = find_program(paths.DEBIAN_UPDATE, places)
        bundle = root + paths.DEBIAN_BUNDLE
        anchors = root + paths.DEBIAN_ANCHORS
        configuration, links = root + _CONFIGURATION, os.path.dirname(bundle)
        return Store(program, anchors, paths.DEBIAN_SUFFIX, bundle, configuration, links) if program else None
    if kind == "redhat":
        program = find_program(paths.REDHAT_UPDATE, places)
        anchors, bundle = root + paths.REDHAT_ANCHORS, root + paths.REDHAT_BUNDLE
        return Store(program, anchors, paths.REDHAT_SUFFIX, bundle) if program else None
    return None


def is_anchor(path: str, root: str = "") -> bool:
    """Whether a path is in one of the folders of certificates."""
    return os.path.dirname(path) in (root + paths.DEBIAN_ANCHORS, root + paths.REDHAT_ANCHORS)


def fingerprints(content: bytes) -> set[str]:
    """SHA-256 of the certificates in PEM text; what is damaged is left out."""
    found = set()
    for body in _PEM.findall(content):
        with contextlib.suppress(binascii.Error):
            found.add(hashlib.sha256(base64.b64decode(body)).hexdigest())
    return found


def missing(store: Store, anchors: Iterable[bytes]) -> bool:
    """Whether the bundle lacks one of the certificates."""
    wanted = set().union(*(fingerprints(each) for each in anchors))
    return not wanted <= fingerprints(_read(store.bundle)) if wanted else False


def left(store: Store, removed: Iterable[bytes]) -> set[str]:
    """Fingerprints of what the bundle has of certificates that were taken out, and no other file there brings."""
    found = set().union(*(fingerprints(each) for each in removed)) & fingerprints(_read(store.bundle))
    for folder, _, names in os.walk(store.anchors) if found else ():
        found -= set().union(*(fingerprints(_read(os.path.join(folder, name))) for name in names))
    return found


def state(store: Store) -> tuple[str, list[str]]:
    """By which one sees whether a program that failed has changed something: the bundle, and the links of ours."""
    return hashlib.sha256(_read(store.bundle)).hexdigest(), _links(store)


def update(run: Run, store: Store) -> list[str]:
    """Have the bundle made; what the program complains about. CaError when it fails."""
    old = gone(store)
    name = os.path.basename(store.program)
    try:
        _remove_unfinished(store, ca_program.LIMIT)
        rc, out, err = _update_without(run, store, old) if old else run([store.program])
    except OSError as error:
        raise CaError(f"cannot run {name}: {why(error)}") from error
    except ca_program.StoppedError as error:
        with contextlib.suppress(OSError):
            _remove_unfinished(store, 0)
        hooks = f"; see what the hooks in {_HOOKS} wait for" if store.configuration else ""
        raise CaError(
            f"{name} did not end within {ca_program.LIMIT:.0f} s on this host and was stopped; its last words: "
            f"{_last(_lines(error.said))}{hooks}"
        ) from None
    said = _lines(out + "\n" + err)
    if rc != 0:
        raise CaError(f"{name} failed on this host (return code {rc}); its last words: {_last(said)}")
    # A hook that fails (that of Java's store, say) is but a line of Debian's program.
    return [line for line in said if line.startswith("E: ")]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _last(said: list[str]) -> str:
    return " | ".join(said[-3:]) or "nothing"


def _remove_unfinished(store: Store, age: float) -> None:
    """Debian's program writes a new bundle beside the old one, at the end of whatever a run that was killed has left
    there: what was trusted then would be trusted again. One that is written right now is younger than AGE.
    """
    unfinished = f"{store.bundle}.new"
    if store.configuration and os.path.exists(unfinished) and time.time() - os.stat(unfinished).st_mtime >= age:
        remove(unfinished)


def _update_without(run: Run, store: Store, old: list[str]) -> tuple[int, str, str]:
    """Debian's program knows what is new by the links that it makes, and forgets what is gone unless it is told: the
    links would stay, and the one of an old authority would hide that of a new one of the same name. Its option --fresh
    takes all links away for a second in which nothing can be verified; a list with these names does it without.
    """
    configuration = _read(store.configuration or "")
    lines = "".join(f"!{name}\n" for name in old).encode()
    with tempfile.NamedTemporaryFile(prefix="runnerkit-ca-certificates-") as stream:
        stream.write(configuration + (b"" if configuration.endswith(b"\n") or not configuration else b"\n") + lines)
        stream.flush()
        return run([store.program, "--certsconf", stream.name])


def gone(store: Store) -> list[str]:
    """Names of our certificates whose link is there and whose file is not."""
    broken = [name for name in _links(store) if not os.path.exists(os.path.join(store.links or "", name))]
    return [name[: -len(".pem")] + store.suffix for name in broken]


def _links(store: Store) -> list[str]:
    """Names of the links to our certificates."""
    if store.links is None or not os.path.isdir(store.links):
        return []
    names = [name for name in os.listdir(store.links) if name.startswith(paths.ANCHOR_PREFIX) and name.endswith(".pem")]
    return sorted(name for name in names if os.path.islink(os.path.join(store.links, name)))


def _read(path: str) -> bytes:
    """A file, or nothing."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""
