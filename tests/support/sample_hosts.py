# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""The hosts of the sample report: what is known of each, with versions as real hosts have them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.sample_calls import BOOKWORM, BULLSEYE, BUSTER, TRIXIE, rows

SEVERITIES = ("broken", "unknown", "degraded", "risk", "note")
FACTS = ("os", "kernel", "architecture", "engine", "runc", "libseccomp", "containerd", "podman", "gitlab_runner")
UPGRADE = "run playbooks/site.yml with docker_engine_source and docker_engine_version set to a newer one"
# What each blocked call comes to.
BLOCKED = {
    "faccessat2": ("broken", "images with musl >= 1.2.2 (Alpine >= 3.14) or glibc >= 2.33 break: test -x answers no"),
    "clone3": ("broken", "images with glibc >= 2.34 break: pthread_create: Operation not permitted"),
    "close_range": ("degraded", "GLib based tools report an error"),
    "fchmodat2": ("degraded", "tar and chmod -h fail: Operation not permitted"),
}  # fmt: skip

Dict = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Host:
    """One host of the report."""

    name: str
    facts: dict[str, str | None]
    layers: Sequence[Dict] = ()
    calls: Sequence[Dict] = ()
    cells: Mapping[str, Dict] = dataclasses.field(default_factory=dict)
    findings: Sequence[Dict] = ()
    what_if: Dict | None = None
    predicted: bool = False
    registries: Sequence[Dict] = ()

    def renamed(self, name: str) -> Host:
        """The same host under another name."""
        return dataclasses.replace(self, name=name)

    def cell(self, ident: str) -> Dict:
        """The cell of a column: ready unless something else is known."""
        if ident in self.cells:
            return self.cells[ident]
        # Images here are built on Alpine.
        if "alpine" in ident and "faccessat2" in self.cells:
            return self.cells["faccessat2"]
        if self.predicted:
            return cell("ready", "predicted", [f"host: docker {self.facts['engine']} allows it by upstream's rules"])
        if not self.layers:
            return cell("unknown", "none", ["nothing is known of this host"], "see the finding")
        return cell("ready", "measured", [f"{layer['name']}: allowed" for layer in self.layers])


def facts(*values: str | None) -> dict[str, str | None]:
    return dict(zip(FACTS, values, strict=True))


def layer(name: str, engine: str | None, seconds: float = 0.61, reason: str | None = None) -> Dict:
    return {
        "layer": name.split(maxsplit=1)[0], "name": name, "profile": "default", "reason": reason,
        "state": "unknown" if reason else "measured", "engine": engine, "seconds": seconds,
    }  # fmt: skip


def cell(state: str, kind: str, evidence: list[str], fix: str = "") -> Dict:
    return {"state": state, "kind": kind, "evidence": evidence, "fix": fix}


def finding(ident: str, severity: str, summary: str, evidence: Dict, fix: str, at: str = "host") -> Dict:
    return {
        "id": ident, "layer": at, "severity": severity, "summary": summary,
        "evidence": {"kind": "measured", **evidence}, "fix": fix,
    }  # fmt: skip


def registry(
    name: str, state: str, layers: Sequence[str], until: str, answer: Dict | None, subject: str = "CN=Example CA"
) -> Dict:
    authority = {"subject": subject, "not_after": until, "sha256": "9f86d081" * 8, "layers": list(layers)}
    return {
        "name": name, "state": state, "layers": list(layers), "authorities": [authority], "clients": [],
        "until": until, "answer": answer,
    }  # fmt: skip


def answered(kind: str = "ok", detail: str = "it answers as a registry does") -> Dict:
    return {
        "kind": kind, "detail": detail, "address": "192.0.2.4:5000", "seconds": 0.021, "tls_version": "TLSv1.3",
        "not_after": "2027-06-30T00:00:00Z",
    }  # fmt: skip


def refused() -> Dict:
    return {**answered("refused", "nothing listens on 10.0.0.9:5009"), "tls_version": None, "not_after": None}


EXAMPLE = ("registry.example.com:5000", ("engine", "podman", "dind"))


def blocked(call: str, fix: str, at: str = "host", name: str = "host") -> Dict:
    severity, what = BLOCKED[call]
    return finding(
        f"call_blocked_{call}", severity, f"{call} answers EPERM at layer {name}, so {what}",
        {"layer": name, f"{call}.answer": "EPERM", f"{call}.by": "profile"}, fix, at,
    )  # fmt: skip


