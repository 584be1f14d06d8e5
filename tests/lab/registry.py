"""The lab's registries: Debian's docker-registry, several times in one container."""

from __future__ import annotations

import hashlib
import ssl
import time
from pathlib import Path

from tests.lab import images, registry_client, registry_keys, registry_listeners, registry_seed, travel
from tests.lab.debs import Release, unpack
from tests.lab.engine import Engine
from tests.lab.home import FILES, Home
from tests.lab.hosts import LABEL
from tests.lab.images import Image
from tests.lab.network import Network
from tests.lab.registry_client import Client, RegistryError
from tests.lab.registry_keys import CA, CLIENT, SELF_SIGNED, Keys
from tests.lab.registry_listeners import LISTENERS, PASSWORD, TLS, USER, Listener
from tests.lab.shell import LabError, say, succeeds, write

CONTAINER = "rklab-registry"
RELEASE = "bookworm"  # whose registry it is, and whose C library
RUN = FILES / "run_registries.py"
START_TIMEOUT = 60.0


def _keys(home: Home) -> Keys:
    return Keys(home.keys / "registry")


def variables(home: Home, network: Network) -> dict[str, str]:
    """What Ansible must know to reach them; nothing as long as they were never started."""
    keys = _keys(home)
    if not keys.complete():
        return {}
    return {
        "lab_registry": str(network.registry),
        "lab_registry_ca": keys.certificate(CA).read_text(),
        "lab_registry_client_cert": keys.certificate(CLIENT).read_text(),
        "lab_registry_client_key": keys.key(CLIENT).read_text(),
        "lab_registry_self_signed": keys.certificate(SELF_SIGNED).read_text(),
        "lab_registry_user": USER,
        "lab_registry_password": PASSWORD,
    }


def _connect(keys: Keys, network: Network, what: Listener, timeout: float) -> Client:
    authority = keys.certificate(what.authority).read_text() if what.authority else None
    certificate = (keys.certificate(CLIENT), keys.key(CLIENT))
    return registry_listeners.connect(str(network.registry), what, authority, certificate, timeout)


def answers(home: Home, network: Network) -> bool:
    """Whether they serve, and hold what they should: the first one got its image when all others had theirs."""
    keys = _keys(home)
    if not keys.complete():
        return False
    try:
        with _connect(keys, network, registry_listeners.listener(TLS), timeout=2) as client:
            return client.digest(registry_seed.REPOSITORY, registry_seed.TAG) is not None
    except (OSError, RegistryError):
        return False


def _unpacked(home: Home, package: str) -> Path:
    deb = Release(home, RELEASE).fetch([package])[package]
    return unpack(deb, home.cache / "unpacked" / deb.stem)


def _binary(home: Home) -> Path:
    return _unpacked(home, "docker-registry") / "usr/bin/docker-registry"


def _busybox(home: Home) -> Path:
    return next(path for path in _unpacked(home, "busybox-static").glob("**/bin/busybox") if path.is_file())


def _libraries(home: Home) -> Path:
    """The C library that the registry was built for: the container may be an older Debian."""
    return travel.libraries(home, RELEASE, ["libc6"])[travel.LOADER].parent


def fetch(home: Home) -> list[Path]:
    """All that the container runs and is filled with, fetched once."""
    return [_binary(home), _libraries(home), _busybox(home)]


def _version(keys: Keys, parts: list[Path]) -> str:
    """Changes with everything that a running container would not notice, and with what it is filled with."""
    digest = hashlib.sha256(repr((keys.version(), registry_listeners.files(), [str(path) for path in parts])).encode())
    for source in (RUN, Path(registry_seed.__file__)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def serve(home: Home, engine: Engine, network: Network, image: Image) -> None:
    """Start the container, or start it anew when what it runs has changed; what was pushed is gone then."""
    keys = registry_keys.ensure(_keys(home).folder, str(network.registry))
    version = _version(keys, fetch(home))
    filters = [f"name=^{CONTAINER}$", f"label={LABEL}.server={version}", "status=running"]
    words = [word for value in filters for word in ("--filter", value)]
    if engine.docker("container", "ls", "--quiet", *words).strip() and answers(home, network):
        return
    stop(engine)
    config = home.run / "registry"
    for name, text in registry_listeners.files().items():
        write(config / name, text)
    setup = (
        f"ip address flush dev eth0 scope global && ip address add {network.with_prefix(network.registry)} dev eth0 "
        f"&& exec python3 -u /srv/run.py /srv/config /srv/lib/{travel.LOADER} --library-path /srv/lib /srv/registry"
    )
    engine.docker(
        *("run", "--detach", "--name", CONTAINER, "--hostname", "registry", "--restart", "always"),
        *("--cap-add", "NET_ADMIN", "--security-opt", "apparmor=unconfined", "--label", f"{LABEL}.server={version}"),
        *("--mac-address", network.hardware(network.registry)),
        *("--volume", f"{keys.folder}:/srv/keys:ro", "--volume", f"{config}:/srv/config:ro"),
        *("--volume", f"{_libraries(home)}:/srv/lib:ro", "--volume", f"{_binary(home)}:/srv/registry:ro"),
        *("--volume", f"{RUN}:/srv/run.py:ro"),
        *("--entrypoint", "/bin/sh", images.tag(image), "-c", setup),
    )
    try:
        _fill(keys, network, registry_seed.image(_busybox(home)))
    except (OSError, RegistryError) as error:
        raise LabError(
            f"The registries at {network.registry} do not answer as they should ({error}); "
            f"their own words: `docker -H unix://{engine.socket} logs {CONTAINER}`."
        ) from error
    say(f"registries: {network.registry}, ports {LISTENERS[0].port} to {LISTENERS[-1].port}")


def _fill(keys: Keys, network: Network, image: registry_client.Image) -> None:
    """Wait for all of them, and push the image; the last one to get it is the one that `answers` asks."""
    deadline = time.monotonic() + START_TIMEOUT
    for what in LISTENERS:
        _await(keys, network, what, deadline)
    for what in sorted((what for what in LISTENERS if what.seeded), key=lambda what: what.port == TLS):
        with _connect(keys, network, what, timeout=20) as client:
            if what.port == TLS:
                client.push(registry_seed.HUB_REPOSITORY, registry_seed.TAG, image)
            client.push(registry_seed.REPOSITORY, registry_seed.TAG, image)


def _await(keys: Keys, network: Network, what: Listener, deadline: float) -> None:
    while True:
        try:
            with _connect(keys, network, what, timeout=2) as client:
                client.ping()
        except ssl.SSLCertVerificationError:
            return  # it talks, and has the trouble that it is there for
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.03)
        else:
            return


def stop(engine: Engine) -> None:
    if engine.answers() and succeeds(engine.client("container", "inspect", CONTAINER)):
        engine.docker("rm", "--force", "--volumes", CONTAINER)
