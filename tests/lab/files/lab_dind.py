"""Make stand-ins of docker:VERSION-dind without a registry: lab-dind [--without-faccessat2] [--tag IMAGE] VERSION...

Each holds the real engine of that version. --without-faccessat2 gives it a libseccomp that does not know the call, so
that containers of that engine, and only they, get EPERM for it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

MIRROR = Path("/usr/local/share/runnerkit-lab/mirror")
SEED = "usr/local/share/lab/libseccomp.so.2"
LIBRARY = "usr/lib/x86_64-linux-gnu/libseccomp.so.2"
CHANGES = (
    'ENTRYPOINT ["dockerd-entrypoint.sh"]',
    "CMD []",
    "VOLUME /var/lib/docker",
    "EXPOSE 2375 2376",
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DOCKER_TLS_CERTDIR=/certs",
)


def link_applets(target: tarfile.TarFile) -> None:
    """The small programs of busybox, beside the engine's own."""
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in listed:
        if applet != "busybox":
            entry = tarfile.TarInfo("usr/bin/" + applet)
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            target.addfile(entry)


def copy(source: tarfile.TarFile, target: tarfile.TarFile, without_faccessat2: bool) -> None:
    dropped, renamed = (LIBRARY, {SEED: LIBRARY}) if without_faccessat2 else (SEED, {})
    for entry in source:
        if entry.name != dropped:
            entry.name = renamed.get(entry.name, entry.name)
            target.addfile(entry, source.extractfile(entry) if entry.isreg() else None)
    link_applets(target)


def make(version: str, name: str, without_faccessat2: bool) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{MIRROR.read_text().strip()}/dind/{version}.tar", timeout=30) as answer:
        words = [word for change in CHANGES for word in ("--change", change)]
        command = ["docker", "import", *words, "-", name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            assert process.stdin is not None
            with (
                tarfile.open(fileobj=answer, mode="r|") as source,
                tarfile.open(fileobj=process.stdin, mode="w|") as target,
            ):
                copy(source, target, without_faccessat2)
            process.stdin.close()
        if process.returncode != 0:
            sys.exit(f"lab-dind: `docker import` failed for {name}")
    print(name)


def main() -> None:
    parser = argparse.ArgumentParser(prog="lab-dind", description="Make stand-ins of docker:VERSION-dind")
    parser.add_argument("version", nargs="+", metavar="VERSION", help="20.10.5, 20.10.24 or 26.1.5")
    parser.add_argument("--without-faccessat2", action="store_true", help="a libseccomp that does not know the call")
    parser.add_argument("--tag", help="instead of docker:VERSION-dind; for one version only")
    options = parser.parse_args()
    if options.tag and len(options.version) > 1:
        parser.error("--tag names one image, and there are several versions")
    for version in options.version:
        try:
            make(version, options.tag or f"docker:{version}-dind", options.without_faccessat2)
        except urllib.error.HTTPError as error:
            sys.exit(f"lab-dind: the mirror has no engine {version} ({error}); choose 20.10.5, 20.10.24 or 26.1.5")


if __name__ == "__main__":
    main()
