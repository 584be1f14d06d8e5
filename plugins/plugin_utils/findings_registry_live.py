# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Rules about what registries answered to the host, with the trust that its engine has in them."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.engine_proxy import proxy_to
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.findings_registry_trust import (
    REGISTRIES,
    RUN,
    certificates_of,
)
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.host_state import Host
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_state import NO_WAY, Check
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.registry_trouble import Trouble
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.report_shape import listed
from ansible_collections.runnerkit.gitlab.plugins.plugin_utils.untrusted import mapping, texts

# Those who renew by themselves have done it before.
_RENEWED_BY = datetime.timedelta(days=7)
_MANY_NAMES = 6
# Without a CA it cannot be another one; and a folder that lacks a key is one that the engine refuses.
_EXPLAINED_BY = {
    "registry_other_ca": {"registry_ca_missing"},
    "registry_ca_unreadable": {"registry_client_key_missing"},
}
# Statuses of HTTP that say nothing about who answers.
_TOO_OFTEN, _IN_TROUBLE = 429, 500
# Engines that are told not to look at certificates do not mind these.
_INSECURE = (
    "plain_http", "other_ca", "name_mismatch", "server_expired", "server_not_yet_valid", "ca_expired",
    "ca_not_yet_valid", "unfit",
)  # fmt: skip


def find_answers(host: Host, told: Sequence[Trouble] = ()) -> Iterator[Trouble]:
    """What is wrong with the answers; TOLD is what was said of certificates that lie on the host."""
    for check in host.registries.checks:
        proxy = proxy_to(host.docker, check.host)
        if proxy is not None and (check.ok or not check.reached):
            yield _proxied(check, proxy)
        if check.ok:
            yield from _by_store(host, check)
            yield from _renewal(host, check)
            continue
        if proxy is not None and not check.reached:
            continue
        trouble = _said(host, check)
        before = {each.id for each in told if each.about.lower() == check.host}
        known = trouble.id in before or bool(_EXPLAINED_BY.get(trouble.id, set()) & before)
        if known:
            continue
        if _insecure(host, check):
            trouble = _taken_all_the_same(trouble)
        # What lies on the host is the same whichever way the engine goes.
        yield trouble if proxy is None or check.kind == "trust_unreadable" else _seen_directly(trouble, proxy)


def _proxied(check: Check, proxy: str) -> Trouble:
    """Nobody asked the registry on the way that the engine takes."""
    direct = "it answers to the host itself" if check.ok else NO_WAY[check.kind]
    return _trouble(
        "registry_proxied", check, "note",
        f"{direct}, but the engine goes there through its proxy {proxy}, and that way was not tried",
        "see that the proxy lets it there (a pull shows it), or name the registry in NO_PROXY of "
        "docker_engine_environment where the engine should go there itself",
        proxy=proxy,
    )  # fmt: skip


def _seen_directly(trouble: Trouble, proxy: str) -> Trouble:
    """The engine may see another server than the host does; so that it breaks is not known."""
    return Trouble(
        trouble.id, "degraded" if trouble.severity == "broken" else trouble.severity, trouble.about,
        f"{trouble.says}; seen without the engine's proxy {proxy}, which may lead elsewhere",
        {**trouble.evidence, "proxy": proxy}, trouble.fix,
    )  # fmt: skip


def _said(host: Host, check: Check) -> Trouble:
    """What a kind of answer means."""
    if not check.reached:
        return _trouble(
            "registry_unreachable", check, "degraded", NO_WAY[check.kind],
            "see that name, port and firewall let this host at the registry; one that is gone is taken out of "
            f"{REGISTRIES}",
        )  # fmt: skip
    if check.kind == "other_ca":
        return _other_ca(host, check)
    if check.kind == "client_refused":
        return _client_refused(host, check)
    rule = _KINDS.get(check.kind)
    if rule is not None:
        return rule(check)
    return Trouble(
        "unknown", "unknown", check.host, f"it could not be found out how it answers: {check.detail or 'no reason'}",
        _evidence(check), "mend what is said there and look again (playbooks/audit.yml)",
    )  # fmt: skip


def _plain_http(check: Check) -> Trouble:
    return _trouble(
        "registry_plain_http", check, "broken", "it answers plain HTTP, and the engine speaks TLS with it",
        "let the registry speak TLS; insecure-registries in docker_engine_daemon_config would do without, and so trust "
        "whatever anybody puts in its place",
    )  # fmt: skip


