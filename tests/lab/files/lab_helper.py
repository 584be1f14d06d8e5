"""Make an image that brings jobs their sources, without a registry: lab-helper [NAME:TAG].

It stands in for GitLab Runner's helper image: git, the certificates that Debian trusts, and an entry point that takes
/etc/gitlab-runner/certs/ca.crt into that store. It consists of the host's own packages and of nothing else: what
somebody made the host trust is not in it.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

NAME = "lab/helper:1"
DPKG = Path("/var/lib/dpkg")
MISSING = ("git", "ca-certificates")  # what a host may lack
# The packages that the image is for, and those that they take for granted.
WANTED = (*MISSING, "base-files", "bash", "coreutils", "dash", "debianutils", "diffutils", "findutils", "grep", "sed")
# What git is packaged with, and fetches without.
LEFT_OUT = ("perl", "perl-base", "liberror-perl", "git-man", "debconf", "debconf-2.0", "dpkg", "mawk")
UNREAD = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/info/", "/usr/share/lintian/")
AUTHORITIES = Path("/usr/share/ca-certificates")
STORE = "etc/ssl/certs"
TEXTS = {
    "etc/passwd": (0o644, "root:x:0:0:root:/root:/bin/bash\n"),
    "etc/group": (0o644, "root:x:0:\n"),
    # As that of the real image; `--fresh` only takes time.
    "entrypoint": (
        0o755,
        """#!/bin/bash
given=${CA_CERTIFICATES_PATH:-/etc/gitlab-runner/certs/ca.crt}
taken=/usr/local/share/ca-certificates/ca.crt
if [ -f "$given" ] && ! cmp -s "$given" "$taken"; then
	echo 'Updating CA certificates...'
	cp "$given" "$taken"
	update-ca-certificates --fresh >/dev/null
fi
exec "$@"
""",
    ),
    "usr/bin/gitlab-runner-build": (0o755, "#!/bin/bash\numask 0000\nexec /bin/bash\n"),
}
FOLDERS = ("etc/ca-certificates/update.d", "usr/local/share/ca-certificates", "root", "run", "tmp", "var/tmp")
OPEN = ("tmp", "var/tmp")
CHANGES = ('ENTRYPOINT ["/entrypoint"]', 'CMD ["sh"]', "ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin")


def installed(status: str) -> dict[str, list[str]]:
    """Package -> what it depends on, out of dpkg's list; a package is there under every name that it provides."""
    found: dict[str, list[str]] = {}
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Provides|Depends|Pre-Depends): (.*)$", paragraph, re.MULTILINE))
        if "Package" not in fields:
            continue
        needed = ", ".join(fields[name] for name in ("Pre-Depends", "Depends") if name in fields)
        found[fields["Package"]] = _names(needed)
        for name in _names(fields.get("Provides", "")):
            found.setdefault(name, [fields["Package"]])
    return found


def _names(relations: str) -> list[str]:
    return re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)", relations)


def closure(packages: Mapping[str, list[str]]) -> list[str]:
    """WANTED, and all that it needs."""
    found: dict[str, None] = {}
    open_ends = list(WANTED)
    while open_ends:
        name = open_ends.pop()
        if name in packages and name not in found and name not in LEFT_OUT:
            found[name] = None
            open_ends += packages[name]
    return sorted(found)


def files(packages: Iterable[str], dpkg: Path = DPKG) -> list[str]:
    """Their files, without those that only people read."""
    found: set[str] = set()
    for name in packages:
        for path in (dpkg / "info").glob(f"{name}[.:]*list"):
            if re.fullmatch(re.escape(name) + r"(:[a-z0-9]+)?\.list", path.name):
                found.update(path.read_text().splitlines())
    return sorted(path for path in found if path not in ("", "/.") and not f"{path}/".startswith(UNREAD))


def place(path: str) -> str:
    """Where a file really lies: /bin and its like are links on a host, and packages may say so or not."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name).lstrip("/")


def _packaged(paths: Iterable[str]) -> Iterator[tuple[tarfile.TarInfo, Path]]:
    """Every file once, further names of it as links."""
    with tarfile.open(fileobj=io.BytesIO(), mode="w") as form:
        for name, path in sorted({place(path): path for path in paths}.items()):
            entry = form.gettarinfo(path, name) if os.path.lexists(path) else None
            if entry is not None:
                yield entry, Path(path)


def _made(store: Path) -> Iterator[tuple[tarfile.TarInfo, Path | bytes]]:
    """What no package has: folders to write to, entry point, store of certificates."""
    for name in FOLDERS:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name in OPEN else 0o755
        yield entry, b""
    for name, (mode, text) in {**TEXTS, "etc/ca-certificates.conf": (0o644, authorities())}.items():
        entry = tarfile.TarInfo(name)
        entry.mode, entry.size = mode, len(text.encode())
        yield entry, text.encode()
    with tarfile.open(fileobj=io.BytesIO(), mode="w") as form:
        for path in sorted(store.iterdir()):
            yield form.gettarinfo(path, f"{STORE}/{path.name}"), path


def write(target: tarfile.TarFile, paths: Iterable[str], store: Path) -> None:
    """The root file system; what was made for it wins over what a package has under that name."""
    entries = {entry.name: (entry, content) for entry, content in (*_packaged(paths), *_made(store))}
    for name in sorted(entries):
        entry, content = entries[name]
        if isinstance(content, bytes):
            target.addfile(entry, io.BytesIO(content))
        elif entry.isreg():
            with content.open("rb") as data:
                target.addfile(entry, data)
        else:
            target.addfile(entry)


def authorities() -> str:
    """The list of those that Debian ships, whichever of them the host's administrator has put out."""
    return "".join(f"{path.relative_to(AUTHORITIES)}\n" for path in sorted(AUTHORITIES.rglob("*.crt")))


def make_store(work: Path) -> Path:
    """The store as Debian ships it, made beside the host's."""
    store, configuration = work / "certs", work / "ca-certificates.conf"
    nothing = work / "nothing"
    for folder in (store, nothing):
        folder.mkdir()
        folder.chmod(0o755)
    configuration.write_text(authorities())
    places = {"certsconf": configuration, "etccertsdir": store, "localcertsdir": nothing, "hooksdir": nothing}
    words = [str(word) for name, path in places.items() for word in (f"--{name}", path)]
    subprocess.run(["update-ca-certificates", *words], stdout=subprocess.DEVNULL, check=True)
    return store


def _install() -> None:
    """What the host lacks of the packages."""
    if not shutil.which("git") or not shutil.which("update-ca-certificates"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "--yes", "--no-install-recommends", *MISSING]):
            subprocess.run(["apt-get", "-qq", *words], env=quiet, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="lab-helper", description="Make an image that brings jobs their sources")
    parser.add_argument("name", nargs="?", default=NAME, metavar="NAME:TAG")
    options = parser.parse_args()
    _install()
    paths = files(closure(installed((DPKG / "status").read_text())))
    changes = [word for change in CHANGES for word in ("--change", change)]
    with tempfile.TemporaryDirectory(prefix="lab-helper-") as folder:
        work = Path(folder)
        with tarfile.open(work / "root.tar", "w") as target:
            write(target, paths, make_store(work))
        command = ["docker", "import", *changes, work / "root.tar", options.name]
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            sys.exit(f"lab-helper: `docker import` failed for {options.name}")
    print(options.name)


if __name__ == "__main__":
    main()
