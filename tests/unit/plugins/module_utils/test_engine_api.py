# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.runnerkit.gitlab.plugins.module_utils import engine_api
from ansible_collections.runnerkit.gitlab.plugins.module_utils.engine_api import Engine, EngineError
from tests.unit.plugins.module_utils.fake_engine import answer, chunked, fake_engine, socket_folder

VERSION = {"Version": "20.10.5+dfsg1", "ApiVersion": "1.41"}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        pytest.param(answer(VERSION), VERSION, id="a plain answer is its JSON"),
        pytest.param(chunked(VERSION), VERSION, id="a chunked answer is its JSON"),
        pytest.param(answer(b"", "204 No Content"), None, id="an empty answer is None"),
        pytest.param(answer(b"", "304 Not Modified"), None, id="not modified is no error"),
        pytest.param(answer(b"\n"), None, id="a blank answer is None"),
        pytest.param(
            b'HTTP/1.0 200 OK\r\n\r\n{"a": 1}',
            {"a": 1},
            id="without a length the answer lasts until the connection ends",
        ),
    ],
)
def test_an_answer_is_read(response: bytes, expected: Any) -> None:
    with fake_engine({"/version": response}) as fake:
        assert Engine(fake.path).get("/version") == expected


@pytest.mark.parametrize(
    ("response", "kind", "status", "message"),
    [
        pytest.param(
            answer({"message": "driver failed"}, "500 Internal Server Error"),
            "http",
            500,
            "was answered 500: driver failed",
            id="a 500 carries the engine's own words",
        ),
        pytest.param(
            answer(b"<html>\nbad gateway", "502 Bad Gateway"), "http", 502, "502: <html>", id="a 502 of a proxy"
        ),
        pytest.param(answer(b"", "400 Bad Request"), "http", 400, "400: Bad Request", id="an error without a body"),
        pytest.param(answer(["x"], "409 Conflict"), "http", 409, '409: ["x"]', id="an error in an odd shape"),
        pytest.param(
            answer({"message": "a\x1b]0;b\x07\n\t\x9b31mc \u202ed"}, "500 No"),
            "http",
            500,
            "was answered 500: a?]0;b? ?31mc ?d",
            id="a message that means the terminal",
        ),
        pytest.param(
            answer(b"a\x1b[31mb", "500 No"), "http", 500, "500: a?[31mb", id="no JSON, and it means the terminal"
        ),
        pytest.param(answer(b"", "500 \x1b[31mNo"), "http", 500, "500: ?[31mNo", id="a reason that means the terminal"),
        pytest.param(answer({"message": "x" * 2500}, "500 No"), "http", 500, "500: " + "x" * 2000, id="at length"),
        pytest.param(answer({"message": {"a": "\x1b"}}, "500 No"), "http", 500, "500: {'a':", id="no text in it"),
        pytest.param(answer(b"[" * 9999, "500 No"), "http", 500, "500: [[[", id="an error of many brackets"),
        pytest.param(answer(b"{nonsense"), "protocol", None, "is not JSON", id="a body that is not JSON"),
        pytest.param(answer(b"\xff\xfe"), "protocol", None, "is not JSON", id="a body that is not text"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "protocol", None, "Engine API", id="another protocol"),
        pytest.param(b"\x00\x01\x02" * 50, "protocol", None, "Engine API", id="garbage"),
        pytest.param(b"", "protocol", None, "Engine API", id="a connection closed without a word"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", "protocol", None, "Engine API", id="a body cut short"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
            "protocol",
            None,
            "Engine API",
            id="a chunk of no size",
        ),
        pytest.param(None, "timeout", None, "no answer within 0.2 s", id="an engine that hangs"),
    ],
)
def test_a_bad_answer_is_an_engine_error(response: bytes | None, kind: str, status: int | None, message: str) -> None:
    with fake_engine({"/version": response}) as fake:
        with pytest.raises(EngineError) as caught:
            Engine(fake.path, timeout=0.2).get("/version")
        assert (caught.value.kind, caught.value.status) == (kind, status)
        assert message in caught.value.message
        assert fake.path in caught.value.message or "JSON" in caught.value.message
        assert caught.value.message.isprintable()
        assert str(caught.value) == caught.value.message
        assert len(caught.value.message) < 2200


