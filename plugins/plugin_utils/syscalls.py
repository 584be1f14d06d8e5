# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which recent system calls a container may make, by version rules, and why. Pure functions over the tables in data/.

A call passes three gates, and the first that refuses gives the answer:

1. runc's stub: numbers above the highest one that both the profile names and libseccomp knows answer ENOSYS, so that
   programs fall back. runc before 1.0.0-rc93 has none, and some architectures have traps of their own.
2. The filter: the rules of the profile whose calls libseccomp knows. What is not allowed answers EPERM.
3. The kernel, which answers ENOSYS to a call that is newer than itself.

A measurement beats the model; `compare` tells from evidence why the two differ.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_profile as profiles
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscall_compare import Row, compare
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscall_facts import calls_of, model_of, parts_of
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscall_model import Engine, Kernel, Prediction, build
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.syscall_profile import Answer

__all__ = ["Answer", "Prediction", "Row", "compare", "predict", "predict_all"]


def predict(
    engine: str,
    runc: str | None,
    libseccomp: str | None,
    kernel: str | None,
    arch: str,
    call: str,
    *,
    knows: Mapping[str, int] | None = None,
    filter_: Mapping[str, Any] | None = None,
    capabilities: Collection[str] = (),
    kernel_calls: Mapping[str, str] | None = None,
) -> Prediction:
    """What CALL answers in a container under the engine's default profile.

    ENGINE is a release of Docker in any spelling, or has its program's name in front (`podman 4.3.1`, `docker:29.7.2`).
    RUNC may be `crun`. None for a version means that it is not known: the reasons then say what was assumed, and the
    prediction is not `certain`.

    These refine the rules by what was read on a host: KNOWS (the library's own answers, -1 for unknown), FILTER_ (what
    the engine handed to its runtime), KERNEL_CALLS (what the kernel answers outside of containers).

    ValueError names a version, a call, an architecture or an action that cannot be read.
    """
    parsed = Engine.parse(engine)
    profile = parsed.default_profile(capabilities) if filter_ is None else profiles.handed_over(filter_)
    model = build(parsed, runc, libseccomp, Kernel.of(kernel, kernel_calls), arch, knows=knows, profile=profile)
    return model.predict(call)


def predict_all(facts: Mapping[str, Any], layer: Mapping[str, Any] | None = None) -> dict[str, Prediction]:
    """Every call of the table that the host's architecture has, by upstream's version rules alone.

    For containers of the host's own engine, or of LAYER's. Empty where no engine's version is known. Without seccomp
    (`unconfined`) only the kernel counts; with a profile of the host's own the prediction is for the default one and
    not `certain`.
    """
    parts = parts_of(facts, layer)
    if parts is None:
        return {}
    model = model_of(parts)
    return {call: model.predict(call) for call in calls_of(model)}