def _other_ca(host: Host, check: Check) -> Trouble:
    trusted = host.registries.trusted("engine", check.host)
    issuer = check.issuer or "an authority that is not known"
    if not trusted:
        there = "there is no CA for it on the host"
    elif any(each.subject == check.issuer for each in trusted):
        there = "the CA that is there for it has the same name and another key"
    else:
        there = f"what is there for it is {certificates_of(trusted)}"
    if check.issuer and check.issuer == check.subject:
        says = f"it shows a certificate that it signed itself ({check.subject}), and {there}"
    else:
        says = f"its certificate is signed by {issuer}, and {there}"
    return _trouble(
        "registry_other_ca", check, "broken", says,
        f"give the CA that signed it as ca in {REGISTRIES} (beside the old one as long as both are in use) and {RUN}; "
        "where its signer is an intermediate, the registry has to send its chain",
        trusted=[each.subject for each in trusted],
    )  # fmt: skip


def _name_mismatch(check: Check) -> Trouble:
    shown = [*check.names[:_MANY_NAMES], *(["others"] if len(check.names) > _MANY_NAMES else [])]
    for_whom = f"is for {listed(shown)}" if shown else "has no subject alternative name (a common name does not count)"
    return _trouble(
        "registry_name_mismatch", check, "broken", f"its certificate {for_whom}, and not for this address",
        f"name the registry in images and in {REGISTRIES} as its certificate does, or have this address put into the "
        "certificate as a subject alternative name",
    )  # fmt: skip


def _by_store(host: Host, check: Check) -> Iterator[Trouble]:
    """It works here, by another trust than that which was put there for it."""
    trusted = host.registries.trusted("engine", check.host)
    if not check.by_store or not trusted:
        return
    # What dind services get is all that they have.
    nested = bool(host.registries.trusted("dind", check.host))
    says = "; the daemons of dind services do not have that store" if nested else ""
    yield _trouble(
        "registry_other_ca", check, "degraded" if nested else "note",
        f"it is trusted by the OS store, and not by the CA that is there for it ({certificates_of(trusted)}){says}",
        f"give the CA that signs its certificate today as ca in {REGISTRIES} and {RUN}",
    )  # fmt: skip


def _unfit(check: Check) -> Trouble:
    return _trouble(
        "registry_certificate_unfit", check, "broken",
        check.detail or "its certificate cannot be used, and no reason is known",
        "let the registry have a new certificate, for servers (extended key usage serverAuth), signed with SHA-256 by "
        "a CA that may sign one, and with keys of today's length",
    )  # fmt: skip


def _ca_early(check: Check) -> Trouble:
    return _trouble(
        "registry_ca_not_yet_valid", check, "broken", "the CA that signed its certificate is not valid yet",
        "see that the clocks of host and registry are right, or wait",
    )  # fmt: skip


def _server_expired(check: Check) -> Trouble:
    return _trouble(
        "registry_server_expired", check, "broken",
        f"the certificate that it shows expired{_on(check)}", "renew the certificate of the registry; no setting of "
        "this host mends that",
    )  # fmt: skip


def _server_early(check: Check) -> Trouble:
    return _trouble(
        "registry_server_not_yet_valid", check, "broken", "the certificate that it shows is not valid yet",
        "see that the clocks of host and registry are right, or wait",
    )  # fmt: skip


def _ca_expired(check: Check) -> Trouble:
    return _trouble(
        "registry_ca_expired", check, "broken", "the CA that signed its certificate has expired",
        f"give the new CA as ca in {REGISTRIES} and {RUN}, and let the registry show a certificate of it",
    )  # fmt: skip


def _client_wanted(check: Check) -> Trouble:
    return _trouble(
        "registry_client_wanted", check, "broken",
        "it wants to see a certificate of its clients, and the host has none to show",
        f"give client_cert and client_key in {REGISTRIES} and {RUN}",
    )  # fmt: skip


def _client_refused(host: Host, check: Check) -> Trouble:
    shown = [each for each in host.registries.clients if (each.host or "").lower() == check.host]
    which = f" ({certificates_of(shown)})" if shown else ""
    return _trouble(
        "registry_client_refused", check, "broken", f"it refuses the client certificate that the host shows{which}",
        f"give a pair that the registry's own CA for clients signed as client_cert and client_key in {REGISTRIES} and "
        f"{RUN}",
    )  # fmt: skip


