"""A certificate authority of the lab's own, and server certificates signed by it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.machine import program
from tests.lab.shell import run, write

DAYS = "3650"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Certificates:
    """Files in one folder."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def ca_key(self) -> Path:
        return self.folder / "ca.key"

    @property
    def server(self) -> Path:
        return self.folder / "server.crt"

    @property
    def server_key(self) -> Path:
        return self.folder / "server.key"

    def version(self) -> str:
        """Changes with the certificate that is served."""
        return hashlib.sha256(self.server.read_bytes()).hexdigest()[:12]


def settings(names: Sequence[str]) -> str:
    """What goes into the certificates, for openssl; strict clients want the key identifiers, too."""
    return "\n".join(
        [
            "[req]",
            "distinguished_name = subject",
            "[subject]",
            "[ca]",
            "basicConstraints = critical, CA:TRUE",
            "keyUsage = critical, keyCertSign, cRLSign",
            "subjectKeyIdentifier = hash",
            "[server]",
            "basicConstraints = critical, CA:FALSE",
            "keyUsage = critical, digitalSignature",
            "extendedKeyUsage = serverAuth",
            "subjectKeyIdentifier = hash",
            "authorityKeyIdentifier = keyid",
            f"subjectAltName = {', '.join(names)}",
            "",
        ]
    )


def ensure(folder: Path, names: Sequence[str]) -> Certificates:
    """CA and server certificate for these names (`IP:10.0.0.1`, `DNS:gitlab`); the CA outlives a change of names."""
    found = Certificates(folder)
    chosen = folder / "openssl.cnf"
    if found.server.exists() and chosen.exists() and chosen.read_text() == settings(names):
        return found
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder) as draft:
        work = Path(draft)
        config = work / "openssl.cnf"
        config.write_text(settings(names))
        if not found.ca.exists():
            make(config, "ca", "/CN=GitLab stand-in CA of the runnerkit lab", work, ())
            (work / "ca.key").replace(found.ca_key)
            (work / "ca.crt").replace(found.ca)
        make(config, "server", "/CN=GitLab stand-in", work, ("-CA", str(found.ca), "-CAkey", str(found.ca_key)))
        (work / "server.key").replace(found.server_key)
        (work / "server.crt").replace(found.server)
    write(chosen, settings(names))
    return found


def make(config: Path, what: str, subject: str, work: Path, signer: Sequence[str]) -> None:
    """WHAT.crt and WHAT.key in the folder WORK, with the section WHAT of the configuration in it."""
    run(
        [
            *(program("openssl"), "req", "-x509", *KEY, "-config", str(config), "-extensions", what, "-subj", subject),
            *("-days", DAYS, "-keyout", str(work / f"{what}.key"), "-out", str(work / f"{what}.crt"), *signer),
        ]
    )
