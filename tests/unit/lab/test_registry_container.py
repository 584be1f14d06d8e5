"""The lab's registries: the image that they hold, and the program that runs them side by side."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from tests.lab import registry_seed
from tests.lab.files import run_registries
from tests.lab.registry_client import digest


@pytest.fixture(name="busybox")
def _busybox(tmp_path: Path) -> Path:
    path = tmp_path / "busybox"
    path.write_text("#!/bin/sh\nprintf 'busybox\\nsh\\necho\\n'\n")
    path.chmod(0o755)
    return path


def test_the_image_holds_a_shell_and_a_greeting(busybox: Path) -> None:
    image = registry_seed.image(busybox)
    plain = gzip.decompress(image.layer)
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        entries = {entry.name: entry for entry in archive}
        greeting = archive.extractfile("bin/hello")
        assert greeting is not None
        assert greeting.read().decode() == "#!/bin/sh\necho hello from the registry\n"
    assert {name: entries[name].linkname for name in ("bin/sh", "bin/echo")} == dict.fromkeys(
        ("bin/sh", "bin/echo"), "busybox"
    )
    assert entries["bin/busybox"].isfile()
    assert (entries["bin/busybox"].mode, entries["tmp"].mode) == (0o755, 0o1777)
    config = json.loads(image.config)
    assert config["config"]["Cmd"] == ["/bin/hello"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(plain).hexdigest()}"]


def test_the_image_has_the_same_digest_every_time(busybox: Path) -> None:
    assert digest(registry_seed.image(busybox).manifest()) == digest(registry_seed.image(busybox).manifest())


def _program(folder: Path, text: str) -> list[str]:
    """A registry that notes that it began, and does what the text says."""
    (folder / "registry").write_text(f'touch "$2.began"; trap \'touch "$2.stopped"; exit 0\' TERM\n{text}\n')
    for port in (5000, 5001):
        (folder / f"{port}.json").write_text("{}")
    return [sys.executable, str(Path(run_registries.__file__)), str(folder), "sh", str(folder / "registry")]


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not come"
        time.sleep(0.01)


STAY = "while :; do sleep 0.02; done"


def test_when_one_registry_ends_all_end(tmp_path: Path) -> None:
    wait = f"case $2 in *5001*) until [ -e {tmp_path}/5000.json.began ]; do sleep 0.02; done; exit 3;; esac"
    command = _program(tmp_path, f"{wait}\n{STAY}")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert "the registry 5001 has ended" in done.stderr
    assert (tmp_path / "5000.json.stopped").exists()


def test_they_stop_when_they_are_told_to(tmp_path: Path) -> None:
    with subprocess.Popen(_program(tmp_path, STAY), stderr=subprocess.DEVNULL) as running:
        for port in (5000, 5001):
            _wait_for(tmp_path / f"{port}.json.began")
        time.sleep(0.1)  # until the trap stands, too
        os.kill(running.pid, signal.SIGTERM)
        running.wait(20)
    assert {path.name for path in tmp_path.glob("*.stopped")} == {"5000.json.stopped", "5001.json.stopped"}
