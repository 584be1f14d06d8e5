# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

"""What the filters about private registries say of bad shapes; what they answer is in their examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.runnerkit.gitlab.plugins.filter.registry import FilterModule

FILTERS = FilterModule().filters()
GOOD = {"host": "registry.example:5000", "ca": "ca.crt"}


@pytest.mark.parametrize("filtered", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize(
    ("registries", "gitlab", "said"),
    [
        pytest.param({}, None, "registry_ca_registries is a dictionary, where a list", id="no list"),
        pytest.param([{"host": "a/b", "ca": "c"}], None, "registry_ca_registries[0].host is 'a/b'", id="a bad host"),
        pytest.param([GOOD], {"url": "gitlab", "ca": "c"}, "registry_ca_gitlab.url is 'gitlab'", id="a bad address"),
        pytest.param([GOOD], "https://g", "registry_ca_gitlab is a text, where a dictionary", id="no dictionary"),
    ],
)
def test_bad_shapes_are_sentences(filtered: Callable[..., Any], registries: Any, gitlab: Any, said: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        filtered(registries, gitlab)
    assert said in str(caught.value)


def test_nothing_is_expected_of_a_client_alone() -> None:
    client = {"host": "public.example", "client_cert": "c", "client_key": "word"}
    assert FILTERS["registry_ca_expected"]([client]) == []
    assert FILTERS["registry_ca_layers"]([client]) == ["engine", "podman"]


def test_a_server_that_is_a_registry_as_well_is_one_host() -> None:
    found = FILTERS["registry_ca_expected"](
        [{"host": "gitlab.example.com", "ca": "c"}], {"url": "https://gitlab.example.com", "ca": "c"}
    )
    assert found == [{"host": "gitlab.example.com", "layers": ["engine", "podman", "runner", "dind", "helper"]}]
