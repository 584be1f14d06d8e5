# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_api import GitLab
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError
from tests.support.gitlab import LabGitLab
from tests.support.gitlab_world import instance, server


@pytest.fixture
def lab() -> LabGitLab:
    return instance()


def client(lab: LabGitLab, **how: Any) -> GitLab:
    return GitLab(**{"url": lab.url, "private_token": lab.admin_token, "ca": lab.ca, "sleep": lambda _: None, **how})


def test_a_ca_can_be_a_file(lab: LabGitLab) -> None:
    assert client(lab, ca=str(server().ca_file)).get(5) is None


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_can_be_in_the_environment(lab: LabGitLab, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, str(server().ca_file))
    assert client(lab, ca=None).get(5) is None


@pytest.mark.parametrize("ca", [None, "", " "], ids=["none", "an empty one", "a blank"])
def test_a_certificate_of_an_unknown_ca_is_refused(lab: LabGitLab, ca: str | None) -> None:
    with pytest.raises(GitLabError, match=r"is not trusted \(.*\); give the CA that signed it as gitlab_runner_ca"):
        client(lab, ca=ca).get(5)
    assert lab.requests() == []


def test_a_certificate_for_another_name_is_refused(lab: LabGitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    find = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *more, **how: find("127.0.0.1", *more, **how))
    with pytest.raises(GitLabError, match="use a name that stands in the certificate in gitlab_runner_url"):
        client(lab, url=lab.url.replace("127.0.0.1", "gitlab.example")).get(5)


@pytest.mark.parametrize(
    ("ca", "words"),
    [
        pytest.param(
            "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----",
            "no certificate in the form of PEM",
            id="broken text",
        ),
        pytest.param("/does/not/exist.pem", "No such file or directory ('/does/not/exist.pem')", id="no file"),
        pytest.param(__file__, "no certificate in the form of PEM", id="another file"),
    ],
)
def test_a_ca_that_is_none_is_an_error(lab: LabGitLab, ca: str, words: str) -> None:
    with pytest.raises(GitLabError) as caught:
        client(lab, ca=ca).get(5)
    assert words in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)


class Proxy:
    """A proxy that notes where it was asked to go, and goes there."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            head = near.recv(65536).decode()
            self.asked.append(head)
            host, port = head.split()[1].split(":")
            far = socket.create_connection((host, int(port)))
            near.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    yield made
    made.stop()


def test_a_given_proxy_goes_before_the_environment(
    lab: LabGitLab, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    found = client(lab, proxy=proxy.url.replace("http://", "http://user:pass@")).get(5)
    assert found is None
    assert proxy.asked[0].startswith("CONNECT 127.0.0.1:")
    assert "Proxy-Authorization" in proxy.asked[0]
    assert lab.admin_token not in proxy.asked[0]


def test_the_proxy_of_the_environment_is_used(lab: LabGitLab, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert client(lab).get(5) is None
    assert len(proxy.asked) == 1
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert client(lab).get(5) is None
    assert len(proxy.asked) == 1


def test_a_proxy_that_does_not_work_is_named_without_its_password(lab: LabGitLab) -> None:
    with pytest.raises(GitLabError, match="the proxy did not let the controller through") as caught:
        client(lab, proxy="http://user:verysecret@127.0.0.1:1").get(5)
    assert "verysecret" not in str(caught.value)


def test_netrc_is_not_read(lab: LabGitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password netrc-secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    import requests

    seen: list[requests.PreparedRequest] = []
    send = requests.Session.send

    def spy(self: requests.Session, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        seen.append(request)
        return send(self, request, **how)

    monkeypatch.setattr(requests.Session, "send", spy)
    client(lab).verify("glrt-abcdefgh", None)
    assert "Authorization" not in seen[0].headers
