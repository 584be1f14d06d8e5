"""The docker executor: one container per stage, services beside it, volumes that they share."""

from __future__ import annotations

import fnmatch
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from . import logins, volumes
from .config import get
from .engine import Engine, EngineError
from .job import Job, JobError
from .script import DETECT
from .services import Services
from .variables import expand, flag
from .version import VERSION

MANAGED = "com.gitlab.gitlab-runner"
BUILDS, CACHE = "/builds", "/cache"
HELPER = f"registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v{VERSION}"
# Key of [runners.docker] -> key of the Engine API's HostConfig.
HANDED_ON = {
    "cap_add": "CapAdd",
    "cap_drop": "CapDrop",
    "dns": "Dns",
    "dns_search": "DnsSearch",
    "extra_hosts": "ExtraHosts",
    "group_add": "GroupAdd",
    "runtime": "Runtime",
    "shm_size": "ShmSize",
    "sysctls": "Sysctls",
    "userns_mode": "UsernsMode",
    "volumes_from": "VolumesFrom",
}


def _device(text: str) -> dict[str, str]:
    host, _, rest = text.partition(":")
    inside, _, permissions = rest.partition(":")
    return {"PathOnHost": host, "PathInContainer": inside or host, "CgroupPermissions": permissions or "rwm"}


