"""A signed apt repository: packages, indexes, Release, signatures."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

from tests.lab import deb
from tests.lab.deb import Package
from tests.lab.home import Home
from tests.lab.machine import program
from tests.lab.shell import run, succeeds, write


class Signer:
    """An OpenPGP key that signs repositories: a primary key and, as with docker's, a subkey that does the signing."""

    def __init__(self, home: Home, name: str, owner: str) -> None:
        self.home = home
        self.secret = home.cache / "signing" / f"{name}.sec"
        self.public = self.secret.with_suffix(".asc")
        self.owner = owner

    @contextmanager
    def _gnupg(self) -> Iterator[Path]:
        """A keyring for the moment, in a short path (the agent's socket allows 108 characters), its agent stopped."""
        with tempfile.TemporaryDirectory(prefix="rklab-") as directory:
            try:
                yield Path(directory)
            finally:
                succeeds([program("gpgconf"), "--homedir", directory, "--kill", "gpg-agent"])

    @staticmethod
    def _gpg(directory: Path, *words: str | Path, data: bytes | None = None) -> str:
        command: list[str | Path] = [
            program("gpg"),
            "--homedir",
            directory,
            "--batch",
            "--yes",
            "--pinentry-mode",
            "loopback",
        ]
        return run([*command, "--passphrase", "", *words], data=data)

    def fingerprint(self) -> str:
        """Of the primary key; it is what users pin."""
        self._ensure()
        return self.secret.with_suffix(".fpr").read_text().strip()

    def _generate(self, directory: Path, life: str, *words: str) -> str:
        """A primary key and a subkey for signing; the fingerprint."""
        self._gpg(directory, *words, "--quick-generate-key", self.owner, "rsa3072", "cert,sign", life)
        listing = self._gpg(directory, "--list-keys", "--with-colons")
        fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
        self._gpg(directory, *words, "--quick-add-key", fingerprint, "rsa3072", "sign", life)
        return fingerprint

    def _make(self, directory: Path) -> str:
        """Make the key in an empty keyring; its fingerprint."""
        return self._generate(directory, "never")

    def _ensure(self) -> None:
        if self.secret.exists():
            return
        self.secret.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._gnupg() as directory:
            fingerprint = self._make(directory)
            write(self.public, self._gpg(directory, "--armor", "--export", fingerprint))
            write(self.secret.with_suffix(".fpr"), fingerprint + "\n")
            write(self.secret, self._gpg(directory, "--armor", "--export-secret-keys", fingerprint), mode=0o600)

    def sign(self, releases: Sequence[Path]) -> None:
        """InRelease and Release.gpg beside each Release."""
        self._ensure()
        with self._gnupg() as directory:
            self._gpg(directory, "--import", self.secret)
            for release in releases:
                for name, how in (("InRelease", ["--clearsign"]), ("Release.gpg", ["--armor", "--detach-sign"])):
                    draft = release.with_name(f".{name}")
                    self._gpg(directory, *how, "--digest-algo", "SHA512", "--output", draft, release)
                    draft.replace(release.with_name(name))


def _hashes(path: Path) -> dict[str, str | int]:
    sha256, size = hashlib.sha256(), 0
    with path.open("rb") as data:
        while block := data.read(1 << 20):
            sha256.update(block)
            size += len(block)
    return {"Size": size, "SHA256": sha256.hexdigest()}


def _place(package: Package, target: Path) -> dict[str, str | int]:
    """Write the package where it is not up to date; return its size and hash."""
    note = target.with_name(f".{target.name}.json")
    recipe = package.recipe()
    if target.exists() and note.exists():
        known = json.loads(note.read_text())
        if known["recipe"] == recipe:
            return {"Size": known["Size"], "SHA256": known["SHA256"]}
    deb.write(package, target)
    hashes = _hashes(target)
    write(note, json.dumps({"recipe": recipe, **hashes}))
    return hashes


def release_text(fields: Mapping[str, str], indexes: Mapping[str, bytes]) -> str:
    """A Release file without its Date."""
    lines = [f"{key}: {value}" for key, value in fields.items()]
    lines.append("SHA256:")
    lines += [f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}" for name, data in sorted(indexes.items())]
    return "\n".join(lines) + "\n"


def publish(root: Path, fields: Mapping[str, str], channels: Mapping[str, Sequence[Package]]) -> Path | None:
    """Bring one suite of a repository up to date; its Release when that must be signed anew.

    The layout is that of download.docker.com: packages lie under dists/CODENAME/pool/CHANNEL/ARCHITECTURE.
    """
    codename = fields["Codename"]
    suite = root / "dists" / codename
    indexes: dict[str, bytes] = {}
    for channel, packages in channels.items():
        pool = suite / "pool" / channel / "amd64"
        pool.mkdir(parents=True, exist_ok=True)
        stanzas = []
        for package in packages:
            target = pool / package.filename
            lines = {"Filename": str(target.relative_to(root)), **_place(package, target)}
            stanzas.append(package.control() + "".join(f"{key}: {value}\n" for key, value in lines.items()))
        wanted = {package.filename for package in packages}
        for old in pool.glob("*.deb"):
            if old.name not in wanted:
                old.unlink()
                old.with_name(f".{old.name}.json").unlink(missing_ok=True)
        data = "\n".join(stanzas).encode()
        indexes[f"{channel}/binary-amd64/Packages"] = data
        indexes[f"{channel}/binary-amd64/Packages.gz"] = gzip.compress(data, mtime=0)
    text = release_text({**fields, "Components": " ".join(channels), "Architectures": "amd64"}, indexes)
    release = suite / "Release"
    signed = release.with_name("InRelease").exists()
    if signed and release.exists() and release.read_text().partition("\n")[2] == text:
        return None
    for name, data in indexes.items():
        path = suite / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    write(release, f"Date: {formatdate(usegmt=True)}\n{text}")
    return release


def serve_key(signer: Signer, path: Path) -> None:
    """Put the public key where clients fetch it."""
    signer.fingerprint()
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(signer.public, path)
