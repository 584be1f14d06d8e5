# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about the certificates that lie on a host for registries: whether they can do what they are there for."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.module_utils import registry_paths
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_state import Certificate, Problem
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_trouble import Trouble, worst_of
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import entries, mapping, text

REGISTRIES, GITLAB = "registry_ca_registries", "registry_ca_gitlab"
RUN = "run playbooks/site.yml (role registry_ca)"
_STORES = {"debian": registry_paths.DEBIAN_UPDATE, "redhat": registry_paths.REDHAT_UPDATE}
_FORBIDDEN = ("ermission denied", "not permitted")
_TOO_MANY = "was not looked at"


def find_trust(host: Host) -> Iterator[Trouble]:
    """What is wrong with authorities, with certificates of clients, with files and with the OS store."""
    troubles = [trouble for each in host.registries.authorities for trouble in _authority(host, each)]
    # Where a certificate is alone counts; that it has company elsewhere is no news then.
    yield from worst_of(troubles, "sha256")
    for each in host.registries.clients:
        yield from _client(host, each)
    for problem in host.registries.problems:
        yield from _unreadable(host, problem)
    yield from _store(host)


def _authority(host: Host, each: Certificate) -> Iterator[Trouble]:
    now, days = host.now, host.ca_days
    if each.expired(now):
        yield _ended(host, each)
    elif each.early(now):
        begins = each.not_before.date().isoformat() if each.not_before else ""
        yield _trouble(
            "registry_ca_not_yet_valid", host, each, _others(host, each, lambda other: other.valid(now)), "broken",
            f"the CA {each.subject} is not valid before {begins}",
            "see that the host's clock is right; until then let the CA that is valid now stand beside it as ca in "
            f"{_variable(each)}",
        )  # fmt: skip
    elif each.ends_within(days, now):
        yield _soon(host, each)
    if not each.ca and not each.expired(now):
        yield _no_authority(host, each)


def _ended(host: Host, each: Certificate) -> Trouble:
    covered = _others(host, each, lambda other: other.valid(host.now))
    if covered:
        said = "; another one that is valid is there beside it"
        fix = f"take the old one out of ca in {_variable(each)} once no server shows a certificate of it any more"
    else:
        said, fix = ", so that nothing that it signed is trusted any more", _renew(each)
    return _trouble(
        "registry_ca_expired",
        host,
        each,
        covered,
        "broken",
        f"the CA {each.subject} expired on {each.until}{said}",
        fix,
    )


def _soon(host: Host, each: Certificate) -> Trouble:
    lasting = _others(host, each, lambda other: other.valid(host.now) and not other.ends_within(host.ca_days, host.now))
    said = "; another one that lasts longer is there beside it" if lasting else ""
    return _trouble(
        "registry_ca_expires_soon", host, each, lasting, "degraded",
        f"the CA {each.subject} expires on {each.until}, {_days(host, each)}{said}",
        f"see that servers show certificates of the new CA by then, and take the old one out of ca in {_variable(each)}"
        if lasting
        else _renew(each),
    )  # fmt: skip


def _no_authority(host: Host, each: Certificate) -> Trouble:
    if each.self_signed:
        return Trouble(
            "registry_ca_not_authority", "note", each.about,
            f"{each.subject} is the server's own certificate, which signs no other: whenever the server gets a new "
            "one, it has to be put here as well",
            _evidence(each),
            "nothing; a CA that signs the server's certificates would spare that",
        )  # fmt: skip
    return _trouble(
        "registry_ca_not_authority", host, each, _others(host, each, lambda other: other.ca), "broken",
        f"{each.subject} is no CA but a server's certificate, signed by {each.issuer}: clients refuse it as a CA, or "
        "take it only until the server gets a new one",
        f"give the certificate of {each.issuer} as ca in {_variable(each)} and {RUN}",
    )  # fmt: skip


def _others(host: Host, each: Certificate, good: Callable[[Certificate], bool]) -> bool:
    """Whether a better one is beside it, wherever it lies: then the two are an exchange under way."""
    name = each.name if each.kind == "gitlab" else each.host
    return bool(each.layers) and all(
        any(
            other.sha256 != each.sha256
            and layer in other.layers
            and (other.name if each.kind == "gitlab" else other.host) == name
            # A store has the authorities of many; only one of the same name is there in place of another.
            and (layer not in ("os", "helper") or other.subject == each.subject)
            and good(other)
            for other in host.registries.authorities
        )
        for layer in each.layers
    )


def _trouble(ident: str, host: Host, each: Certificate, covered: bool, severity: str, says: str, fix: str) -> Trouble:
    """As bad as SEVERITY only where nothing makes up for it, and somebody needs it."""
    if covered or not _needed(host, each):
        severity = "note"
    elif severity == "broken" and (each.kind not in ("registry", "gitlab") or host.registries.works(each)):
        # A store has others beside it; and what was seen to work is not broken.
        severity = "degraded"
    return Trouble(ident, severity, each.about, says, _evidence(each), fix)


