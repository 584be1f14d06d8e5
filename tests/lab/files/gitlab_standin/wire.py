"""Calls and answers, and how GitLab reads parameters: types, words, and what it says to wrong ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

TRUE = (True, 1, *"1 on On ON t true True TRUE T y yes Yes YES Y".split())
FALSE = (False, 0, *"0 off Off OFF f false False FALSE F n no No NO N".split())


@dataclass
class Call:
    """One request, below the instance's own path."""

    method: str
    path: str
    query: dict[str, Any]
    params: dict[str, Any]
    headers: Message[str, str]
    body: bytes
    client: str
    base: str  # the instance's own address, as this client reaches it

    def header(self, name: str) -> str:
        return str(self.headers.get(name) or "")


@dataclass
class Answer:
    """What goes back. A body that is not text or bytes is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def content(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class RefusalError(Exception):
    """An answer that ends a call early."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.answer = Answer(status, body, dict(headers or {}))


def refuse(status: int, message: Any, headers: Mapping[str, str] | None = None) -> RefusalError:
    """A refusal as Rails words it."""
    return RefusalError(status, {"message": message}, headers)


def forbidden(reason: str = "", headers: Mapping[str, str] | None = None) -> RefusalError:
    return refuse(403, f"403 Forbidden - {reason}" if reason else "403 Forbidden", headers)


def merged(query: str, content_type: str, body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """(query, query and body together), as Rails sees them."""
    found = _pairs(query)
    together = dict(found)
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" and body:
        try:
            read = json.loads(body)
        except ValueError:
            raise RefusalError(400, {"error": "The request body is no valid JSON"}) from None
        if isinstance(read, dict):
            together.update(read)
    elif kind == "application/x-www-form-urlencoded":
        together.update(_pairs(body.decode(errors="replace")))
    return found, together


def _pairs(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name.endswith("[]"):
            found.setdefault(name[:-2], []).append(value)
        else:
            found[name] = value
    return found


@dataclass(frozen=True)
class Param:
    """A parameter that an endpoint knows."""

    name: str
    kind: str = "string"
    required: bool = False
    values: tuple[str, ...] = ()


class _WrongTypeError(ValueError):
    pass


def _coerced(kind: str, value: Any) -> Any:
    if kind == "tags":
        return _tags(value)
    if value is None or (value == "" and kind != "string"):
        return None
    if kind == "boolean":
        if value in TRUE or value in FALSE:
            return value in TRUE
        raise _WrongTypeError
    if kind == "integer":
        if isinstance(value, (bool, float)):
            raise _WrongTypeError
        try:
            return int(value)
        except (TypeError, ValueError):
            raise _WrongTypeError from None
    if isinstance(value, (list, dict)):
        raise _WrongTypeError
    return str(value)


def _tags(value: Any) -> list[str]:
    words = value.split(",") if isinstance(value, str) else value or []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _WrongTypeError
    return list(dict.fromkeys(word.strip() for word in words if word.strip()))


def declared(given: Mapping[str, Any], known: Iterable[Param]) -> dict[str, Any]:
    """The parameters that were given, in their types; unknown ones are ignored, as Rails does."""
    found: dict[str, Any] = {}
    problems = []
    for param in known:
        if param.name not in given:
            if param.required:
                problems.append(f"{param.name} is missing")
            continue
        try:
            value = _coerced(param.kind, given[param.name])
        except _WrongTypeError:
            problems.append(f"{param.name} is invalid")
            continue
        if param.values and value not in param.values:
            problems.append(f"{param.name} does not have a valid value")
            continue
        found[param.name] = value
    if problems:
        raise RefusalError(400, {"error": ", ".join(problems)})
    return found


def without_blanks(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Creating leaves out what is blank; false is not blank."""
    return {name: value for name, value in attributes.items() if value not in (None, "", [])}
