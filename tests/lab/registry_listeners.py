"""The lab's registries on paper: one for each kind of trouble, what each reads, and how one talks to it."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from pathlib import Path

from tests.lab.registry_client import Client
from tests.lab.registry_keys import CA, CLIENT_CA, EXPIRED, OTHER_NAME, SELF_SIGNED, SERVER

# The ports, by what is behind them; nothing is behind the last one.
TLS, ASKS_CERTIFICATE, ASKS_LOGIN, FORGOTTEN, STRANGE, PLAIN, OWN_CERTIFICATE, NOBODY = *range(5000, 5007), 5009
USER, PASSWORD = "lab-user", "lab-registry-password"
# That password by bcrypt, the only way that the registry knows: crypt(PASSWORD, "$2y$05$runnerkitLabSaltOfFixO").
HTPASSWD = f"{USER}:$2y$05$runnerkitLabSaltOfFixOV3i4brSbiXRkFH6w3W/aWM4ubDoMkR2\n"


@dataclass(frozen=True)
class Listener:
    """One registry: its port, what it shows, and what it asks for."""

    port: int
    certificate: str | None = SERVER  # None: plain HTTP
    authority: str | None = CA  # by which the certificate can be verified
    asks_certificate: bool = False
    asks_login: bool = False
    seeded: bool = True


LISTENERS = (
    Listener(TLS),
    Listener(ASKS_CERTIFICATE, asks_certificate=True),
    Listener(ASKS_LOGIN, asks_login=True),
    Listener(FORGOTTEN, EXPIRED, seeded=False),
    Listener(STRANGE, OTHER_NAME, seeded=False),
    Listener(PLAIN, None, None),
    Listener(OWN_CERTIFICATE, SELF_SIGNED, SELF_SIGNED),
)


def listener(port: int) -> Listener:
    """The registry at a port."""
    return next(each for each in LISTENERS if each.port == port)


def configuration(what: Listener) -> dict[str, object]:
    """What one registry reads; paths are those in the container."""
    http: dict[str, object] = {"addr": f":{what.port}", "secret": "the lab's"}
    if what.certificate:
        tls: dict[str, object] = {
            "certificate": f"/srv/keys/{what.certificate}.crt",
            "key": f"/srv/keys/{what.certificate}.key",
        }
        if what.asks_certificate:
            tls["clientcas"] = [f"/srv/keys/{CLIENT_CA}.crt"]
        http["tls"] = tls
    found: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "warn", "fields": {"port": str(what.port)}},
        "storage": {"filesystem": {"rootdirectory": f"/var/lib/registry/{what.port}"}, "delete": {"enabled": True}},
        "http": http,
    }
    if what.asks_login:
        found["auth"] = {"htpasswd": {"realm": "the lab's registry", "path": "/srv/config/htpasswd"}}
    return found


def files() -> dict[str, str]:
    """The files of all of them: name -> text. JSON is YAML, which they read."""
    rows = {f"{each.port}.json": json.dumps(configuration(each), indent=1) for each in LISTENERS}
    return {**rows, "htpasswd": HTPASSWD}


def connect(
    address: str, what: Listener, authority: str | None, certificate: tuple[Path, Path] | None, timeout: float = 20
) -> Client:
    """A client that trusts the AUTHORITY (PEM) and nobody else, and shows CERTIFICATE (and key) where one is asked for.

    An OSError or ValueError tells that one of them is of no use.
    """
    context = None
    if what.certificate:
        context = ssl.create_default_context(cadata=authority or "")
        if what.asks_certificate and certificate:
            context.load_cert_chain(*certificate)
    return Client(address, what.port, context, (USER, PASSWORD) if what.asks_login else None, timeout)