def floor(version: str) -> Dict:
    return finding(
        "floor", "broken", f"Docker Engine {version} is older than 20.10.6, the least that GitLab advises",
        {"docker.server_version": version, "docker_engine_minimum_version": "20.10.6"}, UPGRADE,
    )  # fmt: skip


IO_URING = finding(
    "io_uring_blocked", "note", "io_uring is blocked by the default profile; programs fall back to epoll",
    {"host.io_uring_setup": "EPERM"}, "nothing, unless a job needs io_uring; then give that job a profile of its own",
)  # fmt: skip
TRIXIE_FACTS = facts(
    "Debian GNU/Linux 13 (trixie)", "6.12.41", "x86_64", "26.1.5+dfsg1", "1.1.15", "2.6.0", "1.7.24", None, "19.2.0"
)


def every() -> list[Host]:
    return [ready(), stock(), old(), degraded(), nested(), unreachable(), predicted()]


def ready() -> Host:
    return Host(
        "ci-berlin-01", TRIXIE_FACTS, [layer("host", "docker 26.1.5+dfsg1")], rows("host", TRIXIE), findings=[IO_URING]
    )


def stock() -> Host:
    reason = "podman cannot be run as alice: no subordinate user ids; add a line for alice to /etc/subuid"
    differences = ["clone3", "close_range", "process_madvise", "epoll_pwait2"]
    return Host(
        "ci-berlin-02",
        facts(
            "Debian GNU/Linux 11 (bullseye)", "5.10.0-35-amd64", "x86_64", "20.10.5+dfsg1", "1.0.0~rc93", "2.5.1",
            "1.4.13", "3.0.1", "17.11.0",
        ),
        [layer("host", "docker 20.10.5+dfsg1", 0.74), layer("podman (alice)", None, 0.02, reason)],
        rows("host", BULLSEYE),
        findings=[
            floor("20.10.5+dfsg1"),
            finding(
                "unknown", "unknown", f"layer podman (alice) could not be measured: {reason}", {"error": "permission"},
                "add a line for alice to /etc/subuid, then run the audit again", "podman",
            ),
            finding(
                "model_differs", "note", "4 calls answer differently from what the versions say; each has a reason",
                {"differences": differences}, "nothing; the measurement decides",
            ),
        ],
        registries=[
            registry(EXAMPLE[0], "ready", EXAMPLE[1], "2036-01-01T00:00:00Z", answered()),
            registry("the OS store", "ready", ["os"], "2031-05-01T00:00:00Z", None, "CN=Company Root,O=Company"),
        ],
    )  # fmt: skip


def old() -> Host:
    found = {call: blocked(call, UPGRADE) for call in BLOCKED}
    below = floor("19.03.15")
    pinned = finding(
        "image_pinned_workaround", "note",
        "docker:19.03.15-dind-alpine3.13 is pinned to Alpine 3.13, which is no longer rebuilt",
        {"image": "docker:19.03.15-dind-alpine3.13"}, "go back to a maintained tag once the engine is upgraded",
        "pipeline",
    )  # fmt: skip
    refused = finding(
        "api_too_new", "broken",
        "Engine 29.7.2 speaks API 1.44 and newer; docker:19.03.15-dind-alpine3.13 speaks 1.40",
        {"kind": "predicted", "engine.minimum_api": "1.44"},
        "upgrade the image to docker:25.0 or newer along with the engine", "pipeline",
    )  # fmt: skip
    return Host(
        "ci-legacy-01",
        facts(
            "Debian GNU/Linux 10 (buster)", "4.19.0-27-amd64", "x86_64", "19.03.15", "1.0.0-rc10", "2.3.3", "1.3.9",
            None, "15.11.1",
        ),
        [layer("host", "docker 19.03.15", 0.97)],
        rows("host", BUSTER),
        {
            call: cell(severity, "measured", [f"host: {call} EPERM by the profile"], UPGRADE)
            for call, (severity, _) in BLOCKED.items()
        },
        [below, *found.values(), pinned],
        {
            "spec": "docker:29.7.2",
            "assumptions": ["runc stays 1.0.0-rc10 unless it is given", "libseccomp stays 2.3.3, the kernel 4.19.0"],
            "solved": [below, found["clone3"]],
            "brought": [refused, {**IO_URING, "evidence": {"kind": "predicted", "docker": "29.7.2"}}],
            "left": [found["faccessat2"], found["close_range"], found["fchmodat2"], pinned],
        },
    )  # fmt: skip


