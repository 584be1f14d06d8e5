# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import base64
import contextlib
import io
import json
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import smoke_image
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from ansible_collections.runnerkit.gitlab.plugins.module_utils.smoke_image import Images, names_in, saved, split
from tests.unit.plugins.module_utils.fake_engine import answer, chunked, fake_engine
from tests.unit.plugins.module_utils.probe_world import FakeJanitor
from tests.unit.plugins.module_utils.smoke_world import ABSENT, GONE, Answers, deleted

IMAGE = "docker:28-cli"
KNOWN = answer({"Id": "sha256:1"})


def write_archive(path: Path, names: Sequence[str], compressed: bool = False) -> str:
    content = json.dumps([{"Config": "c", "RepoTags": list(names)}]).encode()
    with tarfile.open(path, "w:gz" if compressed else "w") as archive:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return str(path)


def bring(
    answers: dict[str, bytes | None], archive: str | None = None, pull: bool = False, seconds: float = 5.0
) -> tuple[str, list[str]]:
    """(how the image came, what was removed afterwards)."""
    with fake_engine(Answers(answers)) as fake:
        with contextlib.ExitStack() as stack:
            images = Images(FakeJanitor(), stack, archive, pull)
            how = images.bring(Engine(fake.path), IMAGE, time.monotonic() + seconds)
        return how, deleted(fake.requests)


def test_what_is_there_is_left_alone() -> None:
    assert bring({"/images/docker:28-cli/json": KNOWN}) == (f"{IMAGE} is on the host", [])


def test_a_pulled_image_stays() -> None:
    assert bring({"/images/create": answer(b'{"status":"Pulling"}\r\n{"status":"done"}\r\n')}, pull=True) == (
        f"{IMAGE} was pulled",
        [],
    )


@pytest.mark.parametrize(
    ("registry", "sent"),
    [
        pytest.param("docker.io", {"username": "me", "password": "word"}, id="the registry of the image"),
        pytest.param("other.example", None, id="nobody else hears of it"),
    ],
)
def test_a_pull_takes_the_login_of_its_registry_along(registry: str, sent: dict[str, str] | None) -> None:
    answers = Answers({"/images/create": answer(b'{"status":"done"}\r\n')})
    with fake_engine(answers) as fake, contextlib.ExitStack() as stack:
        images = Images(FakeJanitor(), stack, None, pull=True)
        images.bring(Engine(fake.path), IMAGE, time.monotonic() + 5, {registry: ("me", "word")})
        header = fake.headers[-1].get("x-registry-auth")
    assert (json.loads(base64.urlsafe_b64decode(header)) if header else None) == sent


REFUSED = "Get https://x/v2/: dial tcp: lookup x: no such host"


@pytest.mark.parametrize(
    ("answers", "pull", "kind", "message"),
    [
        pytest.param(
            {}, False, "missing",
            f"the image {IMAGE} is not on this host and pull is false; set pull, give archive, or load it",
            id="nothing may be pulled",
        ),
        pytest.param(
            {"/images/create": answer({"message": REFUSED}, "500 Internal Server Error")}, True, "http",
            f"the image {IMAGE} could not be pulled: {REFUSED}; the engine does not reach the registry; give a "
            "mirror's image, or an archive, or load the image beforehand",
            id="a registry that does not exist",
        ),
        pytest.param(
            {"/images/create": answer(b'{"status":"x"}\n{"error":"x509: unknown authority"}\n')}, True, "io",
            f"the image {IMAGE} could not be pulled: x509: unknown authority; the engine does not trust the registry; "
            "give its CA to the engine in /etc/docker/certs.d",
            id="half-way, in the stream",
        ),
        pytest.param(
            {"/images/create": answer({"message": "manifest unknown"}, "404 Not Found")}, True, "http",
            f"the image {IMAGE} could not be pulled: manifest unknown; look at the name, and at the login "
            "(gitlab_runner_registry_auth); where that is a helper, pull the image",
            id="no such image",
        ),
        pytest.param(
            {"/images/create": answer({"message": "no basic auth credentials"}, "500 Internal Server Error")}, True,
            "http",
            f"the image {IMAGE} could not be pulled: no basic auth credentials; look at the name, and at the login "
            "(gitlab_runner_registry_auth); where that is a helper, pull the image",
            id="a registry that asks for a login",
        ),
        pytest.param(
            {"/images/create": None}, True, "timeout",
            f"the image {IMAGE} could not be pulled within 0.3 s; give a longer timeout", id="a slow registry",
        ),
    ],
)  # fmt: skip
def test_an_image_that_cannot_be_had_says_why(
    answers: dict[str, bytes | None], pull: bool, kind: str, message: str
) -> None:
    with pytest.raises(EngineError) as caught:
        bring(answers, pull=pull, seconds=0.3 if None in answers.values() else 5.0)
    assert (caught.value.kind, caught.value.message) == (kind, message)