def _needed(host: Host, each: Certificate) -> bool:
    """Old files of others lie about in stores, and harm nobody."""
    if each.kind == "registry" or each.managed:
        return True
    return each.kind == "gitlab" and each.name in servers(host)


def servers(host: Host) -> set[str]:
    """The files' names under which the runner looks for the authorities of its servers."""
    found = set()
    for runner in entries(mapping(host.facts.get("gitlab_runner")).get("runners")):
        url = text(mapping(runner).get("url")) or ""
        try:
            address = urllib.parse.urlsplit(url).netloc.rpartition("@")[2]
        except ValueError:
            continue
        if address:
            found.add(registry_paths.name_of(address))
    return found


def _client(host: Host, each: Certificate) -> Iterator[Trouble]:
    def trouble(ident: str, severity: str, says: str, fix: str) -> Trouble:
        works = severity == "broken" and host.registries.works(each)
        return Trouble(ident, "degraded" if works else severity, each.about, says, _evidence(each), fix)

    new = f"give a new pair as client_cert and client_key in {REGISTRIES} and {RUN}"
    if not each.key:
        yield trouble(
            "registry_client_key_missing", "broken",
            f"there is a client certificate without its key, {registry_paths.KEY}, and the engine refuses to talk to a "
            "registry then",
            f"give client_cert and client_key in {REGISTRIES} and {RUN}, or take {registry_paths.CERT} away",
        )  # fmt: skip
    if each.expired(host.now):
        yield trouble(
            "registry_client_expired", "broken", f"the client certificate {each.subject} expired on {each.until}", new
        )
    elif each.early(host.now):
        begins = each.not_before.date().isoformat() if each.not_before else ""
        yield trouble(
            "registry_client_not_yet_valid", "broken",
            f"the client certificate {each.subject} is not valid before {begins}",
            f"see that the host's clock is right, or {new}",
        )  # fmt: skip
    elif each.ends_within(host.ca_days, host.now):
        yield trouble(
            "registry_client_expires_soon", "degraded",
            f"the client certificate {each.subject} expires on {each.until}, {_days(host, each)}", new,
        )  # fmt: skip


def _unreadable(host: Host, problem: Problem) -> Iterator[Trouble]:
    if any(problem.path in each.paths and not each.key for each in host.registries.clients):
        # That its key is missing is told of it as a client.
        return
    # Whoever may not look at a file knows nothing about it.
    if any(said in problem.error for said in (*_FORBIDDEN, _TOO_MANY)):
        severity = "unknown"
    elif problem.certificates or problem.path == registry_paths.RECORD:
        severity = "degraded"
    else:
        severity = "broken" if problem.registry or problem.path in host.registries.managed else "note"
    yield Trouble(
        "registry_ca_unreadable", severity, problem.registry or problem.path,
        f"{problem.path}: {problem.error}" if problem.registry else problem.error,
        {"paths": [problem.path], "error": problem.error, "certificates": problem.certificates},
        "run playbooks/audit.yml against it as root"
        if any(said in problem.error for said in _FORBIDDEN)
        else f"mend or remove that file; what is declared in {REGISTRIES} is written anew by role registry_ca",
    )  # fmt: skip


def _store(host: Host) -> Iterator[Trouble]:
    if host.registries.store_current is not False:
        return
    program = _STORES.get(host.registries.store or "", "its update program")
    anchors = [each for each in host.registries.authorities if "os" in each.layers]
    yield Trouble(
        "registry_ca_store_stale", "broken", "the OS store",
        "certificates that were put there are not in its bundle, so that no program trusts them",
        {
            "store": host.registries.store, "store_current": False,
            "subject": [each.subject for each in anchors], "paths": [path for each in anchors for path in each.paths],
        },
        f"run {program} on the host, or playbooks/site.yml: role registry_ca runs it where that was left undone",
    )  # fmt: skip


def _evidence(each: Certificate) -> dict[str, Any]:
    return {
        "layers": list(each.layers), "subject": each.subject, "issuer": each.issuer,
        "not_before": _iso(each, "not_before"), "not_after": _iso(each, "not_after"), "sha256": each.sha256 or None,
        "paths": list(each.paths),
    }  # fmt: skip


def _iso(each: Certificate, name: str) -> str | None:
    time = getattr(each, name)
    return f"{time:%Y-%m-%dT%H:%M:%SZ}" if time else None


def _days(host: Host, each: Certificate) -> str:
    left = (each.not_after - host.now).days if each.not_after else 0
    return "within a day" if left < 1 else f"in {left} day{'' if left == 1 else 's'}"


def _variable(each: Certificate) -> str:
    return GITLAB if each.kind == "gitlab" else REGISTRIES


def _renew(each: Certificate) -> str:
    by_hand = "" if each.managed else "; or replace the file by hand, where nobody declares it"
    return (
        f"give the new CA as ca in {_variable(each)}, beside the old one as long as a server shows certificates of "
        f"that, and {RUN}{by_hand}"
    )


def certificates_of(many: Iterable[Certificate]) -> str:
    """Whom they name, each once."""
    return " and ".join(dict.fromkeys(each.subject for each in many))
