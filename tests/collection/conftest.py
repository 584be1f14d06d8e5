"""The collection as other people get it: built into an archive and installed into an empty directory."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Elsewhere:
    """A directory of somebody's own, in which Ansible finds the installed collection and nothing of the checkout."""

    directory: Path
    collections: Path

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        settings = self.directory / "ansible.cfg"
        settings.touch()
        env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
        env |= {
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            # Without this the checkout would be found through the environment's .pth file.
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
            "ANSIBLE_CONFIG": str(settings),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "LC_ALL": "C.UTF-8",
        }
        command = [Path(sys.executable).parent / program, *arguments]
        return subprocess.run(command, cwd=self.directory, env=env, capture_output=True, text=True, check=False)

    def play(self, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        playbook = self.directory / "play.yml"
        playbook.write_text(text)
        return self.run("ansible-playbook", playbook, *arguments)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection's archive."""
    output = tmp_path_factory.mktemp("archive")
    program = Path(sys.executable).parent / "ansible-galaxy"
    call = [str(program), "collection", "build", "--output-path", str(output)]
    done = subprocess.run(call, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = output.glob("runnerkit-gitlab-*.tar.gz")
    return built


@pytest.fixture(scope="session")
def elsewhere(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    """The archive, installed without a network."""
    place = Elsewhere(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("collections"))
    done = place.run(
        "ansible-galaxy", "collection", "install", "--offline", "--collections-path", place.collections, archive
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place


@pytest.fixture
def nowhere(tmp_path: Path) -> Elsewhere:
    """The same with nothing installed, which shows that the checkout is really out of sight."""
    (tmp_path / "project").mkdir()
    (tmp_path / "collections").mkdir()
    return Elsewhere(tmp_path / "project", tmp_path / "collections")