class Docker:
    """One job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.settings: Mapping[str, Any] = get(job.runner, "docker") or {}
        self.engine = Engine(str(get(self.settings, "host") or ""))
        self.values = job.variables.values
        self.prefix = f"runner-{job.short}-project-{job.project_id}-concurrent-{job.slot}"
        self.name = f"{self.prefix}-{secrets.token_hex(8)}"
        self.builds = str(get(job.runner, "builds_dir") or BUILDS)
        declared = [volumes.parse(expand(str(text), self.values)) for text in get(self.settings, "volumes") or []]
        shared = volumes.is_mounted(self.builds, declared)
        self.folder = volumes.project_folder(self.builds, job.short, job.slot, job.project, shared)
        self.mounts = volumes.layout(
            declared,
            self.builds,
            self.prefix,
            str(get(self.settings, "cache_dir") or ""),
            bool(get(self.settings, "disable_cache")),
        )
        self.own: Mapping[str, str] = {"CI_BUILDS_DIR": self.builds, "CI_DISPOSABLE_ENVIRONMENT": "true"}
        self.image = self.helper = ""
        self.entrypoint: Sequence[str] = ()
        self.containers: list[str] = []
        self.services = Services(self)

    def labels(self, kind: str) -> dict[str, str]:
        about = {
            "job.id": self.job.id,
            "project.id": self.job.project_id,
            "runner.id": self.job.short,
            "runner.local_id": self.job.slot,
            "managed": "true",
            "type": kind,
        }
        return {f"{MANAGED}.{key}": str(value) for key, value in about.items()}

    def allowed(self, name: str, key: str, declared: Sequence[str]) -> None:
        """An image of a job must be one that the runner allows; what the runner itself names always is."""
        patterns = [str(pattern) for pattern in get(self.settings, key) or []]
        if not patterns or name in declared or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            return
        what = "images" if key == "allowed_images" else "services"
        raise JobError(f'The "{name}" image is not present on list of allowed {what}: {", ".join(patterns)}')

    def privileged(self, name: str, key: str = "allowed_privileged_images") -> bool:
        if not get(self.settings, "privileged"):
            return False
        patterns = [str(pattern) for pattern in get(self.settings, key) or []]
        return not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)

    def fetch(self, name: str) -> dict[str, Any]:
        """What the engine knows of an image, after what `pull_policy` wants done about it."""
        wanted = get(self.settings, "pull_policy") or "always"
        policies = [wanted] if isinstance(wanted, str) else list(wanted)
        trouble = ""
        for policy in policies:
            found = self.engine.image(name)
            if policy == "always" or (policy == "if-not-present" and not found):
                self.job.trace.line(f"Pulling docker image {name} ...")
                try:
                    self.engine.pull(name, logins.header(name, self.values))
                except EngineError as error:
                    trouble = f"{error} (pull policy {policy})"
                    continue
                found = self.engine.image(name)
            if found:
                self.job.trace.line(f"Using docker image {found['Id']} for {name}")
                return found
            trouble = f"No such image: {name} (pull policy {policy})"
        raise JobError(
            f'failed to pull image "{name}" with specified policies {policies}: {trouble}', "image_pull_failure"
        )

    def prepare(self) -> None:
        image = self.job.payload.get("image") or {}
        default = expand(str(get(self.settings, "image") or ""), self.values)
        self.image = expand(str(image.get("name") or ""), self.values) or default
        if not self.image:
            raise JobError("no Docker image specified to run the build in")
        self.job.trace.line(f'Preparing the "docker" executor with the image {self.image}')
        self.allowed(self.image, "allowed_images", [default])
        self.entrypoint = image.get("entrypoint") or ()
        self.own = {**self.own, "CI_JOB_IMAGE": self.image}
        self.job.settle(self.own, self.folder)
        for mount in self.mounts:
            if not mount.source.startswith("/"):
                self.engine.call("POST", "/volumes/create", {"Name": mount.source, "Labels": self.labels("cache")})
        self.services.start(flag(self.job.runner, self.values, "FF_NETWORK_PER_BUILD"))
        if self.job.payload.get("git_info"):
            self.helper = self._fetch_helper()
        self.fetch(self.image)

    def _fetch_helper(self) -> str:
        """The image that brings the sources: the one of config.toml is pulled as jobs' are, its own only if it must."""
        name = expand(str(get(self.settings, "helper_image") or ""), {"CI_RUNNER_VERSION": VERSION})
        self.job.trace.line(f"Using helper image: {name or HELPER}")
        if name or not self.engine.image(HELPER):
            self.fetch(name or HELPER)
        return name or HELPER

    def host_config(self) -> dict[str, Any]:
        """What job and services have in common."""
        found: dict[str, Any] = {"Binds": [mount.bind() for mount in self.mounts], "LogConfig": {"Type": "json-file"}}
        for key, name in HANDED_ON.items():
            value = get(self.settings, key)
            if value not in (None, "", 0, []):
                found[name] = value
        found["Devices"] = [_device(str(text)) for text in get(self.settings, "devices") or []]
        return found

    def create(self, name: str, body: dict[str, Any]) -> str:
        container = str(self.engine.call("POST", "/containers/create", body, name=name)["Id"])
        self.containers.append(container)
        return container

    def fetch_sources(self, script: str) -> int:
        """In a container of its own that has all that the job's has, volumes above all; only `user` is not for it."""
        return self._run("predefined", {"Image": self.helper, "Cmd": ["gitlab-runner-build"]}, script)

    def run(self, script: str) -> int:
        body: dict[str, Any] = {"Image": self.image, "Cmd": ["sh", "-c", DETECT]}
        if self.entrypoint:
            body["Entrypoint"] = list(self.entrypoint)
        if get(self.settings, "user"):
            body["User"] = get(self.settings, "user")
        return self._run("build", body, script)

    def _run(self, kind: str, own: Mapping[str, Any], script: str) -> int:
        """A container that gets the script on its standard input; its exit code."""
        host: dict[str, Any] = {
            **self.host_config(),
            "Privileged": self.privileged(self.image),
            "SecurityOpt": list(get(self.settings, "security_opt") or []),
            **self.services.host_config(),
        }
        body = {
            **own,
            "Env": self.job.variables.environment(),
            "Labels": self.labels(kind),
            "OpenStdin": True,
            "StdinOnce": True,
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "HostConfig": host,
        }
        container = self.create(f"{self.name}-{kind}-{len(self.containers)}", body)
        attached = self.engine.attach(container)
        try:
            self.engine.call("POST", f"/containers/{container}/start")
            attached.send(script.encode())
            for piece in attached.output(0.2):
                if piece:
                    self.job.trace.write(piece)
                self.job.check()
        finally:
            attached.close()
        return int(self.engine.call("POST", f"/containers/{container}/wait")["StatusCode"])

    def cleanup(self) -> None:
        """Containers and network go; the volumes stay for the slot's next job, as with the real one."""
        for container in self.containers:
            try:
                self.engine.call("DELETE", f"/containers/{container}", force=1, v=1)
            except EngineError as error:
                self.job.trace.line(f"WARNING: cannot remove a container: {error}")
        self.services.remove_network()
