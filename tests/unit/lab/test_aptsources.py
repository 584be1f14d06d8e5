"""Where the lab gets Debian from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.aptsources import Mirrors, Source, carried_settings, derive, parse_deb822, parse_list, read

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb http://mirror.example/debian/ bookworm main contrib # as usual
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://mirror.example/debian-security bookworm-security main
deb-src http://sources.example/debian bookworm main
"""

DEB822 = """\
# a comment above everything
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm
  bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm

Types: deb-src
URIs: http://sources.example/debian
Suites: bookworm
"""


def test_one_line_sources_are_read_without_options_comments_and_sources() -> None:
    assert list(parse_list(ONE_LINE)) == [
        Source("http://mirror.example/debian", "bookworm"),
        Source("https://mirror.example/debian-security", "bookworm-security"),
    ]


def test_deb822_sources_are_read_without_disabled_ones_and_sources() -> None:
    assert list(parse_deb822(DEB822)) == [
        Source("http://mirror.example/debian", "bookworm"),
        Source("http://mirror.example/debian", "bookworm-updates"),
    ]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        pytest.param(
            [Source("http://a/debian", "bookworm"), Source("http://b/debian-security", "bookworm-security")],
            Mirrors("http://a/debian", "http://b/debian-security"),
            id="both are named",
        ),
        pytest.param(
            [Source("http://a/debian", "bookworm")],
            Mirrors("http://a/debian", "http://a/debian-security"),
            id="security is looked for beside the archive",
        ),
        pytest.param(
            [Source("https://b/debian-security", "bookworm-security")],
            Mirrors("https://b/debian", "https://b/debian-security"),
            id="the archive is looked for beside security",
        ),
        pytest.param(
            [Source("http://x/ubuntu", "noble"), Source("file:/srv/debian", "bookworm")],
            Mirrors("http://deb.debian.org/debian", "http://deb.debian.org/debian-security"),
            id="another distribution and local files do not serve",
        ),
        pytest.param(
            [Source("https://vendor.example/linux/debian", "bookworm"), Source("http://a/debian", "bookworm")],
            Mirrors("http://a/debian", "http://a/debian-security"),
            id="a vendor's repository for Debian is not Debian",
        ),
        pytest.param(
            [Source("http://a/pub/linux/debian", "bookworm-updates")],
            Mirrors("http://a/pub/linux/debian", "http://a/pub/linux/debian-security"),
            id="a mirror in a deeper place is known by its updates",
        ),
        pytest.param(
            [
                Source("http://a/proxy/debian", "bookworm"),
                Source("http://a/proxy/debian-security", "bookworm-security"),
            ],
            Mirrors("http://a/proxy/debian", "http://a/proxy/debian-security"),
            id="a mirror in a deeper place is known by its twin",
        ),
    ],
)
def test_mirrors_are_derived(sources: list[Source], expected: Mirrors) -> None:
    assert derive(sources) == expected


def test_both_kinds_of_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://old.example/debian-security bookworm-security main\n")
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "debian.sources.disabled").write_text("Types: deb\nURIs: http://no/debian\n")
    assert read(tmp_path) == Mirrors("http://mirror.example/debian", "http://old.example/debian-security")


def test_hosts_take_over_how_the_machine_reaches_its_mirror_and_nothing_else() -> None:
    dump = (
        'Acquire::Check-Valid-Until "false";\nAcquire::http::Proxy "http://proxy:3128";\nAcquire::GzipIndexes "true";\n'
        'Acquire::http::Proxy::special.example "DIRECT";\nAPT::Install-Recommends "true";\nAcquire::Check-Date "";\n'
    )
    assert carried_settings(dump) == [
        'Acquire::Check-Valid-Until "false";',
        'Acquire::http::Proxy "http://proxy:3128";',
        'Acquire::http::Proxy::special.example "DIRECT";',
    ]
