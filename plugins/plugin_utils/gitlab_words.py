# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""What GitLab's answers mean, in words for people, and without a token in them."""

from __future__ import annotations

import email.utils
import json
import re
import ssl
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import printable

MASK = "********"
LONGEST_WAIT = 60.0
# What a runner tries again as well (its network/retry_requester.go); 501 and 505 to 511 will not get better.
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})
# glrt-, glrtr-, glpat-, gldt- and the like, and registration tokens.
_TOKEN = re.compile(r"\b(?:gl[a-z]{2,8}-|GR1348941)[\w.~+/=-]{4,}")
_USERINFO = re.compile(r"([a-z][a-z0-9+.-]*://)[^/?#\s]*@", re.IGNORECASE)

_KINDS = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "missing",
    409: "conflict",
    410: "gone",
    412: "conflict",
    422: "invalid",
    429: "too_many",
}
# By these a token is held to be invalid, or a runner to be gone. What stands between says them as well: a firewall that
# lets DELETE not through, a proxy that knows no such page.
_VERDICTS = frozenset({403, 404, 410})
_SCOPES = (
    "gitlab_runner_api_token needs the scopes create_runner and manage_runner, or api, and its user has to be "
    "administrator for instance runners, owner of the group, or maintainer of the project"
)
_REMEDIES = {
    "invalid": "correct the value that it names",
    "unauthorized": "give a gitlab_runner_api_token that is neither expired nor revoked",
    "forbidden": _SCOPES,
    "missing": "check gitlab_runner_url, and the id or path that is meant",
    "conflict": "somebody else changed it at the same time, so run again",
    "gone": "it was switched off there for good, so use scope with gitlab_runner_api_token, or give a glrt- token",
    "too_many": "run again later, or for fewer hosts at once",
    "server": "look into GitLab's logs, and run again when it is well",
    "redirect": "use the address that it redirects to as gitlab_runner_url",
    "foreign": "check gitlab_runner_url, gitlab_runner_proxy, and what stands between the controller and GitLab",
}


class GitLabError(Exception):
    """Something that GitLab did not do.

    KIND is a word for programs, STATUS the HTTP status if GitLab itself gave an answer. RETRIABLE: may be asked again
    as it is. DROPPED: the request went out and no answer came back. DONE_PERHAPS: GitLab may have done it all the same.
    WAIT: the seconds that GitLab asks for.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        status: int | None = None,
        *,
        retriable: bool = False,
        dropped: bool = False,
        wait: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retriable = retriable
        self.dropped = dropped
        self.wait = wait

    @property
    def repeatable(self) -> bool:
        """Whether what does nothing twice may be asked again. A wrong page, or wrong TLS, stays what it is."""
        return self.retriable or (self.dropped and self.kind in ("timeout", "connection"))

    @property
    def away(self) -> bool:
        """Whether GitLab cannot be asked at present, which says nothing on what was asked for."""
        return self.kind in ("server", "too_many", "timeout", "connection", "dns", "proxy") or self.status == 408

    @property
    def done_perhaps(self) -> bool:
        """Whether GitLab may have done what it was asked, although it did not say so."""
        return self.dropped or self.kind == "server" or self.status == 408

    def but(self, more: str) -> GitLabError:
        """The same, with more to say."""
        return GitLabError(
            self.kind,
            f"{self.message}; {more}",
            self.status,
            retriable=self.retriable,
            dropped=self.dropped,
            wait=self.wait,
        )


def scrub(text: str, secrets: Collection[str] = ()) -> str:
    """TEXT on one line without SECRETS, without what looks like a token, and without passwords in URLs."""
    for secret in sorted((secret for secret in secrets if secret), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return printable(_USERINFO.sub(rf"\g<1>{MASK}@", _TOKEN.sub(MASK, text)))


def of_status(
    url: str,
    purpose: str,
    status: int,
    *,
    body: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
    remedies: Mapping[int, str] | None = None,
    secrets: Collection[str] = (),
) -> GitLabError:
    """What an answer other than the hoped-for one means. REMEDIES (by status) go before the usual ones."""
    headers = headers or {}
    if 300 <= status < 400:
        target = scrub(str(headers.get("Location", "another address")), secrets)
        message = f"GitLab at {url} redirects to {target} when asked to {purpose}; {_REMEDIES['redirect']}"
        return GitLabError("redirect", message, status)
    if status in _VERDICTS and _answer(body) is None:
        return foreign(url, purpose, status, dropped=False)
    kind = _KINDS.get(status, "server" if status >= 500 else "invalid")
    said = scrub(_said(body), secrets)[:300].strip().rstrip(".")
    said = f" ({said})" if said else ""
    remedy = (remedies or {}).get(status, _REMEDIES[kind])
    return GitLabError(
        kind,
        f"GitLab at {url} answers {status}{said} when asked to {purpose}; {remedy}",
        status,
        retriable=status in _RETRIED or status >= 512,
        wait=_wanted_wait(headers),
    )


def _said(body: bytes | str | None) -> str:
    """What GitLab says in the body of an error: {message}, {error, error_description} or {message: {field: [...]}}."""
    answer = _answer(body) or {}
    parts = [answer.get(key) for key in ("message", "error", "error_description")]
    return ", ".join(filter(None, map(_flat, parts)))


def _answer(body: bytes | str | None) -> Mapping[str, Any] | None:
    """The JSON of an error; None for what GitLab's API does not say, as the page of some proxy."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    return answer if isinstance(answer, Mapping) else None


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_flat(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_flat, value))
    return "" if value is None else str(value)


