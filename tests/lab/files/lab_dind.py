"""Make stand-ins of docker:VERSION-dind and docker:VERSION-cli without a registry.

lab-dind [--tls] [--without-faccessat2] [--tag IMAGE] VERSION...
lab-docker-cli [--tag IMAGE] VERSION...

Each holds the real engine, or the real client, of that version. --tls gives the engine what its entry point needs to
make certificates, so that DOCKER_TLS_CERTDIR counts as it does with the official image. --without-faccessat2 gives it a
libseccomp that does not know the call, so that containers of that engine, and only they, get EPERM for it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

MIRROR = Path("/usr/local/share/runnerkit-lab/mirror")
SEED = "usr/local/share/lab/libseccomp.so.2"
LIBRARY = "usr/lib/x86_64-linux-gnu/libseccomp.so.2"
TLS = "usr/local/share/lab/tls/"
ENVIRONMENT = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DOCKER_TLS_CERTDIR=/certs"
CHANGES = {
    "dind": (
        'ENTRYPOINT ["dockerd-entrypoint.sh"]',
        "CMD []",
        "VOLUME /var/lib/docker",
        "EXPOSE 2375 2376",
        ENVIRONMENT,
    ),
    "cli": ('ENTRYPOINT ["docker-entrypoint.sh"]', 'CMD ["sh"]', ENVIRONMENT),
}


def link_applets(target: tarfile.TarFile) -> None:
    """The small programs of busybox, beside the engine's own."""
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in listed:
        if applet != "busybox":
            entry = tarfile.TarInfo("usr/bin/" + applet)
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            target.addfile(entry)


def place(name: str, without_faccessat2: bool, tls: bool) -> str:
    """Where a file of the mirror's belongs in the image; nowhere when the image is to be without it."""
    if name.startswith(TLS):
        return name[len(TLS) :] if tls else ""
    if name in (SEED, LIBRARY):
        return LIBRARY if (name == SEED) == without_faccessat2 else ""
    return name


def copy(source: tarfile.TarFile, target: tarfile.TarFile, without_faccessat2: bool, tls: bool = False) -> None:
    written: set[str] = set()
    for entry in source:
        name = place(entry.name, without_faccessat2, tls)
        # Libraries that openssl shares with the engine are there twice.
        if name and name not in written:
            written.add(name)
            entry.name = name
            target.addfile(entry, source.extractfile(entry) if entry.isreg() else None)
    link_applets(target)


def make(kind: str, version: str, name: str, without_faccessat2: bool, tls: bool) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{MIRROR.read_text().strip()}/{kind}/{version}.tar", timeout=30) as answer:
        words = [word for change in CHANGES[kind] for word in ("--change", change)]
        command = ["docker", "import", *words, "-", name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            assert process.stdin is not None
            with (
                tarfile.open(fileobj=answer, mode="r|") as source,
                tarfile.open(fileobj=process.stdin, mode="w|") as target,
            ):
                copy(source, target, without_faccessat2, tls)
            process.stdin.close()
        if process.returncode != 0:
            sys.exit(f"lab-{kind}: `docker import` failed for {name}")
    print(name)


def _options(program: str, arguments: Sequence[str]) -> argparse.Namespace:
    kind = "cli" if program == "lab-docker-cli" else "dind"
    parser = argparse.ArgumentParser(prog=program, description=f"Make stand-ins of docker:VERSION-{kind}")
    parser.add_argument("version", nargs="+", metavar="VERSION", help="20.10.5, 20.10.24 or 26.1.5")
    parser.add_argument("--tag", help=f"instead of docker:VERSION-{kind}; for one version only")
    parser.set_defaults(kind=kind, without_faccessat2=False, tls=False)
    if kind == "dind":
        parser.add_argument("--tls", action="store_true", help="obey DOCKER_TLS_CERTDIR")
        parser.add_argument(
            "--without-faccessat2", action="store_true", help="a libseccomp that does not know the call"
        )
    options = parser.parse_args(arguments)
    if options.tag and len(options.version) > 1:
        parser.error("--tag names one image, and there are several versions")
    return options


def main() -> None:
    program = Path(sys.argv[0]).name
    options = _options(program, sys.argv[1:])
    for version in options.version:
        name = options.tag or f"docker:{version}-{options.kind}"
        try:
            make(options.kind, version, name, options.without_faccessat2, options.tls)
        except urllib.error.HTTPError as error:
            sys.exit(f"{program}: the mirror has no engine {version} ({error}); choose 20.10.5, 20.10.24 or 26.1.5")


if __name__ == "__main__":
    main()
