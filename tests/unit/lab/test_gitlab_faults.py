"""Trouble on purpose: how the GitLab stand-in fails, and what it has done by then."""

from __future__ import annotations

import ast
import http.client
import itertools
import ssl
import sys
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import certificates
from tests.lab.gitlab import PROGRAM
from tests.support.gitlab import GitLabStandIn, LabGitLab

_numbers = itertools.count()
INSTANCE = {"runner_type": "instance_type"}


@pytest.fixture(scope="module")
def server() -> Iterator[GitLabStandIn]:
    with GitLabStandIn() as standin:
        yield standin


@pytest.fixture
def lab(server: GitLabStandIn) -> LabGitLab:
    """An instance that no other test knows."""
    return server.elsewhere(f"test{next(_numbers)}")


def create(lab: LabGitLab) -> tuple[int, dict[str, str], Any]:
    return lab.call("POST", "/api/v4/user/runners", INSTANCE, {"PRIVATE-TOKEN": lab.admin_token})


def test_three_failures_and_then_it_works(lab: LabGitLab) -> None:
    lab.fault("/user/runners", status=500, times=3)
    assert [create(lab)[0] for _ in range(5)] == [500, 500, 500, 201, 201]
    assert [row["fault"] for row in lab.requests("POST", "/user/runners")] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        pytest.param({"drop": "before"}, 0, id="cut before anything was done"),
        pytest.param({"drop": "after"}, 1, id="cut after everything was done"),
        pytest.param({"drop": "after", "delay": 0.1}, 1, id="cut after a while"),
    ],
)
def test_the_connection_is_cut(lab: LabGitLab, fault: dict[str, Any], made: int) -> None:
    lab.fault("/user/runners", **fault)
    with pytest.raises((urllib.error.URLError, http.client.RemoteDisconnected, ConnectionError)):
        create(lab)
    assert len(lab.runners()) == made
    assert create(lab)[0] == 201


@pytest.mark.parametrize(
    ("fault", "status", "headers", "body"),
    [
        pytest.param(
            {"status": 429},
            429,
            {"Retry-After": "60"},
            {"message": "Executing database migrations. Please retry later."},
            id="during database migrations",
        ),
        pytest.param({"status": 429, "headers": {"Retry-After": 1}}, 429, {"Retry-After": "1"}, None, id="soon again"),
        pytest.param({"status": 502}, 502, {"Content-Type": "text/html"}, None, id="the proxy's own page"),
        pytest.param({"status": 403}, 403, {}, {"message": "403 Forbidden"}, id="forbidden"),
        pytest.param({"status": 418, "body": {"a": 1}}, 418, {}, {"a": 1}, id="whatever is wanted"),
        pytest.param(
            {"status": 200, "body": "<html>"}, 200, {"Content-Type": "text/html"}, "<html>", id="a login page"
        ),
        pytest.param({"headers": {"X-Proxy": "1"}}, 201, {"X-Proxy": "1"}, None, id="a header more, no trouble"),
    ],
)
def test_another_answer(lab: LabGitLab, fault: dict[str, Any], status: int, headers: dict[str, str], body: Any) -> None:
    lab.fault("/user/runners", **fault)
    found, named, answer = create(lab)
    assert found == status
    assert {name: named.get(name) for name in headers} == headers
    assert body in (None, answer)
    assert len(lab.runners()) == (1 if found == 201 else 0)


def test_an_answer_is_lost_although_it_was_done(lab: LabGitLab) -> None:
    lab.fault("/user/runners", status=504, act=True)
    assert create(lab)[0] == 504
    assert len(lab.runners()) == 1


