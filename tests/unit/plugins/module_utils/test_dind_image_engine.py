# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import dind_image_engine as engine_side
from ansible_collections.runnerkit.gitlab.plugins.module_utils import smoke_image
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_content import File, pack
from ansible_collections.runnerkit.gitlab.plugins.module_utils.dind_image_engine import Workshop
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from tests.unit.plugins.module_utils.dind_image_world import link_archive, stat_header
from tests.unit.plugins.module_utils.fake_engine import FakeEngine, answer, fake_engine
from tests.unit.plugins.module_utils.probe_world import MARK, FakeJanitor
from tests.unit.plugins.module_utils.smoke_world import ABSENT, GONE, Answers

NAME = "registry.example:5000/ci/dind:1"
LOGIN = {"username": "ci", "password": "word>?", "registry": "registry.example:5000"}
CONTAINER = f"/containers/runnerkit-dind-image-{MARK}"
CREATED = {"/containers/create": answer({"Id": "c0ffee"}, "201 Created"), "/containers/json": answer([])}


def workshop(fake: FakeEngine, auth: Mapping[str, str] | None = None, janitor: Any = None) -> Workshop:
    return Workshop(Engine(fake.path), janitor or FakeJanitor(), time.monotonic() + 5, auth)


def test_a_push_goes_to_the_repository_with_tag_and_login() -> None:
    stream = b'{"status":"Preparing"}\r\n{"progressDetail":{},"aux":{"Tag":"1","Digest":"sha256:d","Size":9}}\r\n'
    with fake_engine({"/images/registry.example:5000/ci/dind/push": answer(stream)}) as fake:
        assert workshop(fake, LOGIN).push(NAME) == "sha256:d"
        ((method, target, _),) = fake.requests
        (headers,) = fake.headers
    assert (method, target) == ("POST", "/images/registry.example:5000/ci/dind/push?tag=1")
    sent = headers["x-registry-auth"]
    # URL-safe, as the API wants it.
    assert not {"+", "/"} & set(sent)
    assert json.loads(base64.urlsafe_b64decode(sent)) == {
        "username": "ci", "password": "word>?", "serveraddress": "registry.example:5000",
    }  # fmt: skip


def test_without_a_login_the_header_is_there_all_the_same() -> None:
    with fake_engine({"/images/registry.example:5000/ci/dind/push": answer(b"")}) as fake:
        assert workshop(fake).push(NAME) is None
        assert base64.urlsafe_b64decode(fake.headers[0]["x-registry-auth"]) == b"{}"


def test_a_pull_by_digest_names_it_in_place_of_a_tag() -> None:
    with fake_engine({"/images/create": answer(b'{"status":"done"}')}) as fake:
        workshop(fake).pull("docker:28-dind@sha256:" + 64 * "1")
        assert fake.requests[0][1] == f"/images/create?fromImage=docker&tag=sha256%3A{64 * '1'}"


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("x509: certificate signed by unknown authority", "this host's engine does not trust the registry; declare it"),
        ("http: server gave HTTP response to HTTPS client", "the registry speaks plain HTTP; give it a certificate"),
        ("dial tcp 10.0.0.4:5000: connect: connection refused", "this host's engine does not reach the registry"),
        ("toomanyrequests: slow down", "the registry allows no more for now; try again later"),
        ("no basic auth credentials", "give auth, with a user who may do this"),
        ("unauthorized: authentication required", "give auth, with a user who may do this"),
        ("manifest unknown", "look at the name"),
        ("write /x: no space left on device", "make room on the engine's disk"),
    ],
)
@pytest.mark.parametrize("streamed", [True, False], ids=["in the stream", "at once"])
def test_words_of_engines_come_with_the_remedy(words: str, remedy: str, streamed: bool) -> None:
    said = answer({"errorDetail": {"message": words}, "error": words})
    at_once = answer({"message": words}, "500 Internal Server Error")
    answers = {"/images/registry.example:5000/ci/dind/push": said if streamed else at_once}
    with fake_engine(answers) as fake, pytest.raises(EngineError) as caught:
        workshop(fake).push(NAME)
    assert caught.value.message.startswith(f"the image {NAME} could not be pushed: {words}; {remedy}")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        pytest.param(answer({"Descriptor": {"digest": "sha256:d"}}), "sha256:d", id="it has one"),
        pytest.param(ABSENT, None, id="it has none"),
        pytest.param(answer({"message": "unauthorized"}, "401 Unauthorized"), None, id="it does not say"),
        pytest.param(answer([]), None, id="an odd answer"),
        pytest.param(answer({"Descriptor": {"digest": 1}}), None, id="an odd digest"),
    ],
)
def test_what_the_registry_has(response: bytes, expected: str | None) -> None:
    with fake_engine({f"/distribution/{NAME}/json": response}) as fake:
        assert workshop(fake).digest_in_registry(NAME) == expected


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        pytest.param(answer({"message": "boom"}, "500 Internal Server Error"), "http", id="an error"),
        pytest.param(answer({}), "protocol", id="no Id"),
    ],
)
def test_an_engine_that_knows_its_images_badly(response: bytes, kind: str) -> None:
    with fake_engine({"/images/x:1/json": response}) as fake, pytest.raises(EngineError) as caught:
        workshop(fake).image("x:1")
    assert caught.value.kind == kind


def reading(path: str, answers: dict[str, bytes | None]) -> Any:
    """What a draft reads."""
    table = Answers({**CREATED, f"{CONTAINER}/archive": None, CONTAINER: GONE, **answers})
    with fake_engine(table) as fake, workshop(fake).container("sha256:1") as draft:
        return draft.read(path)


