# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What containers of podman may do, root's or an ordinary user's.

The container runs from a folder (`podman run --rootfs`), and podman keeps its books in another one that is thrown away
as a whole: no image, no volume, and nothing in the storage of the user.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import EngineError, printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.oci_bundle import seccomp_section
from ansible_collections.runnerkit.gitlab.plugins.module_utils.podman_account import Account, account_of
from ansible_collections.runnerkit.gitlab.plugins.module_utils.podman_command import (
    OVERRIDE,
    SETTINGS,
    Podman,
    Session,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.podman_folder import shared_folder
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_behaviour import own_behaviour
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_engine import DEFAULT, UNCONFINED, security_options
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import LABEL, Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_kernel import Kernel, callable_numbers, is_filtered
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import (
    Layout,
    layout,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_program import MARKER, answers, parse, source
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import (
    measured,
    remaining,
    unknown,
    untested,
)

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ROOT = "fs"
PROFILE = "seccomp.json"
# What podman and its runtimes mount over, or would make in a container's root, which nobody but root may write to.
MOUNTED_OVER = ("etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/passwd", "etc/group", "run/.containerenv")
# The profile that comes with podman's packages; any other was put in force by somebody.
PACKAGED_PROFILE = "/usr/share/containers/seccomp.json"


def measure_podman(
    *,
    janitor: Janitor,
    user: str | None,
    profile: str,
    images: Sequence[str],
    deadline: float,
    kernel: Kernel,
) -> dict[str, Any]:
    """The layer of USER's podman; None is root."""
    begin = time.monotonic()
    known: dict[str, Any] = {}
    try:
        layer = _measure(janitor, account_of(user), profile, images, deadline, kernel, known)
    except EngineError as error:
        layer = unknown(profile, error.kind, error.message, engine=known or None)
    except OSError as error:
        layer = unknown(profile, "io", f"the folder for podman's container: {error}", engine=known or None)
    names = {"layer": "podman", "name": f"podman ({user or 'root'})", "image": None, "user": user}
    return {**layer, **names, "seconds": round(time.monotonic() - begin, 3)}


def _measure(
    janitor: Janitor,
    account: Account,
    profile: str,
    images: Sequence[str],
    deadline: float,
    kernel: Kernel,
    known: dict[str, Any],
) -> dict[str, Any]:
    program = shutil.which("podman", path=SEARCH_PATH)
    if program is None:
        raise EngineError("absent", "podman is not installed on this host; install it, or leave its layers out")
    if not callable_numbers():
        raise EngineError("program", f"the system calls of {os.uname().machine} are not in the table of this release")
    kernel.start()
    if is_filtered():
        # podman is a child of this process, and so would its container be: the answers would be this filter's.
        raise EngineError("program", kernel.result()["reason"] or "this process is under a seccomp filter itself")
    security = security_options(profile)[1:]  # says in a sentence what is wrong with the file
    place = layout()

    def fill(folder: str) -> None:
        _write(os.path.join(folder, SETTINGS), OVERRIDE)
        _make_root(place, os.path.join(folder, ROOT))
        if profile not in (DEFAULT, UNCONFINED):
            _write(os.path.join(folder, PROFILE), security[0].partition("=")[2])

    with shared_folder(janitor, account, fill) as folder:
        podman = Podman(program, account, folder)
        with _session(podman, janitor):
            known.update(engine_of(podman.info(remaining(deadline, "podman was asked"))))
            arguments = _arguments(janitor, profile, folder, place)
            report, bundle = _run(podman, janitor, arguments, deadline)
    calls = answers(report, kernel.calls(), kernel.errors())
    section = _section(bundle)
    reason = "images are tried with Docker's engines only; podman's own storage is left alone"
    behaviour = [own_behaviour(report), *(untested(image, reason) for image in images)]
    return measured(profile, known, calls, section, behaviour)


def _section(bundle: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Out of a file of the user's, in which anything may stand."""
    with contextlib.suppress(TypeError, ValueError):
        return seccomp_section(bundle) if bundle is not None else None
    return None


def _make_root(place: Layout, path: str) -> None:
    os.mkdir(path, 0o755)
    place.unpack(path)
    for name in MOUNTED_OVER:
        file = os.path.join(path, name)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        if not os.path.lexists(file):
            _write(file, "")
    os.symlink("/proc/mounts", os.path.join(path, "etc/mtab"))


def _write(path: str, text: str) -> None:
    with open(path, "x", encoding="utf-8") as stream:
        stream.write(text)


@contextlib.contextmanager
def _session(podman: Podman, janitor: Janitor) -> Iterator[None]:
    """Whatever podman starts ends here: the container, and the process that holds a user's name space."""
    tidying = podman.tidying()
    for argv in tidying:
        janitor.command(argv, podman.environment)
    try:
        yield
    finally:
        if not podman.tidy(tidying):
            janitor.keep()


def _arguments(janitor: Janitor, profile: str, folder: str, place: Layout) -> list[str]:
    """What stands behind `podman run`."""
    seccomp = {DEFAULT: [], UNCONFINED: [UNCONFINED]}.get(profile, [os.path.join(folder, PROFILE)])
    volumes = [f"--volume={volume}" for volume in place.volumes()]
    variables = [f"--env={variable}" for variable in place.environment()]
    return [
        # The host's folders would have to be relabelled otherwise, which would change the host.
        "--security-opt=label=disable",
        *(f"--security-opt=seccomp={value}" for value in seccomp),
        f"--label={LABEL}={janitor.mark}",
        *volumes,
        *variables,
        "--rootfs",
        os.path.join(folder, ROOT),
        *place.command(source(callable_numbers())),
    ]


def _run(
    podman: Podman, janitor: Janitor, arguments: Sequence[str], deadline: float
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The program's report, and the configuration that podman handed to the runtime."""
    with Session(podman, janitor, arguments) as session:
        text = session.output_until(MARKER, deadline)
        bundle = podman.configuration(deadline)
    try:
        return parse(text), bundle
    except (ValueError, RecursionError) as error:
        raise EngineError("program", str(error)) from error


def engine_of(info: Mapping[str, Any]) -> dict[str, Any]:
    """LAYER's engine, out of `podman info --format json`."""
    host = _object(info.get("host"))
    runtime = _object(host.get("ociRuntime"))
    security = _object(host.get("security"))
    name = _text(runtime.get("name"))
    words = str(runtime.get("version") or "").split()
    # `runc version 1.1.5+ds1 commit: ...`, `crun version 1.8.1 commit: ...`
    version = words[2] if words[1:2] == ["version"] and len(words) > 2 else None
    return {
        "name": "podman",
        "version": _text(_object(info.get("version")).get("Version")),
        "runc": _text(version) if name == "runc" else None,
        "runtime": name,
        "seccomp_profile": _profile_in_force(security),
        "rootless": security.get("rootless") is True,
    }


def _profile_in_force(security: Mapping[str, Any]) -> str | None:
    if security.get("seccompEnabled") is False:
        return UNCONFINED
    path = security.get("seccompProfilePath")
    return _text(path) or DEFAULT if path != PACKAGED_PROFILE else DEFAULT


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return printable(value) if isinstance(value, str) and value else None