def test_faults_wait_for_their_turn_and_can_be_ended(lab: LabGitLab) -> None:
    lab.fault("/version", status=500, skip=1, times=None)
    lab.fault("/user$", status=501, method="PUT")
    lab.fault("/user$", delay=0.2)
    begun = time.monotonic()
    assert lab.api("GET", "/user")["id"] == 1
    assert time.monotonic() - begun > 0.2
    admin = {"PRIVATE-TOKEN": lab.admin_token}
    assert [lab.call("GET", "/api/v4/version", headers=admin)[0] for _ in range(4)] == [200, 500, 500, 500]
    assert [fault["hits"] for fault in lab.state()["faults"]] == [3, 0, 1]
    lab.end_faults()
    assert lab.call("GET", "/api/v4/version", headers=admin)[0] == 200


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        pytest.param({"when": "now"}, "unknown keys when; a fault has method, path", id="a key that is none"),
        pytest.param({"drop": "never"}, "drop is 'never'; it is before or after", id="a moment that is none"),
        pytest.param({"path": "("}, "unterminated subpattern", id="no regular expression"),
    ],
)
def test_a_fault_that_cannot_be_meant_is_refused(lab: LabGitLab, fault: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lab.fault(**fault)


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        pytest.param("POST", {"Content-Type": "application/json"}, b"{", 400, id="broken JSON"),
        pytest.param("POST", {"Content-Type": "application/json"}, b"[]", 400, id="JSON that is no object"),
        pytest.param("POST", {"Content-Type": "application/x-www-form-urlencoded"}, b"token=glrt-x", 403, id="a form"),
        pytest.param("POST", {"Transfer-Encoding": "chunked"}, None, 411, id="no length"),
    ],
)
def test_bodies_of_all_kinds(
    lab: LabGitLab, method: str, headers: dict[str, str], body: bytes | None, status: int
) -> None:
    assert lab.call(method, "/api/v4/runners/verify", body, headers)[0] == status


def test_a_setting_that_is_none_is_refused(lab: LabGitLab) -> None:
    with pytest.raises(ValueError, match="unexpected keyword argument 'colour'"):
        lab.settings(colour="red")
    assert lab.settings(version="17.11.0")["version"] == "17.11.0"


def test_without_tls_and_over_again() -> None:
    for _ in range(3):
        with GitLabStandIn("plain", plain=True) as standin:
            assert standin.url.startswith("http://127.0.0.1:")
            assert standin.api("GET", "/version")["version"] == "18.2.0"


def test_stopping_waits_for_no_delay() -> None:
    with GitLabStandIn("slow") as standin:
        standin.fault("/version", delay=60)
        connection = http.client.HTTPSConnection(
            standin.server.partition("//")[2], context=ssl.create_default_context(cadata=standin.ca)
        )
        connection.request("GET", "/slow/api/v4/version")
        time.sleep(0.1)
        begun = time.monotonic()
    connection.close()
    assert time.monotonic() - begun < 2


def test_the_certificate_satisfies_the_strictest_clients(server: GitLabStandIn) -> None:
    context = ssl.create_default_context(cadata=server.ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    host = server.server.partition("//")[2]
    connection = http.client.HTTPSConnection(host, context=context)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()
    stranger = http.client.HTTPSConnection(host, context=ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.request("GET", "/")
    stranger.close()


def test_a_ca_outlives_a_change_of_address(tmp_path: Path) -> None:
    first = certificates.ensure(tmp_path / "keys", ["IP:10.213.0.3"])
    ca, server = first.ca.read_bytes(), first.server.read_bytes()
    assert certificates.ensure(tmp_path / "keys", ["IP:10.213.0.3"]).server.read_bytes() == server
    again = certificates.ensure(tmp_path / "keys", ["IP:10.213.7.3", "DNS:gitlab"])
    assert (again.ca.read_bytes(), again.server.read_bytes() == server) == (ca, False)
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {
        "ca.crt", "ca.key", "server.crt", "server.key", "openssl.cnf",
    }  # fmt: skip
    assert first.ca_key.stat().st_mode & 0o077 == 0
    assert first.server_key.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("source", sorted(PROGRAM.glob("*.py")), ids=lambda path: path.name)
def test_the_oldest_lab_host_can_run_it(source: Path) -> None:
    """Debian 11 has Python 3.9, and nothing but its standard library."""
    tree = ast.parse(source.read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {name.name.partition(".")[0] for name in node.names} <= sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert str(node.module).partition(".")[0] in sys.stdlib_module_names
