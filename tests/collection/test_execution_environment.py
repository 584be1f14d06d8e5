# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""ansible-builder reads the definition of the execution environment and makes what an image is built from."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from .conftest import CHECKOUT


def test_a_build_context_has_the_collection_and_pinned_libraries(archive: Path, tmp_path: Path) -> None:
    shutil.copy(CHECKOUT / "execution-environment.yml", tmp_path)
    shutil.copytree(CHECKOUT / "requirements", tmp_path / "requirements")
    shutil.copy(archive, tmp_path)
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-builder"), "create", "--output-filename", "Containerfile"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    brought = tmp_path / "context" / "_build"
    assert (brought / "collection" / archive.name).read_bytes() == archive.read_bytes()
    assert (brought / "requirements" / "ee.txt").read_bytes() == (CHECKOUT / "requirements" / "ee.txt").read_bytes()
    steps = (tmp_path / "context" / "Containerfile").read_text(encoding="utf-8")
    assert "pip install --no-cache-dir --require-hashes -r /tmp/ee.txt" in steps
    assert "ansible-galaxy collection install --offline" in steps
