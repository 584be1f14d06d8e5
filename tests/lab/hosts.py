"""The hosts: containers that boot systemd and are reached by SSH."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

from tests.lab import images, musl, ssh
from tests.lab.engine import Engine
from tests.lab.home import FILES, Home
from tests.lab.images import Image
from tests.lab.machine import privilege_options
from tests.lab.network import Network, next_address
from tests.lab.shell import LabError, in_parallel, say, step, write
from tests.lab.ssh import HostKey

LABEL = "runnerkit.lab"
BOOT_TIMEOUT = 90.0
INIT = "usr/local/sbin/lab-init"
SHARE = "usr/local/share/runnerkit-lab"
TOOLS = {
    "lab-dind": "lab_dind.py",
    "lab-docker-cli": "lab_dind.py",
    "lab-helper": "lab_helper.py",
    "lab-image": "lab-image",
    "lab-musl": "lab-musl",
}
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?")
GROUP = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")


@dataclass(frozen=True)
class Host:
    """One host as the engine knows it."""

    name: str
    group: str
    image: str
    address: str
    state: str = "running"

    @property
    def container(self) -> str:
        return f"rklab-{self.group}-{self.name}"


def parse_requests(texts: Sequence[str]) -> dict[str, Image]:
    """`NAME=IMAGE ...` from the command line."""
    wanted: dict[str, Image] = {}
    for text in texts:
        name, equals, image = text.partition("=")
        if not NAME.fullmatch(name):
            raise LabError(f"{name!r} is no host name; use small letters, digits and hyphens, at most 42.")
        if not equals:
            raise LabError(f"{text!r} names no image; write it as {name}=debian12.")
        if name in wanted:
            raise LabError(f"The host {name} is asked for twice; give the second one another name.")
        wanted[name] = images.image(image)
    return wanted


def check_group(name: str) -> str:
    if not GROUP.fullmatch(name):
        raise LabError(f"{name!r} is no group name; use small letters, digits, hyphens and underscores, at most 41.")
    return name


def parse_listing(text: str) -> list[Host]:
    """Hosts out of `docker container ls --format '{{json .}}'`."""
    found = []
    for line in text.splitlines():
        row = json.loads(line)
        labels = dict(label.partition("=")[::2] for label in row["Labels"].split(","))
        if f"{LABEL}.host" in labels:
            found.append(
                Host(
                    name=labels[f"{LABEL}.host"],
                    group=labels[f"{LABEL}.group"],
                    image=labels[f"{LABEL}.image"],
                    address=labels[f"{LABEL}.address"],
                    state=row["State"],
                )
            )
    return sorted(found, key=lambda host: (host.group, host.name))


def listing(engine: Engine, group: str | None = None) -> list[Host]:
    if not engine.answers():
        return []
    words = ["container", "ls", "--all", "--no-trunc", "--filter", f"label={LABEL}.host", "--format", "{{json .}}"]
    return [host for host in parse_listing(engine.docker(*words)) if group in (None, host.group)]


def _archive(files: dict[str, tuple[int, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, (mode, content) in files.items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size, entry.mtime = mode, len(content), int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _tool(source: Path) -> bytes:
    """A program as the host gets it; one in Python is a module as any other here, and lacks its first line."""
    return (b"#!/usr/bin/env python3\n" if source.suffix == ".py" else b"") + source.read_bytes()


def _start(home: Home, engine: Engine, network: Network, host: Host, key: HostKey) -> None:
    labels = {"host": host.name, "group": host.group, "image": host.image, "address": host.address}
    engine.docker(
        *("container", "create", "--name", host.container, "--hostname", host.name, "--restart", "always"),
        *privilege_options(),
        *("--cgroupns", "private", "--stop-signal", "SIGRTMIN+3", "--volume", "/var/lib/docker"),
        *("--env", f"LAB_ADDRESS={network.with_prefix(IPv4Address(host.address))}"),
        *("--env", f"LAB_GATEWAY={network.gateway}"),
        *(word for key, value in labels.items() for word in ("--label", f"{LABEL}.{key}={value}")),
        *("--entrypoint", f"/{INIT}", images.tag(images.image(host.image))),
    )
    engine.docker(
        *("cp", "-", f"{host.container}:/"),
        data=_archive(
            {
                "etc/ssh/ssh_host_ed25519_key": (0o600, key.private),
                "etc/ssh/ssh_host_ed25519_key.pub": (0o644, key.public.encode()),
                "root/.ssh/authorized_keys": (0o600, ssh.lab_key(home).with_suffix(".pub").read_bytes()),
                INIT: (0o755, (FILES / "lab-init").read_bytes()),
                **{f"usr/local/bin/{name}": (0o755, _tool(FILES / source)) for name, source in TOOLS.items()},
                f"{SHARE}/musl.tar": (0o644, musl.ensure(home).read_bytes()),
                f"{SHARE}/mirror": (0o644, f"http://{network.mirror}\n".encode()),
            }
        ),
    )
    engine.docker("start", host.container)


def wait(home: Home, engine: Engine, host: Host) -> None:
    """Until systemd has booted and SSH answers."""
    question = "systemctl is-system-running --wait; systemctl list-units --failed --plain --no-legend"
    probe = ssh.command(home, host.address, question)
    probe[1:1] = ["-o", "ConnectTimeout=5", "-o", "BatchMode=yes"]
    begun = time.monotonic()
    while time.monotonic() - begun < BOOT_TIMEOUT:
        answer = subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        state, _, failed = answer.stdout.partition("\n")
        if state in ("running", "degraded"):
            units = ", ".join(line.split()[0] for line in failed.splitlines())
            note = f", but these units failed: {units}" if units else ""
            say(f"{host.name}: {host.image} at {host.address} is up after {time.monotonic() - begun:.1f} s{note}")
            return
        time.sleep(0.2)
    log = engine.docker("logs", "--tail", "5", host.container).strip()
    last = answer.stderr.strip() or state or "nothing"
    raise LabError(
        f"The host {host.name} did not answer by SSH within {BOOT_TIMEOUT:.0f} s (last: {last}); "
        f"look at it with `docker -H unix://{engine.socket} logs {host.container}`.\n  {log}"
    )


def check_same_images(there: Mapping[str, Host], wanted: Mapping[str, Image]) -> None:
    """A host that is there is never exchanged for another behind its user's back."""
    for name, host in there.items():
        if name in wanted and wanted[name].name != host.image:
            raise LabError(
                f"The host {name} of group {host.group} runs {host.image}, not {wanted[name].name}; "
                f"remove it first: `down --group {host.group} {name}`."
            )


