"""GitLab's API as the runner uses it."""

from __future__ import annotations

import email.utils
import json
import platform
import secrets
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .config import DEFAULT_PATH, certificate_folder, get, system_id
from .version import VERSION

ATTEMPTS = 5
RETRIED = {408, 429, 500, 502, 503, 504}
TIMEOUT = 60.0


Headers = Any  # a mapping that does not mind the case of names


class Answer(NamedTuple):
    """Status (-1: no usable answer), headers and body."""

    status: int
    headers: Headers
    data: Any
    error: str = ""


def _wait(headers: Headers, attempt: int) -> float:
    reset = headers.get("RateLimit-ResetTime")
    if reset:
        parsed = email.utils.parsedate_tz(reset)
        left = email.utils.mktime_tz(parsed) - time.time() if parsed else 0.0
        if left > 0:
            return min(left, 60.0)
    after = headers.get("Retry-After", "")
    if after.isdigit() and int(after) > 0:
        return min(float(after), 60.0)
    return min(float(0.1 * 2**attempt), 60.0)


class GitLab:
    """One server, as one [[runners]] entry reaches it."""

    def __init__(
        self, runner: Mapping[str, Any], config_path: str = DEFAULT_PATH, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.base = str(get(runner, "url") or "").rstrip("/").removesuffix("/ci") + "/api/v4"
        self.runner = runner
        self.token = str(get(runner, "token") or "")
        self.config_path = config_path
        self._sleep = sleep
        self._opener: urllib.request.OpenerDirector | None = None

    def _certificate(self, key: str, ending: str) -> str | None:
        given = get(self.runner, key)
        if given:
            return str(given)
        # As the real one takes it: all before the first colon, so nothing sensible of an IPv6 address.
        host = urllib.parse.urlsplit(self.base).netloc.partition(":")[0]
        path = certificate_folder() / f"{host}{ending}"
        return str(path) if path.exists() else None

    def _open(self, request: urllib.request.Request) -> Any:
        if self._opener is None:
            context = ssl.create_default_context()
            authority = self._certificate("tls-ca-file", ".crt")
            if authority:
                context.load_verify_locations(authority)
            own, key = self._certificate("tls-cert-file", ".auth.crt"), self._certificate("tls-key-file", ".auth.key")
            if own and key:
                context.load_cert_chain(own, key)
            self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
        return self._opener.open(request, timeout=TIMEOUT)

    def _once(self, request: urllib.request.Request) -> tuple[int, Headers, bytes, str]:
        try:
            with self._open(request) as answer:
                return answer.status, answer.headers, answer.read(), ""
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read(), str(error.reason)
        except (OSError, ValueError) as error:
            return -1, {}, b"", str(getattr(error, "reason", None) or error)

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """One call with the retries of the real runner."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        machine = f"{platform.system().lower()}/amd64"
        request = urllib.request.Request(
            self.base + path,
            data=data,
            method=method,
            headers={
                "User-Agent": f"gitlab-runner {VERSION} (lab; python; {machine})",
                "X-Request-Id": secrets.token_hex(16),
                "Accept": "application/json",
                **({} if data is None else {"Content-Type": "application/json"}),
                **headers,
            },
        )
        for attempt in range(ATTEMPTS):
            status, found, content, reason = self._once(request)
            retried = status in RETRIED or status >= 512
            if not retried or attempt == ATTEMPTS - 1:
                break
            self._sleep(_wait(found, attempt))
        parsed = None
        if content and found.get("Content-Type", "").partition(";")[0] == "application/json":
            try:
                parsed = json.loads(content)
            except ValueError:
                status, reason = -1, "the answer is not JSON"
        elif content and status in (200, 201) and method == "POST":
            status, reason = -1, f"the answer has the type {found.get('Content-Type')}, not application/json"
        return Answer(status, found, parsed, reason)

    def _authenticated(self, method: str, path: str, **more: Any) -> Answer:
        return self.call(method, path, {"token": self.token, **more}, {"RUNNER-TOKEN": self.token})

    def info(self) -> dict[str, Any]:
        executor = str(get(self.runner, "executor") or "")
        features = ("variables", "image", "services", "masking", "cancelable", "trace_reset", "trace_checksum")
        told = {"name": "gitlab-runner", "version": VERSION, "revision": "lab", "platform": "linux"}
        about = {**told, "architecture": "amd64", "executor": executor, "shell": "bash" if executor else ""}
        found: dict[str, Any] = {key: value for key, value in about.items() if value}
        return {**found, "features": dict.fromkeys(features, True), "config": {}}

    def register(self, token: str, **attributes: Any) -> Answer:
        kept = {key: value for key, value in attributes.items() if value or isinstance(value, bool)}
        return self.call("POST", "/runners", {"token": token, "info": GitLab({}).info(), **kept})

    def verify(self) -> Answer:
        return self._authenticated("POST", "/runners/verify", info=self.info(), system_id=system_id(self.config_path))

    def unregister(self) -> Answer:
        if self.token.startswith("glrt-"):
            return self._authenticated("DELETE", "/runners/managers", system_id=system_id(self.config_path))
        return self._authenticated("DELETE", "/runners")

    def reset_token(self) -> Answer:
        return self._authenticated("POST", "/runners/reset_authentication_token")

    def request_job(self, last_update: str) -> Answer:
        more = {"last_update": last_update} if last_update else {}
        return self._authenticated(
            "POST", "/jobs/request", info=self.info(), system_id=system_id(self.config_path), **more
        )

    def update_job(self, job: int, token: str, **state: Any) -> Answer:
        return self.call("PUT", f"/jobs/{job}", {"token": token, "info": self.info(), **state}, {"JOB-TOKEN": token})

    def patch_trace(self, job: int, token: str, data: bytes, start: int) -> Answer:
        headers = {
            "JOB-TOKEN": token,
            "Content-Type": "text/plain",
            "Content-Range": f"{start}-{start + len(data) - 1}",
        }
        return self.call("PATCH", f"/jobs/{job}/trace?debug_trace=false", data, headers)