class Loading(Answers):
    """An engine that has the image once an archive was loaded."""

    def get(self, path: Any, default: Any = None) -> Any:
        if path == "/images/load":
            self["/images/docker:28-cli/json"] = KNOWN
        return super().get(path, default)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_a_loaded_image_goes_afterwards(tmp_path: Path, compressed: bool) -> None:
    archive = write_archive(tmp_path / "a.tar", ["library/other:1", IMAGE], compressed)
    janitor = FakeJanitor()
    with fake_engine(Loading({"/images/load": answer({"stream": "Loaded"}), "/images/[^/]*": GONE})) as fake:
        with contextlib.ExitStack() as stack:
            Images(janitor, stack, archive, pull=False).bring(Engine(fake.path), IMAGE, time.monotonic() + 5)
        assert deleted(fake.requests) == ["/images/docker:28-cli", "/images/library/other:1"]
        sent = next(body for _, target, body in fake.requests if target.startswith("/images/load"))
    assert sent == Path(archive).read_bytes()
    # The janitor knew the names before anything was loaded.
    first = [json.loads(line) for line in janitor.lines]
    assert [entry.get("delete") for entry in first[:2]] == ["/images/library/other:1", "/images/docker:28-cli"]


@pytest.mark.parametrize(
    ("names", "answers", "message"),
    [
        pytest.param(
            ["docker:27-cli"], {},
            "the archive {} does not hold docker:28-cli but docker:27-cli; give image, or save it",
            id="another image",
        ),
        pytest.param(
            [], {}, "the archive {} does not hold docker:28-cli but no image with a name; give image, or save it",
            id="an image without a name",
        ),
        pytest.param(
            [IMAGE, "own:1"], {"/images/own:1/json": KNOWN},
            "the archive {} holds own:1 as well, which this host has; save docker:28-cli alone, so that nothing of the "
            "host's is replaced",
            id="an image of the host's",
        ),
        pytest.param(
            [IMAGE], {"/images/load": answer({"errorDetail": {}, "error": "write: no space left on device"})},
            "the archive {} could not be loaded: write: no space left on device; make room on the engine's disk",
            id="a full disk",
        ),
        pytest.param(
            [IMAGE], {"/images/load": answer({"stream": "Loaded"})},
            "the archive {} was loaded, and the engine still has no docker:28-cli", id="an engine that says so only",
        ),
    ],
)  # fmt: skip
def test_an_archive_that_does_not_do_says_why(
    tmp_path: Path, names: list[str], answers: dict[str, bytes | None], message: str
) -> None:
    archive = write_archive(tmp_path / "a.tar", names)
    with pytest.raises(EngineError) as caught:
        bring(answers, archive)
    assert caught.value.message == message.format(archive)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "archive is {}, which does not exist on this host; copy it there", id="none"),
        pytest.param(
            b"no tar", "archive is {}, which is no archive of images; make it with `docker save -o`", id="no tar"
        ),
        pytest.param(b"", "archive is {}, which is no archive of images; make it with `docker save -o`", id="empty"),
    ],
)
def test_what_is_no_archive_is_said_so(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.tar"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EngineError) as caught:
        names_in(str(path))
    assert caught.value.message == message.format(path)


def test_a_copy_for_a_nested_engine_is_of_any_size_and_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke_image, "FOLDER", str(tmp_path))
    monkeypatch.setattr("ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api.MAX_BODY_BYTES", 10)
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(fake_engine({"/images/docker:28-cli/get": chunked("x" * 100, 30)}))
        end = time.monotonic() + 5
        folder = Path(stack.enter_context(saved(Engine(fake.path), FakeJanitor(), IMAGE, end)))
        assert (folder / "image.tar").read_text() == json.dumps("x" * 100)
        assert folder.stat().st_mode & 0o777 == 0o711
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke_image, "FOLDER", str(tmp_path))
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(fake_engine({"/images/docker:28-cli/get": ABSENT}))
        copy = saved(Engine(fake.path), FakeJanitor(), IMAGE, time.monotonic() + 5)
        with pytest.raises(EngineError, match="no such thing"):
            stack.enter_context(copy)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        pytest.param("docker", ("docker", "latest"), id="no tag"),
        pytest.param("reg:5000/docker", ("reg:5000/docker", "latest"), id="a port is no tag"),
        pytest.param("reg:5000/docker:28", ("reg:5000/docker", "28"), id="a tag"),
        pytest.param("docker:28@sha256:ab", ("docker", "sha256:ab"), id="a digest before a tag"),
    ],
)
def test_a_reference_is_split(image: str, parts: tuple[str, str]) -> None:
    assert split(image) == parts