def archived(body: bytes, stat: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nX-Docker-Container-Path-Stat: {stat}\r\n\r\n"
    return head.encode() + body


def test_a_file_is_read_with_its_owner_and_mode() -> None:
    file = File(b"content", 0o640, 3, 4)
    body = archived(pack([], {"/a": file}), stat_header(""))
    assert reading("/etc/a", {f"{CONTAINER}/archive": body}) == ("/etc/a", file)


def test_a_file_that_is_not_there() -> None:
    assert reading("/etc/a", {f"{CONTAINER}/archive": ABSENT}) is None


@pytest.mark.parametrize("stat", ["", "no base64!", base64.b64encode(b"[1]").decode()])
def test_an_odd_header_is_none(stat: str) -> None:
    file = File(b"content")
    assert reading("/etc/a", {f"{CONTAINER}/archive": archived(pack([], {"/a": file}), stat)}) == ("/etc/a", file)


class Linked(Answers):
    """First the link, then what it leads to."""

    def get(self, path: Any, default: Any = None) -> Any:
        if not path.endswith("/archive"):
            return super().get(path, default)
        return self.pop("first", None) or super().get(path, default)


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nowhere"])
def test_a_link_is_followed(there: bool) -> None:
    file = File(b"content")
    second = archived(pack([], {"/b": file})) if there else ABSENT
    first = archived(link_archive("/etc/a", "../b"), stat_header("/b"))
    table = Linked({**CREATED, "first": first, f"{CONTAINER}/archive": second, CONTAINER: GONE})
    with fake_engine(table) as fake:
        with workshop(fake).container("sha256:1") as draft:
            assert draft.read("/etc/a") == (("/b", file) if there else None)
        asked = [target for method, target, _ in fake.requests if target.startswith(f"{CONTAINER}/archive")]
    assert asked == [f"{CONTAINER}/archive?path=%2Fetc%2Fa", f"{CONTAINER}/archive?path=%2Fb"]


def test_the_janitor_knows_the_container_before_it_is_made_and_it_has_no_label() -> None:
    janitor = FakeJanitor()
    with fake_engine(Answers({**CREATED, CONTAINER: GONE})) as fake:
        with workshop(fake, janitor=janitor).container("sha256:1"):
            (body,) = [json.loads(body) for _, target, body in fake.requests if "/containers/create" in target]
        removed = [target for method, target, _ in fake.requests if method == "DELETE"]
    assert body == {"Image": "sha256:1", "HostConfig": {"NetworkMode": "none"}}
    assert [sorted(json.loads(line)) for line in janitor.lines] == [
        ["at", "delete", "query"], ["asked", "limit"], ["answered"],
    ]  # fmt: skip
    assert json.loads(janitor.lines[0])["delete"] == CONTAINER
    assert removed == [f"{CONTAINER}?force=true&v=true"]
    assert janitor.keeps is False


@pytest.mark.parametrize(
    ("response", "keeps"),
    [(ABSENT, False), (answer({"message": "busy"}, "500 Internal Server Error"), True)],
    ids=["it is gone", "the engine is busy"],
)
def test_a_container_that_cannot_be_removed_is_the_janitors(response: bytes, keeps: bool) -> None:
    janitor = FakeJanitor()
    table = Answers({**CREATED, CONTAINER: response})
    with fake_engine(table) as fake, workshop(fake, janitor=janitor).container("sha256:1"):
        assert janitor.keeps is False
    assert janitor.keeps is keeps


def test_an_image_is_made_with_its_settings() -> None:
    config = {"Entrypoint": ["dockerd-entrypoint.sh"], "Labels": {"a": "b"}}
    table = Answers({**CREATED, "/commit": answer({"Id": "sha256:2"}, "201 Created"), CONTAINER: GONE})
    with fake_engine(table) as fake:
        with workshop(fake).container("sha256:1") as draft:
            assert draft.commit(NAME, config, "a comment") == "sha256:2"
        ((target, body),) = [(target, body) for _, target, body in fake.requests if target.startswith("/commit")]
    assert json.loads(body) == config
    assert target == (
        f"/commit?container=runnerkit-dind-image-{MARK}&repo=registry.example%3A5000%2Fci%2Fdind&tag=1"
        "&comment=a+comment&pause=false"
    )


def test_an_answer_without_an_image_is_no_success() -> None:
    table = Answers({**CREATED, "/commit": answer({}), CONTAINER: GONE})
    with contextlib.ExitStack() as stack:
        draft = stack.enter_context(workshop(stack.enter_context(fake_engine(table))).container("sha256:1"))
        with pytest.raises(EngineError, match="names none"):
            draft.commit(NAME, {}, "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (NAME, "registry.example:5000"),
        ("registry.example/dind:1", "registry.example"),
        ("localhost/dind:1", "localhost"),
        ("[fd00::4]:5000/dind:1", "[fd00::4]:5000"),
        ("me/dind:1", "docker.io"),
        ("dind:1", "docker.io"),
    ],
)
def test_the_registry_of_a_name(name: str, expected: str) -> None:
    assert smoke_image.registry_of(name) == expected


@pytest.mark.parametrize(
    ("digests", "name", "expected"),
    [
        pytest.param(["registry.example:5000/ci/dind@sha256:1"], NAME, ["sha256:1"], id="its own repository"),
        pytest.param(["other/ci/dind@sha256:1"], NAME, [], id="another one"),
        pytest.param(["docker@sha256:1"], "docker.io/library/docker:1", ["sha256:1"], id="Docker Hub by its full name"),
        pytest.param(None, NAME, [], id="none"),
        pytest.param(["odd"], NAME, [], id="no digest"),
    ],
)
def test_the_digests_of_an_image(digests: Any, name: str, expected: list[str]) -> None:
    assert engine_side.repository_digests({"RepoDigests": digests}, name) == expected
