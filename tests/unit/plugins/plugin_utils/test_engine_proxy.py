# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Which registries the engine goes to through its proxy."""

from __future__ import annotations

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_proxy import proxy_to

PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("registry", "spared"),
    [
        pytest.param("registry.example.com", [], id="nothing is spared"),
        pytest.param("registry.example.com", ["registry.example.co"], id="another name"),
        pytest.param("registry.example.com", ["gistry.example.com"], id="not at a dot"),
        pytest.param("example.com", [".example.com"], id="a dot is for what is below"),
        pytest.param("example.com", ["*.example.com"], id="a star is for what is below"),
        pytest.param("registry.example.com:5000", ["registry.example.com:443"], id="another port"),
        pytest.param("registry.example.com", ["10.0.0.0/8"], id="no name is looked up for a network"),
        pytest.param("10.1.0.4:5000", ["10.0.0.4", "10.0.0.0/16"], id="another address, another network"),
        pytest.param("[fd00::4]:5000", ["fd00::5"], id="another IPv6 address"),
        pytest.param("registry.example.com", ["", ":443", "10.0.0.0/99"], id="what nobody can read"),
    ],
)
def test_through_the_proxy(registry: str, spared: list[str]) -> None:
    assert proxy_to({"https_proxy": PROXY, "no_proxy": spared}, registry) == PROXY


@pytest.mark.parametrize(
    ("registry", "spared"),
    [
        pytest.param("Registry.Example.com:5000", ["registry.example.com"], id="by its name, on every port"),
        pytest.param("registry.example.com:5000", [" Example.COM "], id="by the name above"),
        pytest.param("registry.example.com", [".example.com"], id="by what is below a dot"),
        pytest.param("registry.example.com", ["*.example.com"], id="by what is below a star"),
        pytest.param("registry.example.com:5000", ["registry.example.com:5000"], id="by its port"),
        pytest.param("registry.example.com", ["registry.example.com:443"], id="by the port that nobody says"),
        pytest.param("registry.example.com", ["x", "*"], id="everything"),
        pytest.param("10.0.0.4:5000", ["10.0.0.0/8"], id="by its network"),
        pytest.param("10.0.0.4:5000", ["10.0.0.4"], id="by its address"),
        pytest.param("[fd00::4]:5000", ["fd00:0::4"], id="by its IPv6 address"),
        pytest.param("[fd00::4]:5000", ["[fd00::4]:5000"], id="by its IPv6 address with port"),
        pytest.param("[fd00::4]:5000", ["fd00::/8"], id="by its IPv6 network"),
        pytest.param("localhost:5000", [], id="the host itself"),
        pytest.param("127.0.0.1:5000", [], id="the host's own address"),
        pytest.param("no registry/at all", [], id="no registry"),
    ],
)
def test_without_the_proxy(registry: str, spared: list[str]) -> None:
    assert proxy_to({"https_proxy": PROXY, "no_proxy": spared}, registry) is None


@pytest.mark.parametrize("docker", [{}, {"https_proxy": None}, {"https_proxy": ["x"]}], ids=["old", "none", "broken"])
def test_without_a_proxy_there_is_none(docker: dict[str, object]) -> None:
    assert proxy_to(docker, "registry.example.com") is None
