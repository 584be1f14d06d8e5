# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The images that jobs use (readiness_images) as places: a Docker-in-Docker image is an engine, known by its tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import images as image_knowledge
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import prediction
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.layer import Layer
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text, version
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

VARIABLE = "readiness_images"
_WHOLE = 3


def read_base(reference: str) -> image_knowledge.ImageBase:
    """What an image is made from; ValueError names the variable and the value."""
    try:
        return image_knowledge.image_base(reference)
    except ValueError as error:
        raise ValueError(f"{VARIABLE}: {error}") from error


def same_image(one: str | None, other: str) -> bool:
    """Whether two references name one image, however they are spelled."""
    if one is None:
        return False
    try:
        parse = image_knowledge.ImageReference.parse
        return parse(one).canonical() == parse(other).canonical()
    except ValueError:
        return one == other


def is_line(release: EngineVersion) -> bool:
    """Whether a tag names a release line (20.10), which is its newest release, and not one release."""
    return len(release.release) < _WHOLE


def newest_of(release: EngineVersion) -> EngineVersion:
    """An upper bound: a tag of a line is the newest release of it, which no rule's border lies above."""
    return release if not is_line(release) else EngineVersion((*(*release.release, 9999)[:2], 9999))


def engine_of(release: EngineVersion) -> str | None:
    """The release to predict from; for a line its newest in the table, None where the table does not have the line."""
    if not is_line(release):
        return str(release)
    # 20.10 is 20.10.9999 at most.
    last = EngineVersion((*release.release, *(9999,) * (_WHOLE - len(release.release))))
    row = next((row for row in reversed(tables.DOCKER) if row.first <= last), None)
    if row is None:
        return None
    if row.last is None or row.last > last:
        # All releases of the line from here on have the same profile.
        return str(max(row.first, release))
    return str(row.last) if row.last.release[: len(release.release)] == release.release else None


def dind_layers(facts: Mapping[str, Any], architecture: str | None, images: Sequence[str]) -> list[Layer]:
    """A predicted layer for each dind image whose tag tells its engine; ValueError names what is no image."""
    found = (_dind_layer(facts, architecture, reference) for reference in images)
    return [layer for layer in found if layer is not None]


def _dind_layer(facts: Mapping[str, Any], architecture: str | None, reference: str) -> Layer | None:
    base = read_base(reference)
    release = version(base.docker_version)
    engine = engine_of(release) if base.dind and release else None
    runs_as = base.architecture or architecture
    if release is None or engine is None or not runs_as:
        return None
    if is_line(release) and image_knowledge.ImageReference.parse(reference).digest:
        # One release of the line, and not the newest for ever.
        return None
    kernel = text(mapping(facts.get("kernel")).get("release"))
    # The image brings a runc of its own, of which its tag says nothing.
    versions = prediction.Versions(
        engine=engine, runc=None, library=None, kernel=kernel if version(kernel) else None, architecture=runs_as
    )
    calls, trouble = prediction.answers(versions)
    if trouble:
        return None
    return Layer(
        layer="dind", name=f"dind ({reference})", kind="predicted", engine="docker", version=engine,
        seccomp_profile="default", image=reference, calls=calls,
    )  # fmt: skip
