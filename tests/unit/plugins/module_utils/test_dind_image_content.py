# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.runnerkit.gitlab.plugins.module_utils import daemon_json
from ansible_collections.runnerkit.gitlab.plugins.module_utils import dind_image_content as content
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_content import ContentError, File, Wanted
from tests.support.pki import Authority

ONE, TWO, THREE = (Authority(name) for name in ("One", "Two", "Three"))
HOST = "registry.example:5000"


def wanted(*registries: tuple[str, str], os_store: bool = True, mirrors: tuple[str, ...] = ()) -> Wanted:
    return content.wanted([{"host": host, "ca": ca} for host, ca in registries], os_store, mirrors)


@pytest.mark.parametrize(
    "host",
    ["registry.example", HOST, "10.0.0.4:5000", "[fd00::4]:5000", "[fd00::4]", "localhost:1", "a"],
)
def test_hosts_become_folders(host: str) -> None:
    (path,) = content.registry_files(wanted((host, ONE.pem)))
    assert path == f"/etc/docker/certs.d/{host}/ca.crt"


@pytest.mark.parametrize(
    ("registries", "message"),
    [
        pytest.param(
            [("../../etc", ONE.pem)],
            "registries[0].host is '../../etc'; write the registry as images name it, such as registry.example:5000",
            id="a way out of the folder",
        ),
        pytest.param([("a/b", ONE.pem)], "registries[0].host is 'a/b'; write", id="a path"),
        pytest.param([("", ONE.pem)], "registries[0].host is ''; write", id="nothing"),
        pytest.param([("a\n", ONE.pem)], "registries[0].host is 'a\\n'; write", id="a line's end"),
        pytest.param([("..", ONE.pem)], "registries[0].host is '..'; write", id="the folder above"),
        pytest.param(
            [("a", ONE.pem), ("a", TWO.pem)],
            "registries[1].host is a, which stands there before; put its authorities into one ca", id="twice",
        ),
        pytest.param(
            [("a", ONE.pem + ONE.key_pem)],
            "registries[0].ca (a) holds a private key, which everybody who pulls the image would have; give the "
            "certificate alone",
            id="a key",
        ),
        pytest.param(
            [("a", "-----BEGIN RSA PRIVATE KEY-----\nx")], "registries[0].ca (a) holds a private key", id="an old key"
        ),
        pytest.param(
            [("a", "text")], "registries[0].ca (a) holds no certificate; give PEM, -----BEGIN CERTIFICATE----- first",
            id="no certificate",
        ),
    ],
)  # fmt: skip
def test_what_would_do_harm_is_refused(registries: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(ContentError) as caught:
        wanted(*registries)
    assert str(caught.value).startswith(message)
    assert "KEY--" not in str(caught.value)


def test_text_around_certificates_and_ends_of_lines_do_not_matter() -> None:
    text = "subject=One\r\n" + ONE.pem.replace("\n", "\r\n") + "between" + TWO.pem + ONE.pem
    assert content.certificates(text) == [ONE.pem, TWO.pem]


def test_what_is_no_base64_is_no_certificate() -> None:
    assert content.certificates("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n") == []
    assert content.certificates("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n") == []


@given(st.lists(st.sampled_from([ONE.pem, TWO.pem, THREE.pem])), st.lists(st.sampled_from([ONE.pem, TWO.pem])))
def test_a_store_has_each_certificate_once_however_often_it_is_added(before: list[str], added: list[str]) -> None:
    bundle = "".join(dict.fromkeys(before)).encode()
    once = content.appended(bundle, added)
    assert once.startswith(bundle)
    assert content.appended(once, added) == once
    assert set(content.certificates(once.decode())) == {*before, *added}


def test_a_store_without_an_end_of_line_is_not_glued_to() -> None:
    assert content.appended(ONE.pem.rstrip("\n").encode(), [TWO.pem]).decode() == ONE.pem + TWO.pem


def test_a_store_with_comments_that_are_no_utf_8_stays_as_it_is() -> None:
    bundle = b"# \xe9\n" + ONE.pem.encode()
    assert content.appended(bundle, [ONE.pem]) is bundle


def test_an_authority_of_two_registries_is_one() -> None:
    both = wanted(("a", ONE.pem), ("b", ONE.pem + TWO.pem))
    assert content.authorities(both) == [ONE.pem, TWO.pem]
    assert len(content.store_files(both, "/x", ".crt")) == 2


BASIC = wanted((HOST, ONE.pem))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("base:2", BASIC), id="another base"),
        pytest.param(("base:1", wanted((HOST, TWO.pem))), id="another authority"),
        pytest.param(("base:1", wanted((HOST, ONE.pem + TWO.pem))), id="one more"),
        pytest.param(("base:1", wanted(("other", ONE.pem))), id="another registry"),
        pytest.param(("base:1", wanted((HOST, ONE.pem), os_store=False)), id="without the store"),
        pytest.param(("base:1", wanted((HOST, ONE.pem), mirrors=("https://m.example",))), id="a mirror"),
    ],
)
def test_what_makes_another_image_is_seen(other: tuple[str, Wanted]) -> None:
    assert content.digest(*other) != content.digest("base:1", BASIC)


