# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import http.client
import json
import os
import urllib.error
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils.apt_repository import Repository, RepositoryError
from ansible_collections.runnerkit.gitlab.plugins.modules.package_source import apply, shown
from tests.unit.plugins.module_utils.keys import (
    ED25519,
    ED25519_FINGERPRINT,
    RSA,
    RSA_FINGERPRINT,
    binary,
)

SPEC: dict[str, Any] = {
    "name": "docker", "uri": "http://mirror.example/linux/debian", "suite": "bookworm", "components": ["stable"],
    "key_url": "http://mirror.example/gpg", "key_fingerprint": f"{ED25519_FINGERPRINT[:20]} {ED25519_FINGERPRINT[20:]}",
    "replaces": ["https://download.docker.com/linux/debian"],
}  # fmt: skip
OTHER = "deb [signed-by=/x.gpg] https://download.docker.com/linux/debian bookworm stable\n"
SOURCE = """\
# Ansible managed: role runnerkit.gitlab.docker_engine
Types: deb
URIs: http://mirror.example/linux/debian
Suites: bookworm
Components: stable
Architectures: amd64
Signed-By: /etc/apt/keyrings/runnerkit-docker.asc
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host's root with apt's folders."""
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "etc/apt/keyrings").mkdir()
    return tmp_path


def repository(root: Path, **changes: Any) -> Repository:
    return Repository({**SPEC, **changes}, "amd64", str(root))


def apply_all(found: Repository, root: Path, key: bytes) -> None:
    """What package_source does."""
    on_disk = str(root) + found.key_path(key)
    for change in found.changes(key):
        apply(change, key if change.path == on_disk else None)


