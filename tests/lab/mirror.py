"""The package mirror: what is published, and the container that serves it."""

from __future__ import annotations

import hashlib
import shutil
import time
import urllib.request
from collections.abc import Collection, Iterable
from pathlib import Path

from tests.lab import dind, images, keytrouble, oldseccomp, packages, repository, runner
from tests.lab.engine import Engine
from tests.lab.home import FILES, Home
from tests.lab.hosts import LABEL
from tests.lab.images import Image
from tests.lab.network import Network
from tests.lab.packages import SUITES
from tests.lab.repository import Signer
from tests.lab.shell import LabError, say, step, succeeds

CONTAINER = "rklab-mirror"
DOCKER = "docker/linux"
RUNNER = "runner/gitlab-runner"
DOWNLOADS = "runner/downloads"


def _signer(home: Home) -> Signer:
    return Signer(home, "docker", "Docker Release, made by the runnerkit lab (CE deb) <lab@localhost>")


def _stranger(home: Home) -> Signer:
    return Signer(home, "other", "Somebody else, made by the runnerkit lab <other@localhost>")


def _publish_docker(home: Home, codename: str) -> Path | None:
    suite = SUITES[codename]
    stable = packages.stable(home, suite)
    channels = {"stable": stable, "test": packages.test(suite, stable)}
    if codename == "bookworm":
        channels["lab"] = list(oldseccomp.packages(home, codename))
    fields = {"Origin": "Docker", "Label": "Docker CE", "Suite": codename, "Codename": codename}
    return repository.publish(home.mirror / DOCKER / "debian", fields, channels)


def _publish_runner(home: Home, codename: str, path: str = RUNNER) -> Path | None:
    fields = {"Origin": "packages.gitlab.com/runner/gitlab-runner", "Label": "gitlab-runner"}
    root = home.mirror / path / "debian"
    return repository.publish(
        root, {**fields, "Suite": codename, "Codename": codename}, {"main": list(runner.packages(home, codename))}
    )


def _publish_trouble(home: Home, codenames: Iterable[str]) -> None:
    """The runner's repository again, signed by keys that hosts do not have in that form."""
    for name, signer in keytrouble.signers(home):
        path = RUNNER.replace("runner/", f"runner-{name}/", 1)
        changed = [_publish_runner(home, codename, path) for codename in codenames]
        signer.sign([release for release in changed if release])
        repository.serve_key(signer, home.mirror / path / "gpgkey")
        shutil.copyfile(signer.former, home.mirror / path / "gpgkey-former")


def publish(home: Home, codenames: Collection[str]) -> None:
    """Bring the repositories for these releases of Debian up to date."""
    signer = _signer(home)
    for codename in codenames:
        with step(f"package mirror: bringing {codename} up to date"):
            changed = [_publish_docker(home, codename), _publish_runner(home, codename)]
            signer.sign([release for release in changed if release])
    _publish_trouble(home, codenames)
    runner.downloads(home.mirror / DOWNLOADS)
    dind.publish(home)
    repository.serve_key(signer, home.mirror / DOCKER / "debian" / "gpg")
    repository.serve_key(signer, home.mirror / RUNNER / "gpgkey")
    repository.serve_key(_stranger(home), home.mirror / DOCKER / "debian" / "other-gpg")


def variables(home: Home, network: Network) -> dict[str, str]:
    """What Ansible must know to install from the mirror."""
    base = f"http://{network.mirror}"
    fingerprint = _signer(home).fingerprint()
    return {
        "docker_engine_repository_url": f"{base}/{DOCKER}",
        "docker_engine_repository_key_url": f"{base}/{DOCKER}/debian/gpg",
        "docker_engine_repository_key_fingerprint": fingerprint,
        "lab_mirror_url": base,
        "lab_other_key_url": f"{base}/{DOCKER}/debian/other-gpg",
        "lab_other_key_fingerprint": _stranger(home).fingerprint(),
        "gitlab_runner_repository_url": f"{base}/{RUNNER}",
        "gitlab_runner_repository_key_url": f"{base}/{RUNNER}/gpgkey",
        "gitlab_runner_repository_key_fingerprint": fingerprint,
        "lab_runner_downloads_url": f"{base}/{DOWNLOADS}",
        **keytrouble.variables(home, base, RUNNER.partition("/")[2]),
    }


def answers(network: Network) -> bool:
    url = f"http://{network.mirror}/{DOCKER}/debian/gpg"
    try:
        # Straight to the bridge: a proxy of the machine cannot know the address.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def serve(home: Home, engine: Engine, network: Network, image: Image) -> None:
    """Start the container, or start it anew when what it runs has changed."""
    server = FILES / "serve.py"
    version = hashlib.sha256(server.read_bytes()).hexdigest()[:12]
    filters = [f"name=^{CONTAINER}$", f"label={LABEL}.server={version}", "status=running"]
    words = [word for value in filters for word in ("--filter", value)]
    if engine.docker("container", "ls", "--quiet", *words).strip() and answers(network):
        return
    stop(engine)
    home.mirror.mkdir(parents=True, exist_ok=True)
    setup = (
        f"ip address flush dev eth0 scope global && ip address add {network.with_prefix(network.mirror)} dev eth0 "
        "&& exec python3 -u /srv/serve.py /srv/mirror 80"
    )
    engine.docker(
        *("run", "--detach", "--name", CONTAINER, "--hostname", "mirror", "--restart", "always"),
        *("--cap-add", "NET_ADMIN", "--security-opt", "apparmor=unconfined", "--label", f"{LABEL}.server={version}"),
        *("--mac-address", network.hardware(network.mirror)),
        *("--volume", f"{home.mirror}:/srv/mirror:ro", "--volume", f"{server}:/srv/serve.py:ro"),
        *("--entrypoint", "/bin/sh", images.tag(image), "-c", setup),
    )
    for _ in range(50):
        if answers(network):
            say(f"package mirror: http://{network.mirror}/{DOCKER}")
            return
        time.sleep(0.1)
    raise LabError(
        f"The package mirror does not answer at http://{network.mirror}/; "
        f"its own words: `docker -H unix://{engine.socket} logs {CONTAINER}`."
    )


def stop(engine: Engine) -> None:
    if engine.answers() and succeeds(engine.client("container", "inspect", CONTAINER)):
        engine.docker("rm", "--force", CONTAINER)
