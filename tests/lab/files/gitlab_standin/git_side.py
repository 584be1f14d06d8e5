"""What git asks for: every project is a repository with one commit, spoken as GitLab speaks it (smart HTTP only).

The dumb protocol, files below a URL, would be less to write, but a runner fetches with `--depth`, and git refuses that
there.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import re
import secrets
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from .state import Job, Space
from .wire import Answer, Call, RefusalError

PROJECT = r"/(.+)\.git"
SERVICE = "git-upload-pack"
USER = "gitlab-ci-token"
CONTENT = b"lab project\n"
_WHO = b"runnerkit lab <lab@localhost> 1600000000 +0000"  # always the same, so that the commit is
_BRANCH = re.compile(r"(?!.*(\.\.|//|/\.|\.lock$))[A-Za-z0-9_]([A-Za-z0-9._/-]{0,200}[A-Za-z0-9_-])?")
_KINDS = {"commit": 1, "tree": 2, "blob": 3}
_FLUSH = b"0000"
_CAPABILITIES = "shallow no-progress agent=git/lab"


def _named(kind: str, data: bytes) -> str:
    """The name of an object: its hash."""
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data).hexdigest()


_TREE = b"100644 README.md\0" + bytes.fromhex(_named("blob", CONTENT))
_COMMIT = (
    b"tree " + _named("tree", _TREE).encode() + b"\nauthor " + _WHO + b"\ncommitter " + _WHO + b"\n\nThe only commit\n"
)
SHA = _named("commit", _COMMIT)


def _entry(kind: str, data: bytes) -> bytes:
    """An object in a pack: kind and length in groups of seven bits, of which the first has but four for the length."""
    rest = len(data) >> 4
    head = [_KINDS[kind] << 4 | len(data) & 15]
    while rest:
        head[-1] |= 128
        head.append(rest & 127)
        rest >>= 7
    return bytes(head) + zlib.compress(data)


def pack() -> bytes:
    """All there is, as git sends it."""
    entries = [_entry("commit", _COMMIT), _entry("tree", _TREE), _entry("blob", CONTENT)]
    body = b"PACK" + struct.pack(">LL", 2, len(entries)) + b"".join(entries)
    return body + hashlib.sha1(body).digest()


def _line(text: str) -> bytes:
    return f"{len(text) + 5:04x}{text}\n".encode()


def _lines(body: bytes) -> Iterator[str]:
    """The lines of a request; the empty one is the mark between its parts."""
    position = 0
    while position < len(body):
        try:
            size = int(body[position : position + 4], 16)
        except ValueError:
            size = -1
        if size != 0 and not 4 <= size <= len(body) - position:
            raise _plain(400, "the request is not in git's form")
        yield body[position + 4 : position + size].decode(errors="replace").rstrip("\n") if size else ""
        position += size or 4


def is_branch(name: Any) -> bool:
    """Whether git takes it for the name of a branch; some that git takes do not pass."""
    return isinstance(name, str) and _BRANCH.fullmatch(name) is not None


def _authenticate(space: Space, call: Call, path: str) -> Job:
    """The running job of that project whose token came along: with anything else git gets to know nothing."""
    kind, _, given = call.header("Authorization").partition(" ")
    try:
        user, _, token = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        user, token = "", ""
    if kind.lower() == "basic" and user == USER:
        for job in space.jobs.values():
            fits = job.running and job.project_id == space.projects.get(path)
            if fits and secrets.compare_digest(job.token.encode(), token.encode()):
                return job
    headers = {"WWW-Authenticate": 'Basic realm="GitLab"'}
    raise _plain(401, "HTTP Basic: Access denied", headers)


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> RefusalError:
    """Words that git shows to its user."""
    refusal = RefusalError(status, f"{text}\n", headers)
    refusal.answer.content_type = "text/plain; charset=utf-8"
    return refusal


def refs(space: Space, call: Call, path: str) -> Answer:
    """GET info/refs: which branches there are."""
    if call.query.get("service") != SERVICE:
        raise _plain(403, "You are not allowed to push here, and there is no dumb protocol.")
    job = _authenticate(space, call, path)
    body = _line(f"# service={SERVICE}") + _FLUSH
    body += _line(f"{SHA} HEAD\0{_CAPABILITIES} symref=HEAD:refs/heads/{job.ref}")
    body += _line(f"{SHA} refs/heads/{job.ref}") + _FLUSH
    return _answer("advertisement", body)


def upload_pack(space: Space, call: Call, path: str) -> Answer:
    """POST git-upload-pack: the commit. With --depth git asks twice: where history ends, and then for the pack."""
    _authenticate(space, call, path)
    try:
        asked = gzip.decompress(call.body) if call.header("Content-Encoding") == "gzip" else call.body
    except (OSError, EOFError, zlib.error):
        raise _plain(400, "the request is not in git's form") from None
    lines = list(_lines(asked))
    if f"want {SHA}" not in [line[: 5 + len(SHA)] for line in lines]:
        raise _plain(400, "upload-pack: not our ref")
    wanted = lines.index("") if "" in lines else len(lines)
    body = _FLUSH if any(line.startswith("deepen") for line in lines[:wanted]) else b""
    body += _line("NAK") * lines[wanted + 1 :].count("")  # whatever git says it has, it gets all
    if "done" in lines:
        body += _line("NAK") + pack()
    return _answer("result", body)


def _answer(what: str, body: bytes) -> Answer:
    return Answer(200, body, {"Cache-Control": "no-cache"}, f"application/x-{SERVICE}-{what}")


ROUTES = (
    ("GET", PROJECT + r"/info/refs", refs),
    ("POST", PROJECT + r"/git-upload-pack", upload_pack),
)
