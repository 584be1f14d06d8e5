"""The lab's own Docker daemon, apart from any other on the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab import network
from tests.lab.home import Home
from tests.lab.machine import program
from tests.lab.network import Network
from tests.lab.shell import LabError, run, say, step, succeeds, write

START_TIMEOUT = 60.0


class Engine:
    """containerd and dockerd with directories, socket and bridge of their own.

    A containerd of its own too: dockerd would otherwise join a system's containerd and meet the containers there.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.socket = home.run / "docker.sock"
        self.containerd_socket = home.run / "containerd.sock"

    def docker(self, *words: str | Path, data: bytes | None = None, remedy: str = "") -> str:
        return run(self.client(*words), data=data, env=self.environment, remedy=remedy)

    def client(self, *words: str | Path) -> list[str]:
        return [program("docker"), "-H", f"unix://{self.socket}", *map(str, words)]

    @property
    def environment(self) -> dict[str, str]:
        """Keeps the client from the user's own contexts and credentials."""
        return {"DOCKER_CONFIG": str(self.home.run / "docker-client"), "DOCKER_CONTEXT": ""}

    def answers(self) -> bool:
        return self.socket.exists() and succeeds(self.client("version"))

    def ensure(self) -> Network:
        """Network and daemons up; what died is started again, its running hosts are kept."""
        net = network.ensure(self.home)
        if self._pid("containerd") is not None and self.answers():
            return net
        with step("starting the lab's own Docker engine"):
            self.home.run.mkdir(parents=True, exist_ok=True)
            self._start("containerd", self._containerd_command(), self.containerd_socket)
            self._start("dockerd", self._dockerd_command(net), self.socket)
            self._wait()
        return net

    def stop(self) -> None:
        """Stop both daemons; containers must have been removed before."""
        for name in ("dockerd", "containerd"):
            pid = self._pid(name)
            if pid is None:
                continue
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 30
            while self._pid(name) is not None:
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.1)
        self._unmount()
        for left in (self.socket, self.containerd_socket, *self.home.run.glob("*.pid")):
            left.unlink(missing_ok=True)

    def _unmount(self) -> None:
        """What a daemon that was killed left mounted, innermost first."""
        points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        own = (self.home.docker_root, self.home.containerd_root, self.home.run)
        for point in sorted(points, key=len, reverse=True):
            if any(Path(point).is_relative_to(directory) for directory in own):
                succeeds([program("umount"), "--lazy", point])

    def _containerd_command(self) -> list[str]:
        config = self.home.run / "containerd.toml"
        write(
            config,
            "version = 2\n"
            f'root = "{self.home.containerd_root}"\n'
            f'state = "{self.home.run / "containerd"}"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\naddress = "{self.containerd_socket}"\n',
        )
        return [program("containerd"), "--config", str(config)]

    def _dockerd_command(self, net: Network) -> list[str]:
        config = self.home.run / "daemon.json"
        write(config, "{}\n")  # else dockerd would read /etc/docker/daemon.json, which is the machine owner's
        return [
            program("dockerd"),
            *("--config-file", str(config)),
            *("--host", f"unix://{self.socket}"),
            *("--data-root", str(self.home.docker_root)),
            *("--exec-root", str(self.home.run / "docker")),
            *("--pidfile", str(self.home.run / "dockerd.pid")),
            *("--group", "root", "--containerd", str(self.containerd_socket)),
            *("--bridge", net.bridge, "--fixed-cidr", str(net.engine_range)),
            *("--mtu", Path(f"/sys/class/net/{net.bridge}/mtu").read_text().strip()),
            *("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
            *("--userland-proxy=false", "--live-restore"),
        ]

    def _pid(self, name: str) -> int | None:
        """The daemon's process, if it lives and is ours: a number alone may belong to somebody else by now."""
        pidfile = self.home.run / f"{name}.pid"
        try:
            pid = int(pidfile.read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, ValueError):
            return None
        ours = Path(os.fsdecode(words[0])).name == name and str(self.home.run).encode() in b" ".join(words)
        return pid if ours and state != "Z" else None

    def _start(self, name: str, command: Sequence[str], socket: Path) -> None:
        if self._pid(name) is not None:
            return
        (self.home.run / f"{name}.pid").unlink(missing_ok=True)
        socket.unlink(missing_ok=True)
        with (self.home.run / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        if name != "dockerd":  # dockerd writes its own
            write(self.home.run / f"{name}.pid", f"{process.pid}\n")
        deadline = time.monotonic() + START_TIMEOUT
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError(self._why_not(name))
            time.sleep(0.05)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self.answers():
            if self._pid("dockerd") is None or time.monotonic() > deadline:
                raise LabError(self._why_not("dockerd"))
            time.sleep(0.1)
        driver = self.docker("info", "--format", "{{.Driver}}").strip()
        if driver == "vfs":
            say("the engine copies whole file systems (vfs): slow; put RUNNERKIT_LAB_HOME on ext4 or xfs")

    def _why_not(self, name: str) -> str:
        log = self.home.run / f"{name}.log"
        tail = "\n  ".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else ""
        return f"The lab's {name} does not start; its log {log} ends with the reason below.\n  {tail}"
