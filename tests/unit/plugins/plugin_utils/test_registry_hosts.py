# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils import registry_hosts as hosts


@pytest.mark.parametrize(
    ("host", "name", "port"),
    [
        pytest.param("registry.example:5000", "registry.example", 5000, id="a name with a port"),
        pytest.param("registry.example", "registry.example", None, id="a name without a port"),
        pytest.param("REG-1.Example:443", "REG-1.Example", 443, id="any case, hyphens, digits"),
        pytest.param("localhost:5000", "localhost", 5000, id="this host"),
        pytest.param("10.0.0.4:5000", "10.0.0.4", 5000, id="IPv4 with a port"),
        pytest.param("[fd00::4]:5000", "fd00::4", 5000, id="IPv6 with a port"),
        pytest.param("[fd00::4]", "fd00::4", None, id="IPv6 without a port"),
        pytest.param("xn--rgistry-bya.example:65535", "xn--rgistry-bya.example", 65535, id="the last port"),
        pytest.param("docker.io", "docker.io", None, id="Docker Hub"),
    ],
)
def test_hosts_of_images(host: str, name: str, port: int | None) -> None:
    assert hosts.split(host) == (name, port)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        pytest.param("", "is empty; give the registry", id="nothing"),
        pytest.param(" ", "is empty; give the registry", id="a blank"),
        pytest.param(
            "https://registry.example:5000/v2/",
            "is 'https://registry.example:5000/v2/', an address with a scheme; write registry.example:5000",
            id="an address with a scheme",
        ),
        pytest.param("https://", "write the host alone, such as registry.example:5000", id="a scheme alone"),
        pytest.param("https://[", "write the host alone", id="a broken address"),
        pytest.param("registry.example/team", "which has a path; write registry.example", id="a path"),
        pytest.param("registry.example/", "which has a path; write registry.example", id="a slash at the end"),
        pytest.param("me:word@registry.example", "has a user's name in it; give the host alone", id="a user"),
        pytest.param("https://me:word@registry.example/", "has a user's name in it", id="a user in an address"),
        pytest.param("*.example", "'*.example', and there are no wildcards", id="a wildcard"),
        pytest.param("registry.example :5000", "which has blanks in it; leave them out", id="a blank within"),
        pytest.param("registry.example\n", "which has blanks in it; leave them out", id="a line break"),
        pytest.param("régistry.example", "not plain ASCII; write the name as DNS has it", id="letters beyond ASCII"),
        pytest.param("\x1b[31m", "is '?[31m', which has characters that no name has", id="escapes of a terminal"),
        pytest.param("fd00::4", "an IPv6 address without brackets; write [fd00::4]", id="IPv6 without brackets"),
        pytest.param(
            "fd00::4:5000", "without brackets; write [fd00::4:5000] or [fd00::4]:5000", id="IPv6 with port or longer"
        ),
        pytest.param(
            "1:2:3:4:5:6:7:8:5000", "without brackets; write [1:2:3:4:5:6:7:8]:5000", id="IPv6 with a port for sure"
        ),
        pytest.param("a:b:c", "which has too many colons; write name:port", id="too many colons"),
        pytest.param("[fe80::1%eth0]:5000", "is no IPv6 address (zones have no place here)", id="a zone"),
        pytest.param("[10.0.0.4]:5000", "what stands in brackets is no IPv6 address", id="IPv4 in brackets"),
        pytest.param("[fd00::4", "where [IPv6 address] or [IPv6 address]:port is wanted", id="half of the brackets"),
        pytest.param("[fd00::4]5000", "where [IPv6 address] or [IPv6 address]:port is wanted", id="no colon after it"),
        pytest.param("10.0.0.256:5000", "which is no IPv4 address; write four numbers up to 255", id="a big number"),
        pytest.param("10.0.4", "which is no IPv4 address", id="three numbers"),
        pytest.param("registry.example:0", "its port is none of 1 to 65535", id="port zero"),
        pytest.param("registry.example:65536", "its port is none of 1 to 65535", id="a port too high"),
        pytest.param("registry.example:05000", "its port is none of 1 to 65535", id="a port with a zero before it"),
        pytest.param("registry.example:", "its port is none of 1 to 65535", id="a colon alone"),
        pytest.param("registry.example:http", "its port is none of 1 to 65535", id="a port by name"),
        pytest.param(":5000", "which has a port and no name", id="a port alone"),
        pytest.param("registry_1.example", "which is no name of a host", id="an underscore"),
        pytest.param("-registry.example", "which is no name of a host", id="a hyphen first"),
        pytest.param("a..example", "which is no name of a host", id="two dots"),
        pytest.param("registry.example.", "have no dot at their host's end; leave it out", id="a dot at the end"),
        pytest.param("a" * 64, "which is no name of a host", id="a label too long"),
        pytest.param("../../../etc", "which has a path", id="a way out of the folder"),
        pytest.param("..", "which is no IPv4 address", id="the folder above"),
    ],
)
def test_what_is_no_host_says_what_to_write(host: str, said: str) -> None:
    with pytest.raises(hosts.HostError) as caught:
        hosts.split(host)
    assert said in str(caught.value)
    assert "word" not in str(caught.value)
    assert str(caught.value).isprintable()


