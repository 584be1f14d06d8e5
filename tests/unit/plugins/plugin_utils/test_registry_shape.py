# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_shape as shape

GOOD = {"host": "registry.example:5000", "ca": "ca.crt"}
AT = "registry_ca_registries[0]"


@pytest.mark.parametrize("value", [None, "", [], ()])
def test_nothing_is_no_mistake(value: Any) -> None:
    assert shape.registries(value) == ([], [])


@pytest.mark.parametrize("value", [None, "", {}])
def test_no_server_is_no_mistake(value: Any) -> None:
    assert shape.gitlab(value) == (None, [])


@pytest.mark.parametrize(
    ("declared", "layers"),
    [
        pytest.param({}, ("engine", "podman", "dind"), id="what goes by a registry's name"),
        pytest.param({"client_cert": "c", "client_key": "k"}, ("engine", "podman"), id="jobs get no keys"),
        pytest.param(
            {"client_cert": "c", "client_key": "k", "trust": ["dind"]}, ("dind",), id="unless somebody says so"
        ),
        pytest.param({"trust": ["helper", "os", "os"]}, ("os", "helper"), id="what is named, each once"),
    ],
)
def test_layers(declared: dict[str, Any], layers: tuple[str, ...]) -> None:
    (found,), problems = shape.registries([{**GOOD, **declared}])
    assert (found.layers, problems) == (layers, [])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param({"host": "a"}, "registry_ca_registries is a dictionary, where a list of registries", id="no list"),
        pytest.param("a.example", "registry_ca_registries is a text, where a list", id="a text"),
        pytest.param(["a.example"], f"{AT} is a text, where a dictionary with host and ca is wanted", id="a name"),
        pytest.param([None], f"{AT} is nothing, where a dictionary", id="nothing in it"),
        pytest.param([{"ca": "ca.crt"}], f"{AT}.host is missing; give the registry", id="no host"),
        pytest.param([{**GOOD, "host": 5000}], f"{AT}.host is a number, where a text", id="a number as host"),
        pytest.param([{**GOOD, "host": "a/b"}], f"{AT}.host is 'a/b', which has a path; write a", id="a path"),
        pytest.param([{"host": "a.example"}], f"{AT}.ca (a.example) is missing; give PEM, or the path", id="no CA"),
        pytest.param([{**GOOD, "ca": []}], f"{AT}.ca (registry.example:5000) is missing", id="no CA in a list"),
        pytest.param([{**GOOD, "ca": 5}], "is a number, where PEM, the path of a file, or a list", id="a number as CA"),
        pytest.param([{**GOOD, "ca": ["a", {}]}], "whose value 1 is a dictionary, where PEM or the path", id="in it"),
        pytest.param(
            [{**GOOD, "hots": "x"}], f"{AT} has a key 'hots' that means nothing; did you mean host?", id="a typo"
        ),
        pytest.param([{**GOOD, "x": "x"}], "'x' that means nothing; there are host, ca, client_cert,", id="a key"),
        pytest.param([{**GOOD, "trust": "os"}], "is a text, where a list out of engine, podman, os,", id="trust"),
        pytest.param([{**GOOD, "trust": []}], "is empty, so nothing would trust it", id="no trust"),
        pytest.param([{**GOOD, "trust": ["engin"]}], "has 'engin', which is none of engine, podman,", id="a layer"),
        pytest.param([{**GOOD, "trust": ["moon"]}], "runner, dind, helper; take one of them", id="no layer at all"),
        pytest.param([{**GOOD, "trust": [{}]}], "has '{}', which is none of engine", id="something as a layer"),
        pytest.param(
            [{"host": "a.example", "client_cert": "c", "client_key": "k", "trust": ["engine", "os", "helper"]}],
            f"{AT}.ca (a.example) is missing, and trust has os, helper; give it, or leave them out",
            id="a client alone has nothing for the store",
        ),
        pytest.param(
            [GOOD, {**GOOD, "host": "Registry.Example:5000"}],
            f"{AT} and registry_ca_registries[1] are the same registry, registry.example:5000; declare it once",
            id="one of them twice",
        ),
    ],
)
def test_what_is_wrong_with_the_shape(value: Any, said: str) -> None:
    _, problems = shape.registries(value)
    assert len(problems) == 1
    assert said in problems[0]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param([], "registry_ca_gitlab is a list, where a dictionary with url and ca is wanted", id="a list"),
        pytest.param({"ca": "c"}, "registry_ca_gitlab.url is missing; give the server's address", id="no address"),
        pytest.param({"url": 5, "ca": "c"}, "registry_ca_gitlab.url is a number, where an address", id="a number"),
        pytest.param({"url": "http://g", "ca": "c"}, "url is 'http://g', and without https", id="no TLS"),
        pytest.param({"url": "https://g"}, "registry_ca_gitlab.ca is missing; give PEM", id="no CA"),
        pytest.param({"url": "https://g", "ca": 5}, "registry_ca_gitlab.ca is a number", id="a number as CA"),
        pytest.param(
            {"url": "https://g", "ca": "c", "trust": ["engine"]},
            "has engine, which is for registries; declare it in registry_ca_registries", id="a layer of registries",
        ),
        pytest.param(
            {"url": "https://g", "ca": "c", "trust": ["runer"]},
            "has 'runer', which is none of runner, helper, os; did you mean runner?", id="no layer",
        ),
        pytest.param({"url": "https://g", "ca": "c", "host": "g"}, "has a key 'host' that means", id="a key"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_server(value: Any, said: str) -> None:
    found, problems = shape.gitlab(value)
    assert found is None
    assert len(problems) == 1
    assert said in problems[0]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["os", "a:1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["host", "url", "ca", "client_cert", "client_key", "trust"]) | st.text(max_size=3), inner
        )
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_whatever_is_declared_is_taken_or_told(value: Any) -> None:
    found, problems = shape.registries(value)
    server, wrong = shape.gitlab(value)
    assert all(text.startswith("registry_ca_") and "\n" not in text for text in [*problems, *wrong])
    assert all(one.layers for one in found)
    assert server is None or server.layers
    assert problems or len(found) == len(value or [])


def test_secrets_are_not_shown() -> None:
    (found,), _ = shape.registries([{**GOOD, "client_cert": "c", "client_key": "word"}])
    assert "word" not in repr(found)