def test_the_timeout_bounds_the_whole_exchange_and_not_each_byte() -> None:
    with fake_engine({"/version": answer(VERSION)}, pause=0.05) as fake:
        started = time.monotonic()
        with pytest.raises(EngineError) as caught:
            Engine(fake.path, timeout=0.3).get("/version")
    assert caught.value.kind == "timeout"
    assert time.monotonic() - started < 1


def test_one_call_may_have_a_timeout_of_its_own() -> None:
    with fake_engine({"/version": None}) as fake:
        started = time.monotonic()
        with pytest.raises(EngineError, match=r"within 0\.1 s"):
            Engine(fake.path, timeout=30).get("/version", timeout=0.1)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("form", [answer, chunked], ids=["of a known length", "in chunks"])
def test_a_large_answer_is_read_in_parts(monkeypatch: pytest.MonkeyPatch, form: Callable[[Any], bytes]) -> None:
    # Python 3.9 fills a buffer of the size that is asked for, whatever comes: 32 MiB take it 17 ms.
    asked: list[int] = []
    read = http.client.HTTPResponse.read

    def spy(self: http.client.HTTPResponse, amount: int) -> bytes:
        asked.append(amount)
        return read(self, amount)

    monkeypatch.setattr(http.client.HTTPResponse, "read", spy)
    value = "x" * 200_000
    with fake_engine({"/large": form(value)}) as fake:
        assert Engine(fake.path).get("/large") == value
    assert len(asked) > 3
    assert max(asked) <= 65536


def test_an_answer_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_api, "MAX_BODY_BYTES", 10)
    with fake_engine({"/version": answer(VERSION)}) as fake, pytest.raises(EngineError, match="exceeds 10 bytes"):
        Engine(fake.path).get("/version")


@contextmanager
def _nothing(_path: str) -> Iterator[None]:
    yield


@contextmanager
def _stale(path: str) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
    yield


@contextmanager
def _plain_file(path: str) -> Iterator[None]:
    Path(path).write_text("")
    yield


@contextmanager
def _full_queue(path: str) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as waiting:
            waiting.connect(path)
            yield


@pytest.mark.parametrize(
    ("prepare", "kind", "message"),
    [
        pytest.param(_nothing, "absent", "does not exist; start the engine", id="no socket"),
        pytest.param(_stale, "refused", "nothing listens on it", id="the socket of a dead daemon"),
        pytest.param(_plain_file, "refused", "nothing listens on it", id="a plain file"),
        pytest.param(_full_queue, "timeout", "no answer within", id="a daemon that accepts no more connections"),
    ],
)
def test_a_socket_that_cannot_be_used(prepare: Callable[[str], Any], kind: str, message: str) -> None:
    with socket_folder() as folder:
        path = str(folder / "docker.sock")
        with prepare(path), pytest.raises(EngineError, match=message) as caught:
            Engine(path, timeout=0.2).get("/version")
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("/dev/null/docker.sock", "absent", id="a path below a file"),
        pytest.param("/" + "x" * 200, "io", id="a path too long for a socket"),
    ],
)
def test_an_impossible_path_is_an_engine_error(path: str, kind: str) -> None:
    with pytest.raises(EngineError) as caught:
        Engine(path, timeout=0.2).get("/version")
    assert caught.value.kind == kind


def test_a_socket_without_permission_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may open every socket, so the refusal is played.
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(engine_api._DeadlineSocket, "connect", refuse)
    with pytest.raises(EngineError, match="may not be opened by this user; become root") as caught:
        Engine("/run/docker.sock").get("/version")
    assert caught.value.kind == "permission"


