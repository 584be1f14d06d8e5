# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""All that is known of one host, read once: what every rule looks at."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import image_names, prediction
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import images as image_knowledge
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import syscall_tables as tables
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_spec import SettingError, is_release
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.layer import Layer, read_layers, unknown_layer
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_state import Registries, read_registries, when
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, text
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.versions import EngineVersion

DEFAULT_MINIMUM_VERSION = "20.10.6"
# Where role docker_engine puts the profile of docker_engine_seccomp_workaround.
WORKAROUND_PATH = "/etc/docker/runnerkit-seccomp-trace.json"
# From how many days before its end on a certificate is told of.
DEFAULT_CA_DAYS = 30
_MOST_DAYS = 3650


@dataclasses.dataclass(frozen=True)
class Host:
    """Facts, the layers that were measured (or predicted, without a probe), and the settings to judge by."""

    facts: Mapping[str, Any]
    layers: tuple[Layer, ...]
    probe: Mapping[str, Any] | None = None
    images: tuple[str, ...] = ()
    minimum: EngineVersion = dataclasses.field(default_factory=lambda: EngineVersion.parse(DEFAULT_MINIMUM_VERSION))
    workaround_path: str = WORKAROUND_PATH
    # Facts of a host as it would be, not as it is.
    hypothetical: bool = False
    registries: Registries = dataclasses.field(default_factory=Registries)
    ca_days: int = DEFAULT_CA_DAYS
    # What certificates are held against, the same for all hosts of a report.
    now: datetime.datetime = dataclasses.field(default_factory=lambda: datetime.datetime.now(datetime.UTC))

    @property
    def kind(self) -> str:
        """How what the facts say of the engine is known."""
        return "predicted" if self.hypothetical else "measured"

    def concerns(self, generation: image_knowledge.Generation) -> bool:
        """Whether images of a generation need what they need on this machine; taken as such on an unknown one."""
        return (
            not generation.arches if self.architecture is None else prediction.concerns(generation, self.architecture)
        )

    @functools.cached_property
    def table_architecture(self) -> str | None:
        """The machine as the table of calls names it, if it has it."""
        try:
            return tables.architecture(self.architecture or "")
        except ValueError:
            return None

    def has_call(self, call: str) -> bool:
        """Whether the architecture has a call, as far as that is known."""
        return self.table_architecture is None or call in tables.numbers(self.table_architecture)

    @functools.cached_property
    def docker(self) -> Mapping[str, Any]:
        return mapping(self.facts.get("docker"))

    @functools.cached_property
    def architecture(self) -> str | None:
        return architecture_of(self.facts, self.probe)

    @functools.cached_property
    def profile_path(self) -> str | None:
        """The seccomp profile that the engine was given, if it is a file."""
        profile = text(self.docker.get("seccomp_profile"))
        if profile:
            return profile if profile.startswith("/") else None
        return text(mapping(self.docker.get("daemon_config")).get("seccomp-profile"))

    @functools.cached_property
    def judged(self) -> tuple[Layer, ...]:
        """The layers that jobs meet. Those under another profile that was asked for are shown, and do not count."""
        usual = {(layer.layer, layer.name) for layer in self.layers if layer.profile == "default"}
        return tuple(
            layer
            for layer in self.layers
            if layer.profile == "default" or (layer.of_jobs and (layer.layer, layer.name) not in usual)
        )

    def counts(self, layer: Layer) -> bool:
        """Whether a layer is one that jobs meet."""
        return any(layer is each for each in self.judged)

    @property
    def podman_only(self) -> bool:
        """Whether podman was measured and nobody asked for Docker Engine."""
        judged = [layer for layer in self.layers if layer.image is None or layer.kind != "predicted"]
        return bool(judged) and all(layer.layer == "podman" for layer in judged)

    @property
    def older_than_the_least(self) -> str:
        """How a release below the least version is told, with whose least that is."""
        if self.minimum == EngineVersion.parse(DEFAULT_MINIMUM_VERSION):
            return f"older than {self.minimum}, the least that GitLab advises"
        return f"older than {self.minimum}, the least that readiness_minimum_version allows"

    def rows(self, layer: Layer) -> prediction.Comparison:
        """Every measured call of a layer beside the model's."""
        cache: dict[int, prediction.Comparison] = self.__dict__.setdefault("_rows", {})
        if id(layer) not in cache:
            cache[id(layer)] = prediction.compared(self.facts, mapping(self.probe), layer)
        return cache[id(layer)]


