"""The unit of the service, which the runner writes and removes itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from . import config

FOLDER = Path("/etc/systemd/system")
UNIT = """\
[Unit]
Description=GitLab Runner
ConditionFileIsExecutable={program}
After=network.target


[Service]
StartLimitInterval=5
StartLimitBurst=10
ExecStart={program} {arguments}







Restart=always

RestartSec=120
EnvironmentFile=-/etc/sysconfig/{name}

[Install]
WantedBy=multi-user.target
"""


def unit(program: str, name: str, path: str, work: str, user: str) -> str:
    words = ["run", "--config", path, "--working-directory", work, "--service", name]
    words += ["--user", user] if user else []
    return UNIT.format(program=program, arguments=" ".join(f'"{word}"' for word in words), name=name)


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit('FATAL: exec: "systemctl": executable file not found in $PATH')


def _done(*words: str) -> int:
    result = _systemctl(*words)
    if result.returncode:
        print(f"FATAL: Failed to {words[0]} {words[-1]}: {result.stderr.strip()}", file=sys.stderr)
    return 1 if result.returncode else 0


def install(name: str, path: str, work: str, user: str) -> int:
    """Write the unit, and an empty config.toml where there is none."""
    if not user:
        sys.exit("FATAL: Please specify user that will run gitlab-runner service")
    if not Path(path).exists():
        config.save(path, config.defaults())
    else:
        try:
            config.load(path)
        except config.ConfigError as error:
            sys.exit(f"FATAL: {error}")
    target = FOLDER / f"{name}.service"
    if target.exists():
        sys.exit(f"FATAL: Failed to install {name}: Init already exists: {target}")
    target.write_text(unit(str(Path(sys.argv[0]).resolve()), name, path, work, user))
    return _done("enable", f"{name}.service") or _done("daemon-reload")


def uninstall(name: str) -> int:
    target = FOLDER / f"{name}.service"
    code = _done("disable", f"{name}.service")
    if not code:
        target.unlink()
    return code


def control(word: str, name: str) -> int:
    """start, stop, restart."""
    return _done(word, f"{name}.service")


def status(name: str) -> int:
    state = _systemctl("is-active", name).stdout.strip()
    if state in ("active", "activating"):
        print(f"{name}: Service is running")
        return 0
    installed = (FOLDER / f"{name}.service").exists()
    word = "Service has stopped" if installed and state == "inactive" else "the service is not installed"
    print(f"{name}: {'service in failed state' if state == 'failed' else word}", file=sys.stderr)
    return 1
