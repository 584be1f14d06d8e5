# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The GitLab stand-in as tests use it: in this process for unit tests, in the lab's container for scenarios."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import ssl
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.lab import certificates
from tests.lab.certificates import Certificates
from tests.lab.files.gitlab_standin.server import Server, tls


class LabGitLab:
    """One instance of a stand-in that runs somewhere: `url` is the server's address, `space` the instance's name."""

    def __init__(self, url: str, ca: str, space: str) -> None:
        self.server = url.rstrip("/")
        self.ca = ca
        self.space = space
        context = ssl.create_default_context(cadata=ca)
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    @property
    def url(self) -> str:
        """What stands in config.toml and in gitlab_runner_url."""
        return f"{self.server}/{self.space}"

    @property
    def admin_token(self) -> str:
        """An administrator's, scope api."""
        return f"glpat-lab-{self.space}"

    @property
    def runner_token(self) -> str:
        """Scopes create_runner and manage_runner only: enough to create runners and to keep them in step."""
        return f"glpat-runner-{self.space}"

    @property
    def read_token(self) -> str:
        """Scope read_api only."""
        return f"glpat-read-{self.space}"

    @property
    def user_token(self) -> str:
        """Scope api, but nobody's administrator: no instance runners, no /runners/all."""
        return f"glpat-user-{self.space}"

    @property
    def registration_token(self) -> str:
        """The instance's, for the old workflow; with -group or -project behind it, those of group and group/project."""
        return f"GR1348941lab-{self.space}"

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], Any]:
        """(status, headers, body) of a plain call below the instance; JSON is read."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            request.add_header(name, value)
        try:
            with self._opener.open(request, timeout=60) as response:
                status, found, content = response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                status, found, content = error.code, error.headers, error.read()
        is_json = found.get("Content-Type", "").startswith("application/json")
        return status, dict(found.items()), json.loads(content) if is_json and content else content.decode()

    def _lab(self, method: str, path: str, body: Any = None) -> Any:
        status, _headers, answer = self.call(method, f"/lab{path}", body)
        if status >= 400:
            raise ValueError(f"The stand-in refuses {method} {path}: {answer}")
        return answer

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers to an administrator; a refusal is an error."""
        status, _headers, answer = self.call(method, f"/api/v4{path}", body, {"PRIVATE-TOKEN": self.admin_token})
        if status >= 400:
            raise ValueError(f"GitLab refuses {method} {path}: {status} {answer}")
        return answer

    def state(self) -> dict[str, Any]:
        """Everything that the instance knows, except tokens."""
        state: dict[str, Any] = self._lab("GET", "/state")
        return state

    def runners(self) -> list[dict[str, Any]]:
        """The runners with all attributes, notes and managers."""
        rows: list[dict[str, Any]] = self.state()["runners"]
        return rows

    def requests(self, method: str = "", path: str = "") -> list[dict[str, Any]]:
        """The requests seen, in order; METHOD and a part of the PATH choose among them."""
        rows = self.state()["requests"]
        return [row for row in rows if method in ("", row["method"]) and path in row["path"]]

    def queue(
        self, script: Sequence[str], *, image: Any = None, services: Sequence[Any] = (), tags: Sequence[str] = (),
        variables: Mapping[str, str] | None = None, **more: Any,
    ) -> int:  # fmt: skip
        """Queue a job of group/project; its id. IMAGE and SERVICES are names, or what .gitlab-ci.yml may say.

        With `repository=True` its runner fetches the sources, which needs git, or a helper image that has it.
        """
        job = {
            "script": list(script), "image": image, "services": list(services), "tags": list(tags),
            "variables": dict(variables or {}), **more,
        }  # fmt: skip
        return int(self._lab("POST", "/jobs", job)["id"])

    def job(self, number: int) -> dict[str, Any]:
        """One job: status, failure_reason, exit_code, trace, runner_id, ..."""
        found: dict[str, Any] = self._lab("GET", f"/jobs/{number}")
        return found

    def finished(self, number: int, timeout: float = 120) -> dict[str, Any]:
        """The job once it has ended; the last of it when it has not within TIMEOUT seconds."""
        return self.wait_for(lambda: self.job(number), lambda job: job["finished_at"] is not None, timeout)

    def wait_for(
        self, look: Callable[[], dict[str, Any]], done: Callable[[dict[str, Any]], bool], timeout: float = 60
    ) -> dict[str, Any]:
        """Look until something holds."""
        deadline = time.monotonic() + timeout
        while True:
            found = look()
            if done(found) or time.monotonic() > deadline:
                return found
            time.sleep(0.2)

    def cancel(self, number: int) -> None:
        """As a user does in the web interface."""
        self._lab("POST", f"/jobs/{number}/cancel")

    def fault(self, path: str = "", **what: Any) -> None:
        """Cause trouble for calls whose path (/api/v4/...) the regular expression is found in.

        method, times (1; None: always), skip, status, body, headers, content_type, delay, drop ("before" or "after"
        GitLab acted), act (do it all the same).
        """
        self._lab("POST", "/faults", {"faults": [{"path": path, **what}]})

    def end_faults(self) -> None:
        """A good day again."""
        self._lab("DELETE", "/faults")

    def settings(self, **what: Any) -> dict[str, Any]:
        """Set what an administrator may: version, registration_allowed, token_lifetime, legacy_prefix, ..."""
        found: dict[str, Any] = self._lab("POST", "/settings", what)
        return found

    def secrets(self) -> list[str]:
        """Every token that was ever given out, for tests that look for leaks."""
        found: list[str] = self._lab("GET", "/secrets")
        return found

    def reset(self) -> None:
        """As on the first day."""
        self._lab("POST", "/reset")


@functools.cache
def _certificates() -> Certificates:
    """One CA for all stand-ins of this process."""
    folder = tempfile.mkdtemp(prefix="runnerkit-gitlab-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return certificates.ensure(Path(folder), ["IP:127.0.0.1", "DNS:localhost"])


class GitLabStandIn(LabGitLab):
    """A stand-in on the loopback of this machine: `with GitLabStandIn() as gitlab: ...`.

    `elsewhere(space)` is another instance on the same server.
    """

    def __init__(self, space: str = "unit", plain: bool = False) -> None:
        files = _certificates()
        context = None if plain else tls(str(files.server), str(files.server_key))
        self._server = Server(("127.0.0.1", 0), context)
        self.ca_file = files.ca
        scheme = "http" if plain else "https"
        super().__init__(f"{scheme}://127.0.0.1:{self._server.server_port}", files.ca.read_text(), space)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> GitLabStandIn:
        self._thread.start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._server.stop()
        self._thread.join()

    def elsewhere(self, space: str) -> LabGitLab:
        """Another instance of the same server."""
        return LabGitLab(self.server, self.ca, space)
