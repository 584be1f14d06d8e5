# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.redact import redact, redact_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("https://mirror.example.com/", "https://mirror.example.com/", id="a URL without a user stays"),
        pytest.param(
            "https://user:hunter2@mirror.example.com/v2",
            "https://********@mirror.example.com/v2",
            id="user and password",
        ),
        pytest.param("https://glpat-abc@host/", "https://********@host/", id="a token for a user"),
        pytest.param("http://u:p@ss@proxy:3128", "http://********@proxy:3128", id="an unquoted @ in a password"),
        pytest.param("user:hunter2@proxy:3128", "********@proxy:3128", id="a proxy without a scheme"),
        pytest.param(
            "localhost,127.0.0.1,.example.com", "localhost,127.0.0.1,.example.com", id="a list of hosts stays"
        ),
        pytest.param("https://host/pkg@1.2", "https://host/pkg@1.2", id="an @ in a path stays"),
        pytest.param("https://c/?token=abc&x=1", "https://c/?token=********&x=1", id="a token in a query"),
        pytest.param("splunk-token=abc", "splunk-token=********", id="an option given as key=value"),
        pytest.param("private_key=abc", "private_key=********", id="a key given as key=value"),
        pytest.param("native.cgroupdriver=systemd", "native.cgroupdriver=systemd", id="another option stays"),
        pytest.param("tlskey=/etc/k.pem", "tlskey=/etc/k.pem", id="the name of a key file stays"),
        pytest.param(
            "two: https://a:b@c/ and https://d:e@f/",
            "two: https://********@c/ and https://********@f/",
            id="two URLs in a sentence",
        ),
    ],
)
def test_text(text: str, expected: str) -> None:
    assert redact_text(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"live-restore": True, "mtu": 1400}, {"live-restore": True, "mtu": 1400}, id="plain values stay"),
        pytest.param(
            {"log-opts": {"splunk-token": "abc", "splunk-url": "https://s/"}},
            {"log-opts": {"splunk-token": "********", "splunk-url": "https://s/"}},
            id="a token in log-opts",
        ),
        pytest.param(
            {"proxies": {"http-proxy": "http://u:p@proxy:3128", "no-proxy": "localhost"}},
            {"proxies": {"http-proxy": "http://********@proxy:3128", "no-proxy": "localhost"}},
            id="a password in a proxy",
        ),
        pytest.param(
            {"registry-mirrors": ["https://u:p@m/", "https://n/"]},
            {"registry-mirrors": ["https://********@m/", "https://n/"]},
            id="a password in a mirror",
        ),
        pytest.param({"secrets": {"a": "b"}}, {"secrets": "********"}, id="everything below a secret key"),
        pytest.param({"key": "abc", "apikey": 5}, {"key": "********", "apikey": "********"}, id="keys, numbers too"),
        pytest.param({"AWS_SECRET": "x"}, {"AWS_SECRET": "********"}, id="whatever the letters' case"),
        pytest.param({"tlskey": "/etc/k.pem"}, {"tlskey": "/etc/k.pem"}, id="the name of a key file stays"),
        pytest.param(
            {"token": None, "password": ""}, {"token": None, "password": ""}, id="an empty secret stays empty"
        ),
        pytest.param({"labels": ["token=abc"]}, {"labels": ["token=********"]}, id="key=value in a list"),
    ],
)
def test_configuration(value: Any, expected: Any) -> None:
    assert redact(value) == expected


def test_the_original_is_not_touched() -> None:
    value = {"proxies": {"http-proxy": "http://u:p@proxy"}}
    redact(value)
    assert value == {"proxies": {"http-proxy": "http://u:p@proxy"}}
