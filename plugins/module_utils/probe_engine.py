# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What containers of an engine may do, measured in one: be it the host's engine or one inside a container."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Mapping, Sequence

from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError, printable
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_docker import (
    EngineAnswers,
    engine_facts,
    json_object,
    refuse_to_wake,
)
from ansible_collections.runnerkit.gitlab.plugins.module_utils.facts_host import read_text
from ansible_collections.runnerkit.gitlab.plugins.module_utils.oci_bundle import find_config, seccomp_section
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_again import again_if_vanished
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_behaviour import measure_images, own_behaviour
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_container import empty_image, throw_away
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_janitor import Janitor
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_kernel import Kernel, callable_numbers
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_layout import layout
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_program import MARKER, answers, parse, source
from ansible_collections.runnerkit.gitlab.plugins.module_utils.probe_result import measured, remaining, unknown

DEFAULT = "default"
UNCONFINED = "unconfined"


def measure_engine(
    engine: Engine,
    janitor: Janitor,
    profile: str = DEFAULT,
    images: Sequence[str] = (),
    deadline: float | None = None,
    root: str = "/",
    interpreter_root: str = "",
    kernel: Kernel | None = None,
) -> dict[str, Any]:
    """One layer with one profile; a trouble with the engine is a layer of state unknown.

    `root` is where this process sees the root of the engine's file system, `interpreter_root` where the engine sees the
    root of this process's; `deadline` is one of time.monotonic().
    """
    begin = time.monotonic()
    deadline = begin + 30.0 if deadline is None else deadline
    known: dict[str, Any] | None = None
    try:
        kernel = kernel or Kernel()
        kernel.start()
        security = security_options(profile)
        known = greet(engine, deadline, root)
        layer = _measure(engine, janitor, profile, images, deadline, (root, interpreter_root), kernel, security, known)
    except EngineError as error:
        layer = unknown(profile, error.kind, error.message, engine=known)
    except OSError as error:
        layer = unknown(profile, "io", f"the probe could not be carried out: {error}", engine=known)
    layer["seconds"] = round(time.monotonic() - begin, 3)
    return layer


def _measure(
    engine: Engine,
    janitor: Janitor,
    profile: str,
    images: Sequence[str],
    deadline: float,
    roots: tuple[str, str],
    kernel: Kernel,
    security: list[str],
    known: Mapping[str, Any],
) -> dict[str, Any]:
    if not callable_numbers():
        raise EngineError("program", f"the system calls of {os.uname().machine} are not in the table of this release")
    confined = {"SecurityOpt": security}
    report, bundle = again_if_vanished(lambda: _run(engine, janitor, deadline, roots, confined))
    behaviour = [own_behaviour(report), *measure_images(engine, janitor, images, confined, deadline)]
    calls = answers(report, kernel.calls(), kernel.errors())
    return measured(profile, known, calls, seccomp_section(bundle) if bundle is not None else None, behaviour)


def _run(
    engine: Engine, janitor: Janitor, deadline: float, roots: tuple[str, str], confined: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """What the program reports, and what the engine handed to its runtime for the container."""
    root, interpreter_root = roots
    content = layout()
    with empty_image(engine, janitor, deadline, content) as image:
        config = {
            "Image": image,
            # More than the network "none": nothing is set up, so nothing has to be cleared away later.
            "NetworkDisabled": True,
            "Cmd": content.command(source(callable_numbers())),
            "Env": content.environment(),
        }
        host_config = {**confined, "ReadonlyRootfs": True, "Mounts": content.mounts(interpreter_root)}
        with throw_away(engine, janitor, config, host_config, deadline) as container:
            report = _report(container.output_until(MARKER))
            pid = container.pid() if root == "/" else None
            return report, find_config(container.id, root, pid)


def _report(output: str) -> dict[str, Any]:
    try:
        return parse(output)
    except ValueError as error:
        raise EngineError("program", str(error)) from error


def greet(engine: Engine, deadline: float, root: str = "/") -> dict[str, Any]:
    """LAYER's engine. EngineError where nobody answers, and nobody is woken."""
    return acquaint(engine, deadline, root)[0]


def acquaint(engine: Engine, deadline: float, root: str = "/") -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The same, and the engine's answer to /info."""
    # What runs inside a container has no systemd of its own.
    if root == "/":
        refuse_to_wake(engine)
    version = json_object(engine.get("/version", timeout=remaining(deadline, "the engine was asked")), "/version")
    answered = EngineAnswers(True, None, version, {})
    if answered.component("Podman Engine"):
        raise EngineError("protocol", f"{engine.socket_path} is answered by podman; name the layer podman for it")
    info = json_object(engine.get("/info", timeout=remaining(deadline, "the engine was asked")), "/info")
    facts = engine_facts(answered._replace(info=info))
    found = facts["seccomp_profile"]
    known = {
        "name": "docker",
        "version": _text(version.get("Version")),
        "runc": answered.component("runc"),
        "runtime": _text(info.get("DefaultRuntime")),
        "seccomp_profile": DEFAULT if found == "builtin" else found,
        "rootless": bool(facts["rootless"]),
    }
    return known, info


def security_options(profile: str) -> list[str]:
    """HostConfig.SecurityOpt for a profile; EngineError where its file is of no use."""
    # Mounts of the host's folders would have to be relabelled otherwise, which would change the host.
    options = ["label=disable"]
    if profile == DEFAULT:
        return options
    if profile == UNCONFINED:
        return [*options, "seccomp=unconfined"]
    try:
        text = read_text(profile)
        json.loads(text)
    except FileNotFoundError as error:
        raise EngineError(
            "missing", f"the seccomp profile {profile} does not exist on this host; correct its path"
        ) from error
    except PermissionError as error:
        raise EngineError(
            "permission", f"the seccomp profile {profile} may not be read by this user; become root"
        ) from error
    except OSError as error:
        raise EngineError("io", f"the seccomp profile {profile} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise EngineError("io", f"the seccomp profile {profile} is not JSON ({error}); correct it") from error
    return [*options, f"seccomp={text}"]


def _text(value: Any) -> str | None:
    return printable(value) if isinstance(value, str) and value else None
