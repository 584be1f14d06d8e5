"""The GitLab stand-in: the container that it runs in, beside the mirror, and its certificate."""

from __future__ import annotations

import hashlib
import ssl
import time
import urllib.error
import urllib.request

from tests.lab import certificates, images
from tests.lab.certificates import Certificates
from tests.lab.engine import Engine
from tests.lab.home import FILES, Home
from tests.lab.hosts import LABEL
from tests.lab.images import Image
from tests.lab.network import Network
from tests.lab.shell import LabError, say, succeeds

CONTAINER = "rklab-gitlab"
PROGRAM = FILES / "gitlab_standin"


def url(network: Network) -> str:
    """The server's address; instances are below it: `URL/SPACE`."""
    return f"https://{network.gitlab}"


def _certificates(home: Home, network: Network) -> Certificates:
    return certificates.ensure(home.keys / "gitlab", [f"IP:{network.gitlab}", "DNS:gitlab"])


def variables(home: Home, network: Network) -> dict[str, str]:
    """What Ansible must know to reach it; nothing as long as it was never started."""
    ca = Certificates(home.keys / "gitlab").ca
    return {"lab_gitlab_url": url(network), "lab_gitlab_ca": ca.read_text()} if ca.exists() else {}


def answers(home: Home, network: Network) -> bool:
    """Whether it serves, with a certificate that its CA vouches for."""
    ca = Certificates(home.keys / "gitlab").ca
    if not ca.exists():
        return False
    context = ssl.create_default_context(cafile=str(ca))
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(f"{url(network)}/", timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _version(files: Certificates) -> str:
    """Changes with everything that a running container would not notice."""
    digest = hashlib.sha256(files.version().encode())
    for source in sorted(PROGRAM.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def serve(home: Home, engine: Engine, network: Network, image: Image) -> None:
    """Start the container, or start it anew when what it runs has changed; what it remembers is gone then."""
    files = _certificates(home, network)
    version = _version(files)
    filters = [f"name=^{CONTAINER}$", f"label={LABEL}.server={version}", "status=running"]
    words = [word for value in filters for word in ("--filter", value)]
    if engine.docker("container", "ls", "--quiet", *words).strip() and answers(home, network):
        return
    stop(engine)
    setup = (
        f"ip address flush dev eth0 scope global && ip address add {network.with_prefix(network.gitlab)} dev eth0 "
        "&& cd /srv && exec python3 -Bu -m gitlab_standin --port 443 "
        "--certificate /srv/keys/server.crt --key /srv/keys/server.key"
    )
    engine.docker(
        *("run", "--detach", "--name", CONTAINER, "--hostname", "gitlab", "--restart", "always"),
        *("--cap-add", "NET_ADMIN", "--security-opt", "apparmor=unconfined", "--label", f"{LABEL}.server={version}"),
        *("--mac-address", network.hardware(network.gitlab)),
        *("--volume", f"{PROGRAM}:/srv/gitlab_standin:ro", "--volume", f"{files.folder}:/srv/keys:ro"),
        *("--entrypoint", "/bin/sh", images.tag(image), "-c", setup),
    )
    for _ in range(100):
        if answers(home, network):
            say(f"GitLab stand-in: {url(network)}/")
            return
        time.sleep(0.05)
    raise LabError(
        f"The GitLab stand-in does not answer at {url(network)}/; "
        f"its own words: `docker -H unix://{engine.socket} logs {CONTAINER}`."
    )


def stop(engine: Engine) -> None:
    if engine.answers() and succeeds(engine.client("container", "inspect", CONTAINER)):
        engine.docker("rm", "--force", CONTAINER)
