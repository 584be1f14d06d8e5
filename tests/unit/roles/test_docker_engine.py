# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What role docker_engine knows of distributions."""

from __future__ import annotations

from pathlib import Path

import yaml

ROLE = Path(__file__).parents[3] / "roles" / "docker_engine"


def texts() -> dict[str, str]:
    """Files of variables, name to content."""
    return {path.name: path.read_text() for path in sorted((ROLE / "vars").iterdir())}


def test_every_distribution_has_the_same_variables_and_the_same_parts() -> None:
    files = {path: yaml.safe_load(text) for path, text in texts().items() if path != "main.yml"}
    assert len(files) > 1
    for variables in files.values():
        assert set(variables) == set(next(iter(files.values())))
        for parts in variables["__docker_engine_packages"].values():
            assert set(parts) == {"engine", "client", "runtime", "optional", "replaces", "rivals"}


def test_a_source_replaces_the_engines_of_the_others_and_nothing_of_its_own() -> None:
    for path, text in texts().items():
        packages = yaml.safe_load(text).get("__docker_engine_packages", {})
        for source, parts in packages.items():
            own = {parts["engine"], parts["client"], *parts["runtime"], *parts["optional"]}
            assert not own & set(parts["replaces"]), (path, source)
            others = {other["engine"] for name, other in packages.items() if name != source}
            assert others <= set(parts["replaces"]), (path, source)