def _wanted_wait(headers: Mapping[str, str]) -> float:
    """The seconds to wait by RateLimit-ResetTime (a date), or by Retry-After, as a runner reads them; 0 without."""
    try:
        until = email.utils.parsedate_to_datetime(headers.get("RateLimit-ResetTime", ""))
        seconds = (until if until.tzinfo else until.replace(tzinfo=UTC)) - datetime.now(UTC)
        if seconds.total_seconds() > 0:
            return min(seconds.total_seconds(), LONGEST_WAIT)
    except (TypeError, ValueError):
        pass
    asked = str(headers.get("Retry-After", "")).strip()
    return min(float(asked), LONGEST_WAIT) if asked.isascii() and asked.isdigit() else 0.0


def foreign(url: str, purpose: str, status: int, dropped: bool = True) -> GitLabError:
    """An answer that GitLab's API does not give, such as the page of a proxy or of a log-in."""
    return GitLabError(
        "foreign",
        f"what answers at {url} when asked to {purpose} is not GitLab's API (status {status}, no JSON of the wanted "
        f"form); {_REMEDIES['foreign']}",
        dropped=dropped,
    )


def of_exception(url: str, purpose: str, error: BaseException) -> GitLabError:
    """What a connection's failure means. The texts of the libraries are left out where they may hold anything."""
    chain = list(_chain(error))
    before = f"cannot {purpose}: "
    certificate = next((each for each in chain if isinstance(each, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return GitLabError("tls", before + _certificate(url, certificate))
    for kinds, kind, dropped, words in _failures():
        if any(isinstance(each, kinds) for each in chain):
            return GitLabError(kind, f"{before}{words.format(url=url)}", dropped=dropped)
    return GitLabError(
        "url", f"{before}the address {scrub(url)} cannot be used ({type(error).__name__}); correct gitlab_runner_url"
    )


_NETWORK = "check gitlab_runner_url, gitlab_runner_proxy, the proxy variables of the controller, and its network"


def _failures() -> list[tuple[tuple[type[BaseException], ...], str, bool, str]]:
    """(exceptions, kind, whether GitLab may have got the request, words).

    The first that fits counts: urllib3 calls a refused connection a kind of timeout.
    """
    import urllib3.exceptions as low
    from requests import exceptions as high

    again = _REMEDIES["server"]
    cut = "{url} cut the connection without an answer; " + again
    proxy = (
        "the proxy did not let the controller through to {url}; check gitlab_runner_proxy, or HTTPS_PROXY, HTTP_PROXY "
        "and NO_PROXY of the controller"
    )
    tls = (
        "TLS with {url} failed; check that gitlab_runner_url and gitlab_runner_proxy begin with the right one of "
        "http:// and https://, and that GitLab speaks TLS 1.2 or newer"
    )
    unreachable = "{url} cannot be connected to"
    return [
        ((high.ProxyError,), "proxy", False, proxy),
        ((ssl.SSLEOFError, ssl.SSLZeroReturnError), "connection", True, cut),
        ((high.SSLError, ssl.SSLError), "tls", True, tls),
        ((low.NameResolutionError,), "dns", False, "no address is found for {url}; check gitlab_runner_url and DNS"),
        ((low.NewConnectionError, ConnectionRefusedError), "connection", False, f"{unreachable}; {_NETWORK}"),
        ((high.ConnectTimeout, low.ConnectTimeoutError), "timeout", False, f"{unreachable} in time; {_NETWORK}"),
        ((high.Timeout, low.ReadTimeoutError), "timeout", True, "GitLab at {url} did not answer in time; " + again),
        ((high.ConnectionError, high.ChunkedEncodingError), "connection", True, cut),
    ]


def _certificate(url: str, error: BaseException) -> str:
    reason = printable(str(getattr(error, "verify_message", "") or "not valid"))
    if "mismatch" in reason or "not valid for" in reason:
        remedy = "use a name that stands in the certificate in gitlab_runner_url"
    elif "expired" in reason or "not yet valid" in reason:
        remedy = "renew the certificate, or set the controller's clock"
    else:
        remedy = "give the CA that signed it as gitlab_runner_ca"
    return f"the certificate of {url} is not trusted ({reason}); {remedy}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """ERROR and what led to it, the way requests and urllib3 nest their errors."""
    queue: list[Any] = [error]
    seen: set[int] = set()
    while queue:
        each = queue.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        queue += [getattr(each, "reason", None), each.__cause__, each.__context__, *each.args]