def _trust_unreadable(check: Check) -> Trouble:
    return _trouble(
        "registry_ca_unreadable", check, "broken",
        f"what is there for it cannot be used: {check.detail or 'no reason is known'}",
        f"give ca, client_cert and client_key anew in {REGISTRIES} and {RUN}",
    )  # fmt: skip


def _protocol(check: Check) -> Trouble:
    return _trouble(
        "registry_protocol", check, "broken",
        f"host and registry do not come to terms about TLS: {check.detail or 'no reason is known'}",
        "let the registry speak TLS 1.2 or newer, and see that nothing in between answers for it",
    )  # fmt: skip


def _not_a_registry(check: Check) -> Trouble:
    status = f" (GET /v2/ gave {check.status})" if check.status else ""
    if check.status == _TOO_OFTEN or (check.status or 0) >= _IN_TROUBLE:
        return _trouble(
            "registry_not_a_registry", check, "degraded", f"what answers there is overloaded or in trouble{status}",
            "look at the registry and at what stands before it, and look again (playbooks/audit.yml)",
        )  # fmt: skip
    return _trouble(
        "registry_not_a_registry", check, "degraded", f"what answers there is no registry{status}",
        f"see that host and port in {REGISTRIES} are those of the registry, and that no proxy answers in its place",
    )  # fmt: skip


_KINDS = {
    "plain_http": _plain_http, "name_mismatch": _name_mismatch, "server_expired": _server_expired,
    "server_not_yet_valid": _server_early, "ca_expired": _ca_expired, "client_wanted": _client_wanted,
    "ca_not_yet_valid": _ca_early, "unfit": _unfit,
    "trust_unreadable": _trust_unreadable, "protocol": _protocol, "not_a_registry": _not_a_registry,
}  # fmt: skip


def _renewal(host: Host, check: Check) -> Iterator[Trouble]:
    """Whoever renews a registry's certificate by hand forgets it."""
    if check.not_after and host.now <= check.not_after < host.now + _RENEWED_BY:
        yield _trouble(
            "registry_server_expires_soon", check, "note", f"the certificate that it shows expires{_on(check)}",
            "see that it is renewed before that",
        )  # fmt: skip


def _on(check: Check) -> str:
    return f" on {check.not_after.date().isoformat()}" if check.not_after else ""


def _trouble(ident: str, check: Check, severity: str, says: str, fix: str, **more: Any) -> Trouble:
    return Trouble(ident, severity, check.host, says, {**_evidence(check), **more}, fix)


def _evidence(check: Check) -> dict[str, Any]:
    return {
        "answer": check.kind or None, "detail": check.detail or None, "address": check.address,
        "subject": check.subject or None, "issuer": check.issuer or None, "names": list(check.names) or None,
        "not_after": f"{check.not_after:%Y-%m-%dT%H:%M:%SZ}" if check.not_after else None,
        "tls_version": check.tls_version, "status": check.status, "trust": "store" if check.by_store else None,
    }  # fmt: skip


def _taken_all_the_same(trouble: Trouble) -> Trouble:
    return Trouble(
        trouble.id, "risk", trouble.about,
        f"{trouble.says}; the engine takes it all the same, as its insecure-registries say, and so would take anybody "
        "in its place",
        {**trouble.evidence, "docker.daemon_config": "insecure-registries"}, trouble.fix,
    )  # fmt: skip


def _insecure(host: Host, check: Check) -> bool:
    """Whether the engine was told not to look at its certificate, by its name or its network."""
    if check.kind not in _INSECURE:
        return False
    named = (
        *texts(host.docker.get("insecure_registries")),
        *texts(mapping(host.docker.get("daemon_config")).get("insecure-registries")),
    )
    return any(each.lower() == check.host or _covers(each, check) for each in named)


def _covers(network: str, check: Check) -> bool:
    for place in (check.address or "", check.host):
        # 10.0.0.4:5000, [fd00::4]:5000
        name = place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]
        try:
            if ipaddress.ip_address(name) in ipaddress.ip_network(network, strict=False):
                return True
        except (ValueError, TypeError):
            continue
    return False