def tree(root: Path) -> dict[str, str]:
    """All files below a root."""
    return {
        str(path.relative_to(root)): path.read_text(errors="replace")
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_a_fresh_host_gets_key_and_source_and_then_there_is_nothing_to_do(root: Path) -> None:
    wanted = repository(root)
    assert wanted.installed_key() is None
    assert [os.path.relpath(change.path, root) for change in wanted.changes(ED25519)] == [
        "etc/apt/keyrings/runnerkit-docker.asc",
        "etc/apt/sources.list.d/runnerkit-docker.sources",
    ]
    apply_all(wanted, root, ED25519)
    assert tree(root) == {
        "etc/apt/keyrings/runnerkit-docker.asc": ED25519.decode(),
        "etc/apt/sources.list.d/runnerkit-docker.sources": SOURCE,
    }
    assert wanted.changes(ED25519) == []
    assert wanted.installed_key() == ED25519


def test_nothing_is_written_by_looking(root: Path) -> None:
    (root / "etc/apt/sources.list").write_text(OTHER)
    before = tree(root)
    assert len(repository(root).changes(ED25519)) == 3
    assert tree(root) == before


def test_other_tools_entries_are_taken_over_and_nothing_is_deleted(root: Path) -> None:
    parts = root / "etc/apt/sources.list.d"
    (parts / "docker.list").write_text(OTHER)
    (root / "etc/apt/sources.list").write_text("deb http://a/ b c\n" + OTHER)
    wanted = repository(root)
    apply_all(wanted, root, ED25519)
    files = tree(root)
    assert files["etc/apt/sources.list.d/docker.list.runnerkit.save"] == OTHER
    assert "etc/apt/sources.list.d/docker.list" not in files
    assert files["etc/apt/sources.list"] == (
        "deb http://a/ b c\n# switched off, runnerkit-docker.sources has this repository now: " + OTHER
    )
    assert wanted.changes(ED25519) == []


def test_a_docker_sources_of_somebody_else_is_set_aside_and_what_else_it_names_stays_in_force(root: Path) -> None:
    parts = root / "etc/apt/sources.list.d"
    stanza = "Types: deb\nURIs: https://download.docker.com/linux/debian\nSuites: bookworm\nComponents: stable\n"
    (parts / "docker.sources").write_text(stanza)
    apply_all(repository(root), root, ED25519)
    assert tree(root)["etc/apt/sources.list.d/docker.sources.runnerkit.save"] == stanza
    other = "Types: deb\nURIs: http://other/\nSuites: bookworm\nComponents: main\n"
    (parts / "docker.sources").write_text(f"{stanza}\n{other}")
    apply_all(repository(root), root, ED25519)
    assert tree(root)["etc/apt/sources.list.d/docker.sources"] == f"{stanza}Enabled: no\n\n{other}"
    assert repository(root).changes(ED25519) == []


def test_the_hosts_own_key_comes_first_and_the_newest_one_when_something_is_written(root: Path) -> None:
    newer = ED25519 + b"\n"
    wanted = repository(root)
    assert wanted.key(lambda url: ED25519) == ED25519
    apply_all(wanted, root, ED25519)
    assert wanted.key(lambda url: newer) == ED25519
    assert wanted.newest_key(lambda url: newer) == newer
    assert [change.path for change in wanted.changes(newer)] == [str(root) + wanted.key_path(newer)]
    assert wanted.newest_key(raising(TimeoutError("timed out"))) == ED25519
    with pytest.raises(RepositoryError, match="has the fingerprint"):
        wanted.newest_key(lambda url: RSA)


def test_a_key_that_nobody_has_is_an_error(root: Path) -> None:
    with pytest.raises(RepositoryError, match="timed out"):
        repository(root).newest_key(raising(TimeoutError("timed out")))


def test_a_password_in_an_address_is_not_shown(root: Path) -> None:
    found = repository(root, key_url="http://user:pA55@mirror.example/gpg")
    with pytest.raises(RepositoryError, match=r"^the key at http://\*+@mirror\.example/gpg cannot be read: timed out$"):
        found.fetch_key(raising(TimeoutError("timed out")))


def test_a_diff_is_text_without_passwords_whatever_is_in_the_file(root: Path) -> None:
    source = b"# caf\xe9\ndeb http://user:pA55@a/ b c\n" + OTHER.encode()
    (root / "etc/apt/sources.list").write_bytes(source)
    change = repository(root).changes(ED25519)[-1]
    assert shown(change.before) == f"# caf\ufffd\ndeb http://********@a/ b c\n{OTHER}"
    assert json.dumps(shown(change.after)).isascii()
    assert shown(None) == ""
    apply(change, None)
    assert (root / "etc/apt/sources.list").read_bytes().startswith(source[: source.index(b"deb [")])


@pytest.mark.skipif(os.geteuid() != 0, reason="the folder is root's")
def test_the_folder_of_keys_can_be_read_by_apts_own_user(root: Path) -> None:
    (root / "etc/apt/keyrings").rmdir()
    before = os.umask(0o077)
    try:
        apply_all(repository(root), root, ED25519)
    finally:
        os.umask(before)
    assert (root / "etc/apt/keyrings").stat().st_mode & 0o777 == 0o755


def test_a_binary_key_is_called_gpg_and_sets_an_armored_one_aside(root: Path) -> None:
    apply_all(repository(root), root, ED25519)
    key = binary(ED25519)
    wanted = repository(root)
    assert wanted.key_path(key) == "/etc/apt/keyrings/runnerkit-docker.gpg"
    apply_all(wanted, root, key)
    names = sorted(path.name for path in (root / "etc/apt/keyrings").iterdir())
    assert names == ["runnerkit-docker.asc.runnerkit.save", "runnerkit-docker.gpg"]
    assert wanted.changes(key) == []
    assert wanted.installed_key() == key


def test_another_key_is_replaced_and_the_diff_does_not_show_keys(root: Path) -> None:
    (root / "etc/apt/keyrings/runnerkit-docker.asc").write_bytes(RSA)
    wanted = repository(root)
    assert wanted.installed_key() is None
    change = wanted.changes(ED25519)[0]
    assert (change.before, change.after) == ("(another key)\n", f"(the key {SPEC['key_fingerprint']})\n")


def test_a_runners_repository_says_which_role_manages_it(root: Path) -> None:
    text = repository(root, name="gitlab_runner").source_text("/k.asc")
    assert text.startswith("# Ansible managed: role runnerkit.gitlab.gitlab_runner\n")


@pytest.mark.parametrize("key", [ED25519, binary(ED25519)], ids=["armored", "binary"])
def test_the_right_key_is_fetched(root: Path, key: bytes) -> None:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return key

    assert repository(root).fetch_key(fetch) == key
    assert asked == [SPEC["key_url"]]


def raising(error: Exception) -> Callable[[str], NoReturn]:
    """A fetch that fails."""

    def fetch(url: str) -> NoReturn:
        raise error

    return fetch


@pytest.mark.parametrize(
    ("fetch", "kind", "message"),
    [
        pytest.param(
            lambda url: RSA, "key_mismatch",
            f"the key at http://mirror.example/gpg has the fingerprint {RSA_FINGERPRINT}, not {ED25519_FINGERPRINT}",
            id="another key",
        ),
        pytest.param(
            lambda url: ED25519 + RSA, "key_mismatch",
            f"the key at http://mirror.example/gpg has the fingerprint {ED25519_FINGERPRINT}, {RSA_FINGERPRINT}, "
            f"not {ED25519_FINGERPRINT}",
            id="one key too many",
        ),
        pytest.param(
            lambda url: b"<html>", "key_invalid",
            "the key at http://mirror.example/gpg cannot be used: it is not an OpenPGP key", id="a web page",
        ),
        pytest.param(
            raising(urllib.error.HTTPError("http://x", 404, "Not Found", Message(), None)), "key_unreachable",
            "the key at http://mirror.example/gpg cannot be read: Not Found", id="not there",
        ),
        pytest.param(
            raising(urllib.error.URLError("Name or service not known")), "key_unreachable",
            "the key at http://mirror.example/gpg cannot be read: Name or service not known", id="no such host",
        ),
        pytest.param(
            raising(TimeoutError("timed out")), "key_unreachable",
            "the key at http://mirror.example/gpg cannot be read: timed out", id="no answer",
        ),
        pytest.param(
            raising(http.client.BadStatusLine("SSH-2.0")), "key_unreachable",
            "the key at http://mirror.example/gpg cannot be read: SSH-2.0", id="a server that speaks something else",
        ),
        pytest.param(
            raising(ValueError("unknown url type: 'mirror'")), "key_unreachable",
            "the key at http://mirror.example/gpg cannot be read: unknown url type: 'mirror'", id="no address at all",
        ),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_trusted(root: Path, fetch: Callable[[str], bytes], kind: str, message: str) -> None:
    with pytest.raises(RepositoryError) as caught:
        repository(root).fetch_key(fetch)
    assert (caught.value.kind, str(caught.value)) == (kind, message)
