"""Where this machine gets Debian from, read out of its apt configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_DEBIAN = "http://deb.debian.org/debian"
DEFAULT_SECURITY = "http://deb.debian.org/debian-security"
# What of the machine's own apt settings a host needs to reach the same mirror in the same way.
CARRIED_SETTINGS = re.compile(
    r'^Acquire::(?:https?::Proxy(?:::\S+)?|Check-Valid-Until|Check-Date) "[^"]+";$', re.MULTILINE
)


@dataclass(frozen=True)
class Source:
    """One address and suite that apt installs binary packages from."""

    uri: str
    suite: str


@dataclass(frozen=True)
class Mirrors:
    """Base addresses of the Debian archive and of its security archive."""

    debian: str
    security: str

    def lines(self, codename: str) -> list[str]:
        """sources.list lines for a suite and its updates."""
        return [
            f"deb {self.debian} {codename} main",
            f"deb {self.debian} {codename}-updates main",
            f"deb {self.security} {codename}-security main",
        ]


def parse_list(text: str) -> Iterator[Source]:
    """One-line sources: `deb [option=value ...] URI SUITE COMPONENT ...`."""
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", " ", line.partition("#")[0]).split()
        if len(words) >= 3 and words[0] == "deb":
            yield Source(words[1].rstrip("/"), words[2])


def parse_deb822(text: str) -> Iterator[Source]:
    """deb822 sources: stanzas of `Field: value`, values going on over indented lines."""
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                if name:
                    fields[name] += " " + line.strip()
                continue
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false") or "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri.rstrip("/"), suite)


def derive(sources: Iterable[Source]) -> Mirrors:
    """The Debian mirror among all sources; whatever is not named is looked for on the same server."""
    usable = [source for source in sources if urlsplit(source.uri).scheme in ("http", "https")]
    security = next((s.uri for s in usable if s.uri.endswith("/debian-security")), None)
    debian = next((s.uri for s in usable if _is_archive(s, security)), None)
    if debian is None and security is None:
        return Mirrors(DEFAULT_DEBIAN, DEFAULT_SECURITY)
    if debian is None:
        assert security is not None
        debian = security.removesuffix("-security")
    return Mirrors(debian, security or debian + "-security")


def _is_archive(source: Source, security: str | None) -> bool:
    """Vendors have repositories whose address ends in /debian, too; only Debian's own has updates or a twin."""
    return source.uri.endswith("/debian") and (
        source.suite.endswith("-updates")
        or urlsplit(source.uri).path == "/debian"
        or source.uri + "-security" == security
    )


def read(root: Path = Path("/etc/apt")) -> Mirrors:
    """The mirrors this machine uses."""
    found: list[Source] = []
    for path in [root / "sources.list", *sorted((root / "sources.list.d").glob("*.list"))]:
        if path.is_file():
            found += parse_list(path.read_text(errors="replace"))
    for path in sorted((root / "sources.list.d").glob("*.sources")):
        found += parse_deb822(path.read_text(errors="replace"))
    return derive(found)


def carried_settings(dump: str) -> list[str]:
    """The lines of `apt-config dump` that hosts take over."""
    return CARRIED_SETTINGS.findall(dump)