def degraded() -> Host:
    path = "/etc/docker/seccomp-jobs.json"
    fix = f"take {path} out of daemon.json, or add close_range to it"
    unnamed = ("EPERM", "profile", "allowed", f"the profile {path} does not name close_range")
    unexplained = ("ENOSYS", "profile", "allowed", None)
    return Host(
        "ci-munich-01",
        facts(
            "Ubuntu 24.04.2 LTS", "6.8.0-64-generic", "x86_64", "28.5.2", "1.3.6", "2.5.5", "2.1.9", "4.9.3", "19.2.0"
        ),
        [layer("host", "docker 28.5.2", 0.55), layer("podman (root)", "podman 4.9.3, crun 1.14.1", 0.48)],
        [
            *rows("host", {**TRIXIE, "close_range": unnamed}),
            *rows("podman (root)", {**BOOKWORM, "fchmodat2": unexplained}),
        ],
        {
            "close_range": cell(
                "degraded", "measured",
                ["host: close_range EPERM by the profile", "podman (root): close_range allowed"], fix,
            )
        },
        [
            blocked("close_range", fix),
            finding(
                "seccomp_profile_custom", "note", f"daemon.json sets a seccomp profile: {path}",
                {"docker.seccomp_profile": path}, "compare it with the default profile of each new engine",
            ),
            finding(
                "seccomp_workaround", "risk",
                "the seccomp workaround is in force: unlisted calls get SECCOMP_RET_TRACE, so a process that traces "
                "another one can let it make them",
                {"profile.defaultAction": "SCMP_ACT_TRACE"},
                "upgrade the engine, then set docker_engine_seccomp_workaround to false",
            ),
            finding(
                "registry_ca_expires_soon", "degraded",
                f"{EXAMPLE[0]}: the CA CN=Example CA expires on 2026-12-04, in 12 days",
                {"registries": [EXAMPLE[0]], "not_after": "2026-12-04T07:30:00Z"},
                "give the new CA as ca in registry_ca_registries, beside the old one", "registry",
            ),
        ],
        registries=[
            registry(EXAMPLE[0], "degraded", EXAMPLE[1], "2026-12-04T07:30:00Z", answered()),
            registry("10.0.0.9:5009", "degraded", ["engine"], "2036-01-01T00:00:00Z", refused()),
        ],
    )  # fmt: skip


def nested() -> Host:
    name = "dind (docker:19.03-dind)"
    fix = "use docker:26.1.5-dind or newer as the service; the host itself is fine"
    cells = {}
    for call, (severity, _) in BLOCKED.items():
        answer = TRIXIE[call][0] if call in TRIXIE else "allowed"
        evidence = [f"host: {call} {answer}", f"{name}: {call} EPERM by the profile"]
        cells[call] = cell(severity, "measured", evidence, fix)
    floats = finding(
        "dind_tag_floats", "degraded", "docker:dind is not one version: what it brings changes without notice",
        {"image": "docker:dind"}, "name a version, the same as the CLI image's", "pipeline",
    )  # fmt: skip
    return Host(
        "ci-munich-02",
        TRIXIE_FACTS,
        [layer("host", "docker 26.1.5+dfsg1"), layer(name, "docker 19.03.15", 6.42)],
        [*rows("host", TRIXIE), *rows(name, BUSTER)],
        cells,
        [*(blocked(call, fix, "dind", name) for call in BLOCKED), floats, IO_URING],
        registries=[registry(EXAMPLE[0], "ready", EXAMPLE[1], "2036-01-01T00:00:00Z", answered())],
    )


def unreachable() -> Host:
    error = (
        "unreachable: Failed to connect to the host via ssh: connect to host 192.0.2.17 port 22: Connection timed out"
    )
    nothing = finding(
        "unknown", "unknown", f"nothing is known of this host: {error}", {"kind": "unknown", "error": error},
        "make the host reachable, then run the audit again",
    )  # fmt: skip
    return Host("ci-munich-03", facts(*[None] * len(FACTS)), findings=[nothing])


def predicted() -> Host:
    return Host(
        "ci-munich-04",
        facts(
            "Debian GNU/Linux 12 (bookworm)", "6.1.0-37-arm64", "aarch64", "20.10.24+dfsg1", "1.1.5", "2.5.4", "1.6.20",
            None, "18.5.0",
        ),
        predicted=True,
    )  # fmt: skip
