"""The registry's certificates: good ones, and each kind of trouble. Made once, by openssl."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.lab.certificates import KEY, make
from tests.lab.machine import program
from tests.lab.shell import run, write

CA, CLIENT_CA = "ca", "client-ca"
SERVER, EXPIRED, OTHER_NAME, SELF_SIGNED, CLIENT = "server", "expired", "other-name", "self-signed", "client"
STRANGER = "registry.elsewhere.example"  # whom the certificate of another name is for
SUBJECTS = {
    CA: "/CN=Registry CA of the runnerkit lab",
    CLIENT_CA: "/CN=Registry client CA of the runnerkit lab",
    SERVER: "/CN=Registry of the runnerkit lab",
    OTHER_NAME: f"/CN={STRANGER}",
    EXPIRED: "/CN=Registry of the runnerkit lab that was forgotten",
    SELF_SIGNED: "/CN=Registry of the runnerkit lab that vouches for itself",
    CLIENT: "/CN=Runner host of the runnerkit lab",
}
SIGNERS = {SERVER: CA, OTHER_NAME: CA, CLIENT: CLIENT_CA}
FROM, UNTIL = "20200101000000Z", "20210101000000Z"  # when the one that was forgotten was good


@dataclass(frozen=True)
class Keys:
    """Certificates and keys in one folder, each named for what it is."""

    folder: Path

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def complete(self) -> bool:
        return all(path.exists() for name in SUBJECTS for path in (self.certificate(name), self.key(name)))

    def version(self) -> str:
        """Changes with any of the certificates."""
        parts = [self.certificate(name).read_bytes() for name in sorted(SUBJECTS)]
        return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def settings(address: str) -> str:
    """What goes into the certificates of a registry at this address, for openssl."""
    identifiers = ["subjectKeyIdentifier = hash", "authorityKeyIdentifier = keyid"]
    authority = [
        *("basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign, cRLSign"),
        identifiers[0],
    ]
    leaf = ["basicConstraints = critical, CA:FALSE", "keyUsage = critical, digitalSignature", *identifiers]
    server = [*leaf, "extendedKeyUsage = serverAuth"]
    sections = {
        "req": ["distinguished_name = subject"],
        "subject": [],
        "signer": [
            *("database = index", "new_certs_dir = .", "rand_serial = yes", "unique_subject = no"),
            *("default_md = sha256", "policy = policy"),
        ],
        "policy": ["commonName = supplied"],
        CA: authority,
        CLIENT_CA: authority,
        SERVER: [*server, f"subjectAltName = IP:{address}"],
        EXPIRED: [*server, f"subjectAltName = IP:{address}"],
        OTHER_NAME: [*server, f"subjectAltName = DNS:{STRANGER}"],
        SELF_SIGNED: [*server, f"subjectAltName = IP:{address}"],
        CLIENT: [*leaf, "extendedKeyUsage = clientAuth"],
    }
    return "".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections.items())


def ensure(folder: Path, address: str) -> Keys:
    """All of them for a registry at this address; the authorities outlive a change of address."""
    found = Keys(folder)
    chosen = folder / "openssl.cnf"
    if found.complete() and chosen.exists() and chosen.read_text() == settings(address):
        return found
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        draft = Keys(Path(name))
        config = draft.folder / "openssl.cnf"
        config.write_text(settings(address))
        for authority in (CA, CLIENT_CA):
            if not (found.certificate(authority).exists() and found.key(authority).exists()):
                make(config, authority, SUBJECTS[authority], draft.folder, ())
                _keep(draft, found, authority)
        for leaf in (SERVER, OTHER_NAME, SELF_SIGNED, CLIENT):
            signer = SIGNERS.get(leaf)
            words = ("-CA", str(found.certificate(signer)), "-CAkey", str(found.key(signer))) if signer else ()
            make(config, leaf, SUBJECTS[leaf], draft.folder, words)
            _keep(draft, found, leaf)
        _make_expired(config, draft, found)
        _keep(draft, found, EXPIRED)
    write(chosen, settings(address))
    return found


def _keep(draft: Keys, found: Keys, name: str) -> None:
    draft.key(name).replace(found.key(name))
    draft.certificate(name).replace(found.certificate(name))


def _make_expired(config: Path, draft: Keys, found: Keys) -> None:
    """`openssl ca` is the one that has always been able to date a certificate back."""
    request = draft.folder / f"{EXPIRED}.csr"
    (draft.folder / "index").touch()
    _openssl(
        *("req", "-new", *KEY, "-config", str(config), "-subj", SUBJECTS[EXPIRED]),
        *("-keyout", str(draft.key(EXPIRED)), "-out", str(request)),
        folder=draft.folder,
    )
    _openssl(
        *("ca", "-batch", "-notext", "-config", str(config), "-name", "signer", "-extensions", EXPIRED),
        *("-cert", str(found.certificate(CA)), "-keyfile", str(found.key(CA)), "-startdate", FROM, "-enddate", UNTIL),
        *("-in", str(request), "-out", str(draft.certificate(EXPIRED))),
        folder=draft.folder,
    )


def _openssl(*words: str, folder: Path) -> None:
    run([program("openssl"), *words], cwd=folder)
