# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The controller's connection to GitLab: whom it trusts and by which way it goes.

Certificates are always verified: against the controller's own trust store, the bundle that requests brings, the files
that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE name, and the given CA. Redirects are not followed, as they would take tokens
to whatever address they name. ~/.netrc is not read.
"""

from __future__ import annotations

import functools
import os
import ssl
from typing import TYPE_CHECKING, Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.gitlab_words import GitLabError

if TYPE_CHECKING:
    import requests


_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def trust(ca: str | None) -> ssl.SSLContext:
    """A context that verifies. CA is the text of a PEM file, or the path of one."""
    bundles = tuple((variable, os.environ.get(variable, "")) for variable in _BUNDLES)
    return _context((*bundles, ("gitlab_runner_ca", ca or "")))


@functools.lru_cache(maxsize=4)
def _context(more: tuple[tuple[str, str], ...]) -> ssl.SSLContext:
    """Made once: reading all those certificates takes a tenth of a second."""
    import requests

    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, requests.utils.DEFAULT_CA_BUNDLE_PATH, "the bundle of requests")
    for variable, ca in more:
        if ca.strip():
            _load(context, ca, variable)
    return context


def _load(context: ssl.SSLContext, ca: str, variable: str) -> None:
    """Add the certificates of a PEM text, a file or a folder."""
    problem = None
    try:
        if "-----BEGIN" in ca:
            # People write comments between certificates, in their own letters; PEM itself is ASCII.
            context.load_verify_locations(cadata=ca.encode("ascii", "ignore").decode())
        else:
            path = os.path.expanduser(ca.strip())
            context.load_verify_locations(**{"capath" if os.path.isdir(path) else "cafile": path})
    except (ssl.SSLError, ValueError):
        problem = "no certificate in the form of PEM"
    except OSError as error:
        problem = f"{error.strerror} ({ca.strip()!r})"
    # Outside of the handler: what failed may quote the text.
    if problem:
        raise GitLabError("ca", f"{variable} cannot be used: {problem}; give the text of a PEM file, or its path")


def make(url: str, ca: str | None, proxy: str | None, heard: list[requests.Response]) -> requests.Session:
    """A session for URL. Each answer's head goes to HEARD, since python-gitlab's errors do not carry it."""
    import requests
    from requests.adapters import HTTPAdapter

    context = trust(ca)

    class Adapter(HTTPAdapter):
        """Connections by the one context, also through a proxy."""

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 (requests' names)
            conn.cert_reqs = "CERT_REQUIRED"

        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, ssl_context=context)

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            return super().proxy_manager_for(proxy, **kwargs, ssl_context=context, proxy_ssl_context=context)

    class Session(requests.Session):
        """A session that stays where it was sent."""

        def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 (requests' name)
            return None

    session = Session()
    # The environment's proxies would go before a given one, and ~/.netrc would add a password.
    session.trust_env = False
    session.proxies = {"http": proxy, "https": proxy} if proxy else requests.utils.get_environ_proxies(url)
    session.mount("https://", Adapter())
    session.hooks["response"] = [lambda answer, *_, **__: heard.append(answer)]
    return session