def up(home: Home, engine: Engine, network: Network, group: str, wanted: Mapping[str, Image]) -> None:
    """Start the hosts that are not there; those that are stay as they are."""
    there = {host.name: host for host in listing(engine, group) if host.name in wanted}
    check_same_images(there, wanted)
    unfinished = [host for host in there.values() if host.state == "created"]
    down(engine, unfinished)
    kept = [host for host in there.values() if host not in unfinished]
    for host in kept:
        if host.state != "running":
            engine.docker("start", host.container)
    names = [name for name in wanted if name not in {host.name for host in kept}]
    addresses = _addresses(home, engine, network, len(names))
    new = [Host(name, group, wanted[name].name, str(addresses.pop(0))) for name in names]
    if new:
        with step(f"starting {', '.join(names)}"):
            ssh.lab_key(home)
            keys = [ssh.host_key(home, host.container) for host in new]
            ssh.remember(home, [(host.address, key) for host, key in zip(new, keys, strict=True)])
            jobs = [partial(_start, home, engine, network, host, key) for host, key in zip(new, keys, strict=True)]
            in_parallel(jobs)
    in_parallel([partial(wait, home, engine, host) for host in [*kept, *new]], at_once=16)


def _addresses(home: Home, engine: Engine, network: Network, count: int) -> list[IPv4Address]:
    """Free addresses for new hosts; how far the numbering got is remembered."""
    counter = home.run / "last-address"
    last = IPv4Address(counter.read_text()) if counter.exists() else None
    used = {IPv4Address(host.address) for host in listing(engine)}
    found: list[IPv4Address] = []
    for _ in range(count):
        last = next_address(network, used, last)
        used.add(last)
        found.append(last)
    if found:
        write(counter, str(last))
    return found


def down(engine: Engine, hosts: Sequence[Host]) -> None:
    """Remove hosts with everything in them."""
    if hosts:
        with step(f"removing {', '.join(host.name for host in hosts)}"):
            engine.docker("rm", "--force", "--volumes", *(host.container for host in hosts))
