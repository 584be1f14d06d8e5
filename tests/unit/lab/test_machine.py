"""What the lab finds out about the machine."""

from __future__ import annotations

import pytest

from tests.lab import machine

FULL = (1 << 41) - 1


@pytest.mark.parametrize(
    ("bounding", "expected"),
    [
        pytest.param(FULL, [], id="an ordinary machine lacks nothing"),
        pytest.param(0x1FFFEFFFFFF, ["SYS_RESOURCE"], id="one is missing"),
        pytest.param(FULL & ~0b11, ["CHOWN", "DAC_OVERRIDE"], id="two are missing"),
    ],
)
def test_missing_capabilities_are_named(bounding: int, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "last_capability", lambda: 40)
    assert machine.missing_capabilities(f"Name:\tx\nCapBnd:\t{bounding:016x}\nCapAmb:\t0\n") == expected


def test_capabilities_that_the_kernel_does_not_know_are_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "last_capability", lambda: 37)
    assert machine.missing_capabilities(f"CapBnd:\t{(1 << 38) - 1:016x}\n") == []


@pytest.mark.parametrize(
    ("present", "release", "expected"),
    [
        pytest.param(set(machine.PROGRAMS), {"ID": "debian", "VERSION_ID": "12"}, set(), id="all is there"),
        pytest.param(
            set(machine.PROGRAMS) - {"mmdebstrap", "gpg", "ssh", "ssh-keygen"},
            {"ID": "debian", "VERSION_ID": "12"},
            {"mmdebstrap", "gpg", "openssh-client"},
            id="only what is missing, each once",
        ),
        pytest.param(
            set(machine.PROGRAMS) - {"docker", "dockerd", "containerd"},
            {"ID": "debian", "VERSION_ID": "12"},
            {"docker.io"},
            id="in Debian 12 the client is part of docker.io",
        ),
        pytest.param(
            set(machine.PROGRAMS) - {"docker", "dockerd", "containerd"},
            {"ID": "debian", "VERSION_ID": "13"},
            {"docker.io", "docker-cli"},
            id="in Debian 13 it is a package of its own",
        ),
        pytest.param(
            set(machine.PROGRAMS) - {"docker"},
            {"ID": "debian"},
            {"docker.io", "docker-cli"},
            id="testing has no number and is newer",
        ),
    ],
)
def test_requirements_are_what_is_missing(
    present: set[str], release: dict[str, str], expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: f"/usr/bin/{name}" if name in present else None)
    monkeypatch.setattr("pathlib.Path.exists", lambda _path: True)
    assert set(machine.requirements(release)) == expected
