# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import errno
import socket
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_connection
from ansible_collections.runnerkit.gitlab.plugins.module_utils.registry_connection import (
    CheckError,
    Deadline,
    connect,
    shown,
    split,
)
from tests.unit.plugins.module_utils.registry_world import ADDRESS, serving, silent


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("registry.example", ("registry.example", 443), id="a name"),
        pytest.param("registry.example:5000", ("registry.example", 5000), id="a name with a port"),
        pytest.param("Registry_1.Example.:5000", ("Registry_1.Example.", 5000), id="a name of one's own network"),
        pytest.param("10.0.0.4:5000", ("10.0.0.4", 5000), id="an address"),
        pytest.param("[fd00::4]", ("fd00::4", 443), id="an address of version 6"),
        pytest.param("[FD00:0::4]:5000", ("fd00::4", 5000), id="an address of version 6 with a port"),
        pytest.param("docker.io", ("registry-1.docker.io", 443), id="Docker Hub"),
    ],
)
def test_a_registry_has_a_name_and_a_port(host: str, expected: tuple[str, int]) -> None:
    assert split(host) == expected


@pytest.mark.parametrize(
    "host",
    ["", ":5000", "registry.example:", "registry.example:0", "registry.example:65536", "fd00::4", "[fd00::4",
     "https://registry.example", "registry.example/team", "me@registry.example", "a b", "*.example", "[registry]",
     "registry.example:5000\n", "-registry", "."],
)  # fmt: skip
def test_what_is_no_registry_is_refused(host: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - an address has words of its own
        split(host)


@given(st.text(max_size=30))
def test_whatever_the_text_is_it_is_split_or_refused(text: str) -> None:
    try:
        name, port = split(text)
    except ValueError:
        return
    assert name
    assert 1 <= port <= 65535


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """The system's resolver says this."""

    def resolve(name: str, port: int, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        pytest.param(
            socket.gaierror(-2, "Name or service not known"),
            "the name registry.example has no address: Name or service not known", id="nobody knows",
        ),
        pytest.param(
            UnicodeError("label too long"), "registry.example cannot be a name of a host", id="that cannot be one"
        ),
        pytest.param(
            None, "the name registry.example is not answered within 0.2 seconds by name servers", id="nobody answers"
        ),
    ],
)  # fmt: skip
def test_a_name(monkeypatch: pytest.MonkeyPatch, answer: Exception | None, detail: str) -> None:
    def resolve(*_arguments: Any, **_options: Any) -> list[Any]:
        if answer is None:
            time.sleep(0.7)
            return []
        raise answer

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(CheckError) as caught:
        connect("registry.example", 443, Deadline(0.2))
    assert (caught.value.kind, caught.value.detail) == ("dns", detail)
    time.sleep(0.7 if answer is None else 0)


@pytest.mark.parametrize(
    ("errors", "kind", "detail"),
    [
        pytest.param(
            [ConnectionRefusedError()], "refused", "nothing listens on 10.0.0.1:5000", id="one that nothing listens on"
        ),
        pytest.param(
            [TimeoutError()], "timeout", "10.0.0.1:5000 does not answer within 5 seconds", id="one that is silent"
        ),
        pytest.param(
            [OSError(errno.ETIMEDOUT, "x")], "timeout", "10.0.0.1:5000 does not answer within 5 seconds",
            id="one of which the system says that it is silent",
        ),
        pytest.param(
            [OSError(errno.EHOSTUNREACH, "No route to host")], "unreachable",
            "10.0.0.1:5000 cannot be reached: No route to host", id="one without a route",
        ),
        pytest.param(
            [OSError(errno.EHOSTUNREACH, "No route to host"), TimeoutError(), ConnectionRefusedError()], "refused",
            "nothing listens on 10.0.0.3:5000", id="several: what tells most",
        ),
    ],
)  # fmt: skip
def test_an_address(monkeypatch: pytest.MonkeyPatch, errors: list[OSError], kind: str, detail: str) -> None:
    resolving(monkeypatch, *[f"10.0.0.{number}" for number in range(1, len(errors) + 1)])
    waiting = list(errors)

    def refuse(family: int, address: Any, seconds: float) -> socket.socket:
        raise waiting.pop(0)

    monkeypatch.setattr(registry_connection, "_connected", refuse)
    with pytest.raises(CheckError) as caught:
        connect("registry.example", 5000, Deadline(5))
    assert (caught.value.kind, caught.value.detail) == (kind, detail)


def test_the_second_address_is_taken_where_nothing_listens_on_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(silent) as server:
        # The server listens on the last of them alone.
        resolving(monkeypatch, "127.0.0.2", ADDRESS)
        connection, where = connect("registry.example", server.port, Deadline(5))
        connection.close()
    assert where == server.host


def test_a_deadline_ends() -> None:
    deadline = Deadline(0.01)
    assert 0 < deadline.left() <= 0.01
    time.sleep(0.02)
    with pytest.raises(socket.timeout):
        deadline.left()


def test_an_address_with_its_port_is_shown_as_people_write_it() -> None:
    assert (shown("fd00::4", 5000), shown("10.0.0.4", 5000)) == ("[fd00::4]:5000", "10.0.0.4:5000")