def test_the_order_of_registries_and_spelling_of_certificates_make_no_other_image() -> None:
    one = wanted(("a", ONE.pem), ("b", TWO.pem))
    other = wanted(("b", TWO.pem.replace("\n", "\r\n")), ("a", "x\n" + ONE.pem))
    assert content.digest("base:1", one) == content.digest("base:1", other)


@pytest.mark.parametrize(
    ("text", "mirrors", "expected"),
    [
        pytest.param(None, ["https://a"], {"registry-mirrors": ["https://a"]}, id="no file"),
        pytest.param("", ["https://a"], {"registry-mirrors": ["https://a"]}, id="an empty file"),
        pytest.param(
            '{"debug": true}', ["https://a"], {"debug": True, "registry-mirrors": ["https://a"]}, id="other settings"
        ),
        pytest.param(
            '{"registry-mirrors": ["https://b", "https://a/"]}', ["https://a"],
            {"registry-mirrors": ["https://a", "https://b"]}, id="some of its own",
        ),
        pytest.param('{"registry-mirrors": null}', ["https://a"], {"registry-mirrors": ["https://a"]}, id="none"),
    ],
)  # fmt: skip
def test_mirrors_come_first(text: str | None, mirrors: list[str], expected: dict[str, Any]) -> None:
    assert json.loads(content.with_mirrors(text, mirrors)) == expected


def test_a_broken_daemon_json_is_not_overwritten() -> None:
    with pytest.raises(daemon_json.DaemonJsonError):
        content.with_mirrors("[]", ["https://a"])


@given(
    st.dictionaries(st.from_regex(r"/[a-z]{1,9}(/[a-z:\[\]0-9]{1,60}){0,3}", fullmatch=True), st.binary(max_size=99)),
    st.integers(0, 0o7777),
)
def test_an_archive_holds_what_was_put_into_it(files: dict[str, bytes], mode: int) -> None:
    archive = content.pack(["/made"], {path: File(text, mode, 1, 2) for path, text in files.items()})
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        members = packed.getmembers()
        found = {f"/{each.name}": packed.extractfile(each).read() for each in members[1:]}  # type: ignore[union-attr]
    assert (members[0].isdir(), members[0].mode, members[0].name) == (True, 0o755, "made")
    assert found == files
    assert {(each.mode, each.uid, each.gid) for each in members[1:]} <= {(mode, 1, 2)}


def test_a_file_comes_back_out_of_an_archive() -> None:
    file = File(b"content", 0o600, 5, 6)
    assert content.unpack(content.pack([], {"/x": file})) == file


def test_a_folder_is_no_file() -> None:
    assert content.unpack(content.pack(["/x"], {"/x/y": File(b"")})) is None


def test_no_archive_is_a_sentence() -> None:
    with pytest.raises(ContentError, match="the engine's archive of a file cannot be read"):
        content.unpack(b"x" * 600)