@pytest.mark.parametrize(
    ("query", "target"),
    [
        pytest.param(None, "/containers/json", id="no query"),
        pytest.param({"all": True, "limit": 3}, "/containers/json?all=true&limit=3", id="switches and numbers"),
        pytest.param(
            {"filters": {"label": ["a=b"]}},
            "/containers/json?filters=%7B%22label%22%3A+%5B%22a%3Db%22%5D%7D",
            id="filters are JSON",
        ),
        pytest.param({"name": "a b&c"}, "/containers/json?name=a+b%26c", id="text is quoted"),
    ],
)
def test_a_query_is_encoded_as_the_engine_reads_it(query: dict[str, Any] | None, target: str) -> None:
    with fake_engine({"/containers/json": answer([])}) as fake:
        Engine(fake.path).get("/containers/json", query=query)
        assert fake.requests == [("GET", target, b"")]


def test_post_sends_json_and_delete_sends_nothing() -> None:
    table = {"/containers/create": answer({"Id": "c0"}, "201 Created"), "/containers/c0": answer(b"", "204 No Content")}
    with fake_engine(table) as fake:
        engine = Engine(fake.path)
        assert engine.post("/containers/create", {"Image": "x"}, query={"name": "n"}) == {"Id": "c0"}
        assert engine.delete("/containers/c0", query={"force": True}) is None
        assert fake.requests == [
            ("POST", "/containers/create?name=n", json.dumps({"Image": "x"}).encode()),
            ("DELETE", "/containers/c0?force=true", b""),
        ]


def test_post_sends_bytes_as_they_are() -> None:
    archive = os.urandom(300_000)
    with fake_engine({"/images/create": answer({"status": "ok"})}) as fake:
        Engine(fake.path).post("/images/create", archive, query={"fromSrc": "-"})
        assert fake.requests[0][2] == archive


def test_a_response_gives_status_headers_and_raw_body() -> None:
    with fake_engine({"/_ping": answer(b"OK")}) as fake:
        response = Engine(fake.path).request("GET", "/_ping")
    assert (response.status, response.headers["server"], response.body) == (200, "Fake", b"OK")


def test_a_file_is_sent_from_where_it_stands_and_an_answer_written_to_one(tmp_path: Path) -> None:
    source, sink = tmp_path / "source", tmp_path / "sink"
    source.write_bytes(b"skipped" + b"x" * 100_000)
    with fake_engine({"/images/load": answer({"fine": True})}) as fake:
        with source.open("rb") as body, sink.open("wb") as target:
            body.seek(len("skipped"))
            answered = Engine(fake.path).request("POST", "/images/load", body=body, sink=target)
        assert fake.requests == [("POST", "/images/load", b"x" * 100_000)]
    assert (answered.body, json.loads(sink.read_text())) == (b"", {"fine": True})


def test_a_refusal_is_not_written_to_a_file(tmp_path: Path) -> None:
    refusal = answer({"message": "no such image"}, "404 Not Found")
    sink = tmp_path / "sink"
    with fake_engine({"/images/x/get": refusal}) as fake, sink.open("wb") as target:
        engine = Engine(fake.path)
        with pytest.raises(EngineError, match="no such image"):
            engine.request("GET", "/images/x/get", sink=target)
    assert sink.read_bytes() == b""


def test_headers_go_along() -> None:
    with fake_engine({"/images/x/push": answer(b"")}) as fake:
        Engine(fake.path).request("POST", "/images/x/push", body={"a": 1}, headers={"X-Registry-Auth": "e30="})
        (headers,) = fake.headers
    assert (headers["x-registry-auth"], headers["content-type"]) == ("e30=", "application/json")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            b'{"status":"a"}\r\n{"aux":{"Digest":"d"}}\r\n', [{"status": "a"}, {"aux": {"Digest": "d"}}], id="two"
        ),
        pytest.param(b"", [], id="nothing"),
        pytest.param(b'not JSON\n["list"]\n{"error":""}\n', [{"error": ""}], id="odd lines are left out"),
    ],
)
def test_a_stream_of_messages_is_read(body: bytes, expected: list[dict[str, Any]]) -> None:
    assert engine_api.EngineResponse(200, {}, body).messages() == expected


def test_a_stream_that_ends_with_an_error_is_one() -> None:
    with pytest.raises(EngineError) as caught:
        engine_api.EngineResponse(200, {}, b'{"status":"a"}\n{"errorDetail":{},"error":"no\\u0007pe"}\n').messages()
    assert (caught.value.kind, caught.value.message) == ("io", "no?pe")