@given(st.text(alphabet="ab.:[]/-@1%*\x00é ", max_size=12))
def test_whatever_is_written_is_a_host_or_a_sentence(host: str) -> None:
    try:
        name, _ = hosts.split(host)
    except hosts.HostError:
        return
    # It becomes the name of a folder.
    assert not set(host) & set("/\x00 ")
    assert name
    assert host not in (".", "..")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("Registry.example", "registry.EXAMPLE", True, id="names in another case"),
        pytest.param("[fd00::4]:5000", "[FD00:0::4]:5000", True, id="spellings of an IPv6 address"),
        pytest.param("registry.example", "registry.example:443", False, id="another folder for the same port"),
        pytest.param("registry.example:5000", "registry.example:5001", False, id="another port"),
    ],
)
def test_the_same_host_by_another_spelling(one: str, other: str, same: bool) -> None:
    assert (hosts.key(one) == hosts.key(other)) is same


@pytest.mark.parametrize(
    ("host", "said"),
    [
        pytest.param("registry.example", None, id="a name with a domain"),
        pytest.param("registry:5000", None, id="a short name with a port"),
        pytest.param("localhost", None, id="this host"),
        pytest.param("[fd00::4]", None, id="an IPv6 address"),
        pytest.param("docker.io", "registry-1.docker.io", id="Docker Hub, for which engines look into no folder"),
        pytest.param("registry", "give the port, registry:443", id="a short name, which is a team of Docker Hub"),
        pytest.param("Registry.example", "write it in small letters", id="big letters"),
    ],
)
def test_what_is_odd_about_good_hosts(host: str, said: str | None) -> None:
    note = hosts.note(host)
    assert (note is None) if said is None else (note is not None and said in note)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        pytest.param("https://gitlab.example.com", "gitlab.example.com", id="an address"),
        pytest.param("https://gitlab.example.com:8443/gitlab/", "gitlab.example.com:8443", id="port and path"),
        pytest.param("HTTPS://Git.Example", "Git.Example", id="the runner keeps the spelling"),
        pytest.param("https://[fd00::4]:8443", "[fd00::4]:8443", id="IPv6"),
    ],
)
def test_hosts_of_addresses(url: str, host: str) -> None:
    assert hosts.of_url(url) == host


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("http://gitlab.example.com", "without https there is no certificate to trust", id="no TLS"),
        pytest.param("gitlab.example.com", "which is no address; give one such as https://", id="no scheme"),
        pytest.param("ftp://gitlab.example.com", "which is no address", id="another scheme"),
        pytest.param("https://", "which is no address", id="no host"),
        pytest.param("https://me:word@gitlab.example.com", "has a user's name in it", id="a user"),
        pytest.param("https://gitlab.example.com:99999", "is no address", id="a port too high"),
        pytest.param("https://[fd00", "is no address", id="half an address"),
        pytest.param("https://git_lab/", "its host is 'git_lab', which is no name of a host", id="a bad name"),
    ],
)
def test_what_is_no_address_says_what_to_write(url: str, said: str) -> None:
    with pytest.raises(hosts.HostError) as caught:
        hosts.of_url(url)
    assert said in str(caught.value)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "host", "answers"),
    [
        pytest.param(["Registry.example"], "registry.EXAMPLE:5000", True, id="the name in any case"),
        pytest.param(["*.example"], "registry.example", True, id="a wildcard for the first label"),
        pytest.param(["*.example"], "a.registry.example", False, id="a wildcard is for one label"),
        pytest.param(["*.example"], "example", False, id="a wildcard is not for the domain"),
        pytest.param(["*"], "registry", False, id="a wildcard alone"),
        pytest.param(["10.0.0.4"], "10.0.0.4:5000", True, id="an address"),
        pytest.param(["fd00:0::4"], "[fd00::4]:5000", True, id="an IPv6 address by another spelling"),
        pytest.param(["10.0.0.5", "registry.example"], "10.0.0.4", False, id="another address"),
        pytest.param([], "registry.example", False, id="no names"),
    ],
)
def test_whom_a_certificate_is_for(names: list[str], host: str, answers: bool) -> None:
    assert hosts.answers_for(names, host) is answers