def architecture_of(facts: Mapping[str, Any], probe: Mapping[str, Any] | None) -> str | None:
    """The machine, which the probe has from the same place as the facts."""
    return text(facts.get("architecture")) or text(mapping(probe).get("architecture"))


def read_host(
    facts: Any,
    probe: Any = None,
    *,
    minimum_version: str = DEFAULT_MINIMUM_VERSION,
    images: Iterable[str] = (),
    workaround_path: str = WORKAROUND_PATH,
    error: str | None = None,
    registries: Any = None,
    expected: Any = None,
    ca_days: Any = DEFAULT_CA_DAYS,
    now: str | None = None,
) -> Host:
    """A host from what modules returned; ERROR says why something is missing, and then nothing is predicted instead.

    REGISTRIES is what registry_check returned, EXPECTED what registry_ca_expected says of what was declared.
    Certificates are held against NOW, a time such as 2026-11-22T07:30:00Z; without one, against the clock.
    """
    known = mapping(facts)
    layers: list[Layer] = []
    if error:
        layers.append(unknown_layer("host", "host", error))
    if isinstance(probe, Mapping):
        layers.extend(read_layers(probe))
    elif probe is not None:
        layers.append(unknown_layer("host", "host", f"the probe's result is {type(probe).__name__}, not a dictionary"))
    elif not known and not error:
        layers.append(unknown_layer("host", "host", "there are no facts of this host"))
    elif not error:
        layers.append(prediction.predicted_host(known, workaround_path=workaround_path))
    references = tuple(images)
    if not error:
        layers.extend(_not_measured(known, probe, references, layers, workaround_path))
    return Host(
        facts=known,
        layers=tuple(layers),
        probe=probe if isinstance(probe, Mapping) else None,
        images=references,
        minimum=read_minimum(minimum_version),
        workaround_path=workaround_path,
        registries=read_registries(known.get("registry_ca"), registries, expected),
        ca_days=read_days(ca_days),
        now=when(now) or datetime.datetime.now(datetime.UTC),
    )


def read_days(given: Any) -> int:
    """How many days before the end of a certificate it is told of; ValueError names the setting and its form."""
    found = text(given)
    if found is None or not found.isascii() or not found.isdigit() or not int(found) <= _MOST_DAYS:
        raise SettingError(
            f"readiness_ca_days (the setting ca_days) is {given!r}; give a number of days from 0 to {_MOST_DAYS}"
        )
    return int(found)


def read_time(given: Any) -> str | None:
    """A time, or None for the clock's; ValueError names the setting and its form."""
    if given is not None and when(given) is None:
        raise SettingError(
            f"now is {given!r}; give a time in UTC such as 2026-11-22T07:30:00Z, or null for the clock's"
        )
    return text(given)


def read_minimum(given: Any) -> EngineVersion:
    """The least version that is acceptable; ValueError names the setting and its form."""
    found = text(given)
    if found is None or not is_release(found):
        raise SettingError(
            f"readiness_minimum_version (the setting minimum_version) is {given!r}, which is no version of Docker "
            "Engine; give one such as 20.10.6"
        )
    return EngineVersion.parse(found)


def _not_measured(
    facts: Mapping[str, Any], probe: Any, images: tuple[str, ...], layers: list[Layer], workaround_path: str
) -> list[Layer]:
    """What jobs meet beside the layers that were looked at, by versions: the host's engine, and dind images by name."""
    found: list[Layer] = []
    docker = mapping(facts.get("docker"))
    if docker.get("installed") and docker.get("running"):
        seen = any(layer.layer == "host" and layer.of_jobs for layer in layers)
        if not seen:
            found.append(prediction.predicted_host(facts, workaround_path=workaround_path))
    if layers and not found and not any(layer.of_jobs for layer in layers):
        reason = "nothing was measured under the profile that jobs get; name default in readiness_profiles too"
        found.append(unknown_layer(layers[0].layer, layers[0].name, reason))
    missing = [
        image
        for image in images
        if not any(layer.of_jobs and image_names.same_image(layer.image, image) for layer in layers)
    ]
    return found + image_names.dind_layers(facts, architecture_of(facts, probe), missing)
