"""What the machine under the lab is like: rights, programs, memory. Detected, never assumed."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lab.shell import LabError

# In the order of their numbers in linux/capability.h.
CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT "
    "SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP "
    "MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()

# program -> the Debian package that brings it
PROGRAMS = {
    "containerd": "docker.io",
    "docker": "docker.io",
    "dockerd": "docker.io",
    "dpkg-deb": "dpkg",
    "gcc": "gcc",
    "gpg": "gpg",
    "gpg-agent": "gpg-agent",
    "gpgconf": "gpgconf",
    "ip": "iproute2",
    "iptables": "iptables",
    "make": "make",
    "mmdebstrap": "mmdebstrap",
    "musl-gcc": "musl-tools",
    "openssl": "openssl",
    "patchelf": "patchelf",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SYSTEM_DIRECTORIES = ("/usr/sbin", "/sbin", "/usr/bin", "/bin")


def program(name: str) -> str:
    """The path of a program; the distribution's own is preferred to what else is on the PATH."""
    for path in (os.pathsep.join(SYSTEM_DIRECTORIES), None):
        found = shutil.which(name, path=path)
        if found:
            return found
    raise LabError(f"The program {name!r} is missing; install what `python3 -m tests.lab requirements` prints.")


def _has(name: str) -> bool:
    try:
        program(name)
    except LabError:
        return False
    return True


def requirements(os_release: Mapping[str, str] | None = None) -> list[str]:
    """The packages the lab needs and the machine lacks.

    What is there already is left out, so that a Docker of another make is never replaced by Debian's.
    """
    missing = {package for name, package in PROGRAMS.items() if not _has(name)}
    release = os_release if os_release is not None else platform.freedesktop_os_release()
    if not _has("docker") and release.get("ID") == "debian" and int(release.get("VERSION_ID", "99")) >= 13:
        missing.add("docker-cli")  # since Debian 13 the client is no longer part of docker.io
    if not KEYRING.exists():
        missing.add("debian-archive-keyring")
    return sorted(missing)


def check_requirements() -> None:
    missing = requirements()
    if missing:
        raise LabError(
            "The lab needs packages that this machine lacks: "
            f"`apt-get install --no-install-recommends {' '.join(missing)}`."
        )
    if platform.machine() != "x86_64":
        raise LabError(f"The lab builds amd64 hosts and this machine is {platform.machine()}; use an x86_64 machine.")


def become_root(arguments: Sequence[str]) -> None:
    """Go on as root: at once, through sudo, or with a sentence that says what to do."""
    if os.geteuid() == 0:
        return
    if not shutil.which("sudo"):
        raise LabError("The lab starts containers and makes a network bridge; run it as root, or install sudo.")
    kept = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("RUNNERKIT_LAB_")]
    command = ["sudo", "env", *kept, sys.executable, "-m", "tests.lab", *arguments]
    os.execvp(command[0], command)


def owner() -> tuple[int, int]:
    """Who called: behind sudo the ordinary user, who must be able to read the key for SSH."""
    return int(os.environ.get("SUDO_UID", os.geteuid())), int(os.environ.get("SUDO_GID", os.getegid()))


def last_capability() -> int:
    """The number of the last capability that the kernel knows."""
    return int(Path("/proc/sys/kernel/cap_last_cap").read_text())


def missing_capabilities(status: str) -> list[str]:
    """Names of the capabilities that the bounding set in /proc/self/status lacks."""
    bounding = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))
    known = CAPABILITIES[: last_capability() + 1]
    return [name for number, name in enumerate(known) if not bounding >> number & 1]


def privilege_options() -> list[str]:
    """How `docker run` gives a host what systemd and a nested engine need.

    `--privileged` asks for every capability, and is refused where the machine itself lacks one.
    """
    missing = missing_capabilities(Path("/proc/self/status").read_text())
    if not missing:
        return ["--privileged"]
    options = ["--cap-add", "ALL"]
    for name in missing:
        options += ["--cap-drop", name]
    for profile in ("seccomp", "apparmor", "systempaths"):
        options += ["--security-opt", f"{profile}=unconfined"]
    return options


def memory_available() -> int:
    """Bytes of memory that can be used without swapping."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
